package beam

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	sdk "github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/beam/piece"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/scan"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tabular/asof"
	"github.com/rowlink/rowlink/tasks"
)

// Names of columns that are made: the ranks of a row among the rows of its time, those of the
// rows of an entity's target history, and the number of the row.
const (
	ranksName   = "ranks"
	historyName = "ranks of the target history"
	numberName  = "number"
)

// cohort is a table whose rows are ranked among those of one time.
type cohort struct {
	name    string // of the table
	table   int    // where what is made goes: of the entity for its target history
	history bool
	columns []int // of the table that are sent
	member  int   // network of the layer scan that ranks; -1 = features do
	made    string
}

// cohorts lists what is ranked.
func (j *job) cohorts() (out []cohort) {
	for _, r := range j.Ranked {
		c := cohort{r.Table, j.Schema.Table(r.Table), r.Table == model.HistoryName, r.Columns, -1, ranksName}
		if c.history {
			c.table, c.made = j.task.Entity, historyName
		}
		out = append(out, c)
	}
	for i, m := range j.networks {
		for _, t := range m.Ranking() {
			c := cohort{m.Types[t], t, t >= len(j.Schema.Tables), nil, i, scanRanks(i)}
			if c.history {
				c.table, c.made = j.task.Entity, scanRanks(i)+" of the target history"
			} else {
				for k := range j.Schema.Tables[t].Columns {
					c.columns = append(c.columns, k)
				}
			}
			out = append(out, c)
		}
	}
	return out
}

func scanRanks(member int) string { return fmt.Sprintf("scan %d: ranks", member) }

// passes lays out what is made for rows before they go to pieces.
func (j *job) passes(root sdk.Scope, text string, splits []Split) (made []sdk.PCollection) {
	if cohorts := j.cohorts(); len(cohorts) > 0 {
		made = append(made, j.rankings(root.Scope("Ranks"), text, splits, cohorts))
	}
	return append(made, j.statePasses(root, splits, made)...)
}

func (j *job) rankings(scope sdk.Scope, text string, splits []Split, list []cohort) sdk.PCollection {
	var tables []int
	var rows []sdk.PCollection
	for i, c := range list {
		if !c.history {
			tables = append(tables, c.table)
			continue
		}
		labels := j.histories()
		scope := scope.Scope(fmt.Sprintf("History%d", i))
		pieces := sdk.GroupByKey(scope, route(scope, labels, splits, nil))
		rows = append(rows, sdk.ParDo(scope, &historyFn{Spec: labels.encode(), Cohort: i}, pieces))
	}
	if tables != nil {
		rows = append(rows, sdk.ParDo(scope, &cohortFn{Spec: text}, sdk.GroupByKey(scope, create(scope, splits, tables))))
	}
	return sdk.ParDo(scope, &rankFn{Spec: text}, sdk.GroupByKey(scope, sdk.Flatten(scope, rows...)))
}

// histories is the job whose pieces hold what the labels of their entities read.
func (j *job) histories() *Spec {
	out := *j.Spec
	out.Plan = piece.NewPlan(j.Schema, j.task.Entity)
	out.Plan.AddLabels(j.Schema, j.task)
	out.Ranked, out.Scan, out.Made = nil, nil, []Made{{j.task.Entity, numberName}}
	return &out
}

// historyFn gives the target history of the entities of a piece, to be ranked.
type historyFn struct {
	Spec   string
	Cohort int // its number among what is ranked

	job *job
}

// Setup reads the job.
func (f *historyFn) Setup(context.Context) (err error) {
	f.job, err = load(f.Spec)
	return err
}

// ProcessElement sends each label to the bucket of the time since which it is known.
func (f *historyFn) ProcessElement(ctx context.Context, shard int64, rows func(*[]byte) bool, emit func(int64, []byte)) error {
	return f.job.withPiece(shard, rows, func(p *pieceOf) error {
		l, err := tasks.History(ctx, p.snap, p.task, ingest.Never-1)
		if err != nil {
			return err
		}
		out, label := newBlocks(ctx, emit), []ingest.Column{{Kind: schema.Float, Floats: l.Label}}
		numbers := &p.made[p.Plan.Entity][0]
		for i, row := range l.Entity {
			if !p.owns(row) {
				continue
			}
			id, _ := binary.Uvarint(decoded(numbers, int(row)))
			when := p.task.Options.Closed(l.Anchor[i], l.Task.Horizon)
			out.add(piece.Bucket(-1, uint64(when), p.Buckets), f.Cohort, func(b []byte) []byte {
				return piece.AppendRow(binary.LittleEndian.AppendUint64(b, uint64(when)), label, i, id)
			})
		}
		out.flush()
		return nil
	})
}

// cohortFn sends rows to buckets by their time.
type cohortFn struct {
	Spec string

	job *job
}

// Setup reads the job.
func (f *cohortFn) Setup(context.Context) (err error) {
	f.job, err = load(f.Spec)
	return err
}

// ProcessElement sends the columns that are ranked, with the number and the time of the row.
func (f *cohortFn) ProcessElement(ctx context.Context, _ int64, splits func(*[]byte) bool, emit func(int64, []byte)) error {
	src, err := f.job.open()
	if err != nil {
		return err
	}
	out := newBlocks(ctx, emit)
	err = eachSplit(splits, func(split Split) error {
		columns, lo, hi, id, err := src.rows(split)
		if err != nil {
			return err
		}
		times, err := src.times(split)
		if err != nil {
			return err
		}
		for at, c := range f.job.cohorts() {
			if c.history || c.table != split.Table {
				continue
			}
			var some []ingest.Column
			for _, k := range c.columns {
				some = append(some, columns[k])
			}
			for row := lo; row < hi; row++ {
				when := times[row-lo]
				if when == ingest.Never {
					continue
				}
				out.add(piece.Bucket(split.Table, uint64(when), f.job.Buckets), at, func(b []byte) []byte {
					return piece.AppendRow(binary.LittleEndian.AppendUint64(b, uint64(when)), some, row, id+uint64(row-lo))
				})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	out.flush()
	return nil
}

// def is a table of the columns that are sent.
func (c cohort) def(sc *schema.Schema) *schema.Table {
	def := &schema.Table{Name: c.name}
	if c.history {
		def.Columns = []schema.Column{{Name: "label", Kind: schema.Float, Sem: schema.SemNumerical}}
		return def
	}
	for _, k := range c.columns {
		def.Columns = append(def.Columns, sc.Tables[c.table].Columns[k])
	}
	return def
}

// rankFn ranks the rows of each time.
type rankFn struct {
	Spec string

	job *job
}

// Setup reads the job.
func (f *rankFn) Setup(context.Context) (err error) {
	f.job, err = load(f.Spec)
	return err
}

// ProcessElement gives each row of a bucket its ranks, for the split that it is in.
func (f *rankFn) ProcessElement(ctx context.Context, _ int64, rows func(*[]byte) bool, emit func(int64, []byte)) (err error) {
	list := f.job.cohorts()
	snap, err := f.job.together(list, rows)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, snap.Close()) }()
	out := newBlocks(ctx, emit)
	for i, t := range snap.Tables {
		c, n := list[i], len(t.Columns)-2
		to := f.job.number(c.table, c.made)
		give := func(row int32, ranks []float32) {
			id := uint64(t.Columns[n].Ints[row])
			out.add(keyOf(c.table, id), to, func(b []byte) []byte {
				if c.history {
					return appendMadeAt(b, id, t.Times[row], ranks)
				}
				return appendMade(b, id, ranks)
			})
		}
		if c.member >= 0 {
			m := f.job.networks[c.member]
			if err := m.Ranks(slices.Index(m.Types, c.name), t, tensor.NewPool(1), give); err != nil {
				return err
			}
			continue
		}
		var ranks [][]float32
		for k := range n {
			ranks = append(ranks, asof.Ranks(t, k))
		}
		values := make([]float32, n)
		for row := range t.Rows {
			for k := range values {
				values[k] = ranks[k][row]
			}
			give(int32(row), values)
		}
	}
	out.flush()
	return nil
}

// together makes a snapshot of the rows of a bucket, whose tables are those that are ranked.
func (j *job) together(list []cohort, next func(*[]byte) bool) (*ingest.Snapshot, error) {
	sc := &schema.Schema{}
	var short []*schema.Table
	for _, c := range list {
		def := c.def(j.Schema)
		short = append(short, def)
		n, long := len(def.Columns), *def
		long.Columns = append(slices.Clone(def.Columns), schema.Column{Name: "the row's number", Kind: schema.Int, NotNull: true}, schema.Column{Name: "the row's time", Kind: schema.Time, NotNull: true})
		long.Key, long.Time = []int{n, n + 1}, &schema.RowTime{Column: n + 1, Via: -1, Until: -1}
		sc.Tables = append(sc.Tables, &long)
	}
	b := ingest.NewBuilder(sc)
	var block []byte
	for next(&block) {
		r := piece.NewReader(block)
		table := int(r.Uint())
		for r.More() {
			when, id := r.Fixed(), r.Uint()
			into, n := b.Tables[table], len(short[table].Columns)
			into.Columns[n].Int(int64(id))
			into.Columns[n+1].Int(int64(when))
			r.Row(short[table], into)
		}
		if r.Err() != nil {
			return nil, r.Err()
		}
	}
	raw, err := b.Finish(sc, 0)
	if err != nil {
		return nil, err
	}
	return raw.Derive(sc)
}

// part tells a piece what it cannot see by itself.
func (p *pieceOf) part() rowlink.Part {
	out := rowlink.Part{Whole: &asof.Whole{Judged: p.Judged, Ranks: p.ranks}}
	if p.Scan != nil {
		out.Scan = func(g *graph.Graph, file string) *scan.Given { return p.given(g, slices.Index(p.Scan.Files, file)) }
	}
	return out
}

func (p *pieceOf) ranks(t *ingest.Table, column int) []float32 {
	at := slices.IndexFunc(p.Ranked, func(r asof.Ranked) bool { return r.Table == t.Def.FullName() })
	r, out := p.Ranked[at], make([]float32, t.Rows)
	name, c := ranksName, slices.Index(r.Columns, column)
	ranks := make([]float32, len(r.Columns))
	if r.Table == model.HistoryName {
		name, c, ranks = historyName, 0, ranks[:1]
	}
	of := p.find(t, name)
	for row := range out {
		out[row] = float32(math.NaN())
		if of(int32(row), ranks) {
			out[row] = ranks[c]
		}
	}
	return out
}

// made is how what was made for a row is found.
type made func(row int32, to []float32) bool

// find finds a column that was made for the rows of a table, which may be the target history:
// what was made for that lies with the entity, by time.
func (p *pieceOf) find(t *ingest.Table, name string) made {
	if t.Def.Name != model.HistoryName {
		table := p.Schema.Table(t.Def.FullName())
		at := p.column(table, name)
		return func(row int32, to []float32) bool { return at >= 0 && numbers(&p.made[table][at], int(row), to) }
	}
	at, texts := p.column(p.task.Entity, name), map[int32][]byte{} // decoded
	return func(row int32, to []float32) bool {
		entity, size := t.Parents[0][row], 8+4*len(to)
		if at < 0 || entity < 0 {
			return false
		}
		text, ok := texts[entity]
		if !ok {
			text = decoded(&p.made[p.task.Entity][at], int(entity))
			texts[entity] = text
		}
		for ; len(text) >= size; text = text[size:] {
			if int64(binary.LittleEndian.Uint64(text)) == t.Times[row] {
				for i := range to {
					to[i] = math.Float32frombits(binary.LittleEndian.Uint32(text[8+4*i:]))
				}
				return true
			}
		}
		return false
	}
}
