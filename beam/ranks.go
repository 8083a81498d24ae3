package beam

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"slices"

	sdk "github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/rowlink/rowlink/beam/piece"
	"github.com/rowlink/rowlink/gnn/model"
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

// passes lays out what is made for rows before they go to pieces.
func (s *Spec) passes(root sdk.Scope, text string, splits []Split) []sdk.PCollection {
	if len(s.Ranked) == 0 {
		return nil
	}
	scope := root.Scope("Ranks")
	var tables []int
	var cohorts []sdk.PCollection
	for i := range s.Ranked {
		if table, history := s.rankedTable(i); !history {
			tables = append(tables, table)
			continue
		}
		labels := s.histories()
		rows := sdk.GroupByKey(scope, route(scope.Scope("History"), labels, splits, nil))
		cohorts = append(cohorts, sdk.ParDo(scope, &historyFn{Spec: labels.encode(), Ranked: i}, rows))
	}
	if tables != nil {
		cohorts = append(cohorts, sdk.ParDo(scope, &cohortFn{Spec: text}, sdk.GroupByKey(scope, create(scope, splits, tables))))
	}
	return []sdk.PCollection{sdk.ParDo(scope, &rankFn{Spec: text}, sdk.GroupByKey(scope, sdk.Flatten(scope, cohorts...)))}
}

// rankedTable is the table whose rows get ranks, and whether it is for their target history.
func (s *Spec) rankedTable(i int) (table int, history bool) {
	if s.Ranked[i].Table == model.HistoryName {
		return s.Plan.Entity, true
	}
	return s.Schema.Table(s.Ranked[i].Table), false
}

// rank adds the pass that ranks.
func (s *Spec) rank(ranked []asof.Ranked) {
	s.Ranked = ranked
	for i := range ranked {
		if table, history := s.rankedTable(i); history {
			s.Made = append(s.Made, Made{table, historyName})
		} else {
			s.Made = append(s.Made, Made{table, ranksName})
		}
	}
}

// histories is the job whose pieces hold what the labels of their entities read.
func (s *Spec) histories() *Spec {
	out := *s
	out.Plan = piece.NewPlan(s.Schema, s.Plan.Entity)
	task, err := load(s.encode())
	if err != nil {
		panic(err) // the launcher read it before
	}
	out.Plan.AddLabels(s.Schema, task.task)
	out.Ranked, out.Made = nil, []Made{{s.Plan.Entity, numberName}}
	return &out
}

// historyFn gives the target history of the entities of a piece, to be ranked.
type historyFn struct {
	Spec   string
	Ranked int // its number among what is ranked

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
			out.add(piece.Bucket(-1, uint64(when), p.Buckets), f.Ranked, func(b []byte) []byte {
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
	var data []byte
	for splits(&data) {
		var split Split
		if err := json.Unmarshal(data, &split); err != nil {
			return err
		}
		if split.Table < 0 {
			continue
		}
		columns, lo, hi, id, err := src.rows(split)
		if err != nil {
			return err
		}
		times, err := src.times(split)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(f.job.Ranked, func(r asof.Ranked) bool { return r.Table == f.job.Schema.Tables[split.Table].FullName() })
		var some []ingest.Column
		for _, c := range f.job.Ranked[at].Columns {
			some = append(some, columns[c])
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
	out.flush()
	return nil
}

// ranked is a table of the columns that are ranked.
func (j *job) ranked(i int) *schema.Table {
	table, history := j.rankedTable(i)
	def := &schema.Table{Name: j.Ranked[i].Table}
	if history {
		def.Columns = []schema.Column{{Name: "label", Kind: schema.Float}}
		return def
	}
	for _, c := range j.Ranked[i].Columns {
		def.Columns = append(def.Columns, j.Schema.Tables[table].Columns[c])
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
	snap, err := f.job.cohorts(rows)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, snap.Close()) }()
	out := newBlocks(ctx, emit)
	for i, t := range snap.Tables {
		n := len(t.Columns) - 2
		table, history := f.job.rankedTable(i)
		var ranks [][]float32
		for c := range n {
			ranks = append(ranks, asof.Ranks(t, c))
		}
		values, name := make([]float32, n), ranksName
		if history {
			name = historyName
		}
		to := f.job.number(table, name)
		for row := range t.Rows {
			id := uint64(t.Columns[n].Ints[row])
			for c := range values {
				values[c] = ranks[c][row]
			}
			out.add(keyOf(table, id), to, func(b []byte) []byte {
				if history {
					return appendMadeAt(b, id, t.Times[row], values)
				}
				return appendMade(b, id, values)
			})
		}
	}
	out.flush()
	return nil
}

// cohorts makes a snapshot of the rows of a bucket, whose tables are those that are ranked.
func (j *job) cohorts(next func(*[]byte) bool) (*ingest.Snapshot, error) {
	sc := &schema.Schema{}
	var short []*schema.Table
	for i := range j.Ranked {
		def := j.ranked(i)
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

// whole tells a piece what it cannot see by itself.
func (p *pieceOf) whole() *asof.Whole {
	return &asof.Whole{Judged: p.Judged, Ranks: func(t *ingest.Table, column int) []float32 {
		at := slices.IndexFunc(p.Ranked, func(r asof.Ranked) bool { return r.Table == t.Def.FullName() })
		table, history := p.rankedTable(at)
		if history {
			return p.historyRanks(t)
		}
		out, ranks := make([]float32, t.Rows), make([]float32, len(p.Ranked[at].Columns))
		from, c := &p.made[table][p.column(table, ranksName)], slices.Index(p.Ranked[at].Columns, column)
		for row := range out {
			out[row] = float32(math.NaN())
			if numbers(from, row, ranks) {
				out[row] = ranks[c]
			}
		}
		return out
	}}
}

// historyRanks finds the ranks of the rows of a target history by entity and time.
func (p *pieceOf) historyRanks(t *ingest.Table) []float32 {
	out, of := make([]float32, t.Rows), map[int32]map[int64]float32{}
	from := &p.made[p.Plan.Entity][p.column(p.Plan.Entity, historyName)]
	for row, entity := range t.Parents[0] {
		ranks, ok := of[entity]
		if !ok {
			ranks = map[int64]float32{}
			for text := decoded(from, int(entity)); len(text) >= 12; text = text[12:] {
				ranks[int64(binary.LittleEndian.Uint64(text))] = math.Float32frombits(binary.LittleEndian.Uint32(text[8:]))
			}
			of[entity] = ranks
		}
		out[row] = float32(math.NaN())
		if rank, ok := ranks[t.Times[row]]; ok {
			out[row] = rank
		}
	}
	return out
}
