package beam

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	sdk "github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/beam/piece"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/scan"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/ingest/parquet"
	"github.com/rowlink/rowlink/schema"
)

// Scan is what a job does with networks of the layer scan: the tables whose states are read go
// through passes one after the other, whose pieces hold their rows and all rows below them. A
// pass gives rows what they read of their parents strictly before their time, for the messages
// of the next layer; the last ones give rows what queries read of them at the anchor.
type Scan struct {
	Folder string      `json:"folder"` // of the version
	Files  []string    `json:"files"`  // of the networks there
	Edges  []piece.Hop `json:"edges"`  // per edge type from child to parent or back: its foreign key
	Member int         `json:"member"` // network of this pass
	Pass   int         `json:"pass"`   // number of this pass; -1 = what follows the passes
}

// loadNetworks reads the networks of a job.
func (j *job) loadNetworks() error {
	if j.Scan == nil {
		return nil
	}
	for _, f := range j.Scan.Files {
		data, err := os.ReadFile(filepath.Join(j.Scan.Folder, f))
		if err != nil {
			return fmt.Errorf("read model: %w", err)
		}
		m, err := scan.Read(data)
		if err != nil {
			return err
		}
		j.networks = append(j.networks, m)
	}
	return nil
}

// hops turns a way over edge types into one over foreign keys.
func (s *Scan) hops(way []scan.Step) (out []piece.Hop) {
	for _, w := range way {
		h := s.Edges[w.Edge]
		h.Up = w.Up
		out = append(out, h)
	}
	return out
}

// holder is the table that what is made for rows of a table goes to.
func (j *job) holder(table int) int {
	if table >= len(j.Schema.Tables) { // the target history
		return j.task.Entity
	}
	return table
}

func (j *job) readName(member int, r scan.Reading) string {
	return fmt.Sprintf("scan %d: for layer %d of table %d over %s: %s", member, r.Layer, r.Table, r.Path, r.State)
}

func stateName(member int, state string) string { return fmt.Sprintf("scan %d: %s", member, state) }

// scans adds the networks of a version to a job, before it is loaded.
func (s *Spec) scans(l *rowlink.Loaded, files []string) error {
	if len(files) == 0 {
		return nil
	}
	s.Scan = &Scan{Folder: filepath.Dir(l.Version.Path(files[0])), Files: files, Pass: -1}
	for _, e := range l.Edges() {
		s.Scan.Edges = append(s.Scan.Edges, piece.Hop{Table: e.Table, Link: e.Link})
	}
	j := &job{Spec: s, task: l.Task}
	if err := j.loadNetworks(); err != nil {
		return err
	}
	ranked := j.cohorts()
	for _, c := range ranked {
		if m := (Made{c.table, c.made}); !slices.Contains(s.All, m) {
			s.All = append(s.All, m)
		}
		if m := (Made{c.table, c.made}); !slices.Contains(s.Made, m) {
			s.Made = append(s.Made, m)
		}
	}
	for i, m := range j.networks {
		for _, way := range m.SeedWays() {
			s.Plan.AddPath(s.Schema, s.Scan.hops(way), l.Task)
		}
		for _, p := range m.Passes() {
			if len(s.Schema.Tables[p.Table].Key) == 0 {
				return &ingest.UserError{Msg: fmt.Sprintf("table %s keeps states and has no key, so its rows cannot be sent to pieces", m.Types[p.Table]), Hint: "name the key in the mapping"}
			}
			for _, r := range p.Reads {
				s.All = append(s.All, Made{j.holder(r.Table), j.readName(i, r)})
			}
			for _, name := range p.States {
				s.All = append(s.All, Made{p.Table, stateName(i, name)})
				s.Made = append(s.Made, Made{p.Table, stateName(i, name)})
			}
		}
	}
	return nil
}

// statePasses lays out the passes of the layer scan; ranks, of which there may be none, are
// made already.
func (j *job) statePasses(root sdk.Scope, splits []Split, ranks []sdk.PCollection) (out []sdk.PCollection) {
	if j.Scan == nil {
		return nil
	}
	for i, m := range j.networks {
		var below []sdk.PCollection
		for k, p := range m.Passes() {
			if j.Work == "states" && p.Last { // the pieces of the result are the last pass
				continue
			}
			s := root.Scope(fmt.Sprintf("Scan%dPass%d", i, k))
			spec := j.passSpec(i, k)
			rows := sdk.GroupByKey(s, route(s, spec, splits, append(slices.Clone(ranks), below...)))
			made := sdk.ParDo(s, &stateFn{Spec: spec.encode()}, rows)
			if p.Last {
				out = append(out, made)
			} else {
				below = append(below, made)
			}
		}
		if j.Work == "states" {
			out = append(out, below...)
		}
	}
	return out
}

// passSpec is the job of one pass.
func (j *job) passSpec(member, pass int) *Spec {
	m := j.networks[member]
	p := m.Passes()[pass]
	out := *j.Spec
	scan := *j.Scan
	scan.Member, scan.Pass = member, pass
	out.Scan, out.Ranked, out.Made = &scan, nil, nil
	out.Plan = j.passPlan(p)
	add := func(made Made) {
		if !slices.Contains(out.Made, made) {
			out.Made = append(out.Made, made)
		}
	}
	for _, c := range j.cohorts() {
		if c.member == member {
			add(Made{c.table, c.made})
		}
	}
	for _, before := range m.Passes()[:pass] {
		for _, r := range before.Reads {
			if r.Layer == p.Layer {
				add(Made{j.holder(r.Table), j.readName(member, r)})
			}
		}
	}
	add(Made{p.Table, numberName})
	for _, r := range p.Reads {
		add(Made{j.holder(r.Table), numberName})
	}
	return &out
}

func (j *job) passPlan(p scan.Pass) *piece.Plan {
	plan := piece.NewPlan(j.Schema, p.Table)
	for _, way := range p.Ways {
		plan.AddPath(j.Schema, j.Scan.hops(way), j.task)
	}
	return plan
}

// stateFn runs one pass over a piece.
type stateFn struct {
	Spec string

	job *job
}

// Setup reads the job.
func (f *stateFn) Setup(context.Context) (err error) {
	f.job, err = load(f.Spec)
	return err
}

// ProcessElement gives what the pass makes to the splits of the rows that it is for.
func (f *stateFn) ProcessElement(ctx context.Context, shard int64, rows func(*[]byte) bool, emit func(int64, []byte)) error {
	return f.job.withPiece(shard, rows, func(p *pieceOf) error {
		b, tops, pass, err := p.bound(ctx)
		if err != nil {
			return err
		}
		out := newBlocks(ctx, emit)
		numbers := map[any]int{} // of columns: names are long, and asked for per row
		give := func(key any, table int, row int32, name func() string, values []tensor.Real) {
			t := b.Over().Snap.Tables[table]
			holder, of := p.holder(table), row
			to, ok := numbers[key]
			if !ok {
				to = p.number(holder, name())
				numbers[key] = to
			}
			if holder != table {
				of = t.Parents[0][row]
			}
			id, _ := binary.Uvarint(decoded(&p.made[holder][p.column(holder, numberName)], int(of)))
			out.add(keyOf(holder, id), to, func(b []byte) []byte {
				if holder != table {
					return appendMadeAt(b, id, t.Times[row], values)
				}
				return appendMade(b, id, values)
			})
		}
		if pass.Last {
			b.At(pass.Table, tops, p.Asked.Anchor, func(top int32, state string, values []tensor.Real) {
				give(state, pass.Table, top, func() string { return stateName(p.Scan.Member, state) }, values)
			})
		} else {
			b.Before(pass.Layer, tops, pass.Table, func(table int, row int32, path, state string, values []tensor.Real) {
				r := scan.Reading{Layer: pass.Layer + 1, Table: table, Path: path, State: state}
				give(r, table, row, func() string { return p.readName(p.Scan.Member, r) }, values)
			})
		}
		out.flush()
		return nil
	})
}

// bound binds the network of the pass to the rows of the piece, and lists the rows of the
// pass's table that the piece is for.
func (p *pieceOf) bound(ctx context.Context) (*scan.Bound, []int32, scan.Pass, error) {
	m := p.networks[p.Scan.Member]
	pass := m.Passes()[p.Scan.Pass]
	links, err := graph.Build(p.snap)
	if err != nil {
		return nil, nil, pass, err
	}
	g, err := model.GraphOver(ctx, links, p.task, true)
	if err != nil {
		return nil, nil, pass, err
	}
	b, err := m.BindPart(g, p.task.Options.Rule, p.given(g, p.Scan.Member), tensor.NewPool(1))
	var tops []int32
	for row := range int32(p.entities().Rows) {
		if p.owns(row) {
			tops = append(tops, row)
		}
	}
	return b, tops, pass, err
}

// given tells a network what was made for the rows of the piece. It is for one goroutine.
func (p *pieceOf) given(g *graph.Graph, member int) *scan.Given {
	of := map[any]made{} // names are long, and asked for per row
	read := func(key any, table int, name func() string, row int32, to []tensor.Real) bool {
		f := of[key]
		if f == nil {
			f = p.find(g.Snap.Tables[table], name())
			of[key] = f
		}
		return f(row, to)
	}
	type state struct {
		table int
		name  string
	}
	return &scan.Given{
		Ranks: func(table int, row int32, to []tensor.Real) bool {
			return read(table, table, func() string {
				if table >= len(p.Schema.Tables) {
					return scanRanks(member) + " of the target history"
				}
				return scanRanks(member)
			}, row, to)
		},
		Reads: func(layer, table int, row int32, path, of string, to []tensor.Real) bool {
			r := scan.Reading{Layer: layer, Table: table, Path: path, State: of}
			return read(r, table, func() string { return p.readName(member, r) }, row, to)
		},
		States: func(table int, row int32, of string, to []tensor.Real) bool {
			return read(state{table, of}, table, func() string { return stateName(member, of) }, row, to)
		},
	}
}

// statesWork tells what queries read of the rows of a table at the anchor.
var statesWork = work{fields: stateFields, run: runStates}

func stateFields(j *job) []parquet.Field {
	out := []parquet.Field{{Name: "anchor", Kind: schema.Time}}
	m := j.networks[j.Scan.Member]
	for _, state := range m.Passes()[j.Scan.Pass].States {
		for _, n := range m.ReadNames(state) {
			out = append(out, parquet.Field{Name: n, Kind: schema.Float})
		}
	}
	return out
}

func runStates(ctx context.Context, p *pieceOf, emit func([]any) error) error {
	b, tops, pass, err := p.bound(ctx)
	if err != nil {
		return err
	}
	of := map[int32][]any{}
	b.At(pass.Table, tops, p.Asked.Anchor, func(top int32, _ string, values []tensor.Real) {
		for _, v := range values {
			of[top] = append(of[top], float64(v))
		}
	})
	for _, row := range tops {
		if err := emit(append(append(parquet.KeyCells(p.entities(), row), p.Asked.Anchor), of[row]...)); err != nil {
			return err
		}
	}
	return nil
}

// States tells what the first network of the layer scan of a version reads of the states of the
// rows of a table (empty = the entity) at an anchor (0 = the end of the data).
func States(ctx context.Context, d *rowlink.Database, folder, taskName, table string, asked Asked, opt Options) (*Done, error) {
	l, err := d.Load(ctx, taskName, asked.Version, asked.Model)
	if err != nil {
		return nil, err
	}
	if err := inPieces(l.Task); err != nil {
		return nil, err
	}
	needs, err := l.Needs()
	if err != nil {
		return nil, err
	}
	if len(needs.Scans) == 0 {
		return nil, &ingest.UserError{Msg: fmt.Sprintf("%s of version %d has no network of the layer scan, so there are no states", l.Served, l.Version.Version), Hint: "train with --scan 1, and take --model scan"}
	}
	spec, err := newSpec("states", d.Snap, folder, l.Task, opt)
	if err != nil {
		return nil, err
	}
	spec.ask(d, l, asked)
	if err := spec.scans(l, needs.Scans[:1]); err != nil {
		return nil, err
	}
	j, err := load(spec.encode())
	if err != nil {
		return nil, err
	}
	of := l.Task.Entity
	if table != "" {
		if of = d.Snap.Schema.Table(table); of < 0 {
			return nil, &ingest.UserError{Msg: fmt.Sprintf("no table %q", table), Hint: "rowlink schema lists the tables"}
		}
	}
	pass := slices.IndexFunc(j.networks[0].Passes(), func(p scan.Pass) bool { return p.Last && p.Table == of })
	if pass < 0 {
		return nil, &ingest.UserError{Msg: fmt.Sprintf("queries read no states of table %q", d.Snap.Tables[of].Def.FullName()), Hint: "leave --table out for those of the entity"}
	}
	last := j.passSpec(0, pass)
	last.Shards = spec.Shards
	return last.run(ctx, d.Snap, opt)
}
