package scan

import (
	"cmp"
	"slices"
	"testing"

	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

const day = dayMicros

// Tables of the small world; the entity is drivers. Teams have no time, contracts end,
// laps have the time of their result and reach drivers over two foreign keys, and results
// point to drivers twice.
const (
	teams = iota
	drivers
	races
	results
	laps
	contracts
	history
)

// record is a row of any table: links hold ids, 0 for none.
type record struct {
	id        int
	at, until int64 // ingest.Never for NULL
	links     []int
	number    float64
	class     string
	null      bool // the number is NULL
}

// shape describes a table.
type shape struct {
	name  string
	links []string
	to    []int
	timed bool
	ends  bool
}

var shapes = []shape{
	teams:     {name: "teams"},
	drivers:   {name: "drivers", links: []string{"team"}, to: []int{teams}, timed: true},
	races:     {name: "races", timed: true},
	results:   {name: "results", links: []string{"driver", "rival", "race", "team"}, to: []int{drivers, drivers, races, teams}, timed: true},
	laps:      {name: "laps", links: []string{"result"}, to: []int{results}, timed: true},
	contracts: {name: "contracts", links: []string{"driver", "team"}, to: []int{drivers, teams}, timed: true, ends: true},
	history:   {name: model.HistoryName, links: []string{"entity"}, to: []int{drivers}, timed: true},
}

// world is the rows of every table.
type world [][]record

// draw makes a world; times run from day 0 to day 100, many of them at midnight.
func draw(seed uint64, scale int) world {
	s := tensor.NewStream(seed, 0x5ca9)
	w := make(world, len(shapes))
	for t, n := range []int{4 * scale, 9 * scale, 12 * scale, 70 * scale, 90 * scale, 25 * scale, 40 * scale} {
		for i := range n {
			r := w.fill(s, t, 1000*(i+1), 0, 100)
			if t == drivers {
				r.at = int64(s.IntN(40)) * day
			}
			w[t] = append(w[t], r)
		}
	}
	w.inherit()
	return w
}

// fill draws a row with a time of the days lo to hi.
func (w world) fill(s *tensor.Stream, t, id, lo, hi int) record {
	r := record{id: id, at: ingest.Never, until: ingest.Never, number: 10 * (s.Float64() - .5), null: s.IntN(8) == 0}
	r.class = []string{"red", "green", "blue"}[s.IntN(3)]
	if s.IntN(20) > 0 {
		r.at = int64(lo+s.IntN(hi-lo)) / 5 * 5 * day
		if s.IntN(3) == 0 {
			r.at += int64(s.IntN(int(day)))
		}
	}
	if shapes[t].ends && s.IntN(3) > 0 {
		r.until = int64(lo+s.IntN(2*(hi-lo))) * day
	}
	for _, to := range shapes[t].to {
		id := 0
		if n := len(w[to]); n > 0 && s.IntN(9) > 0 {
			id = w[to][s.IntN(n)].id
		}
		r.links = append(r.links, id)
	}
	return r
}

// inherit gives laps the times of their results.
func (w world) inherit() {
	at := map[int]int64{0: ingest.Never}
	for _, r := range w[results] {
		at[r.id] = r.at
	}
	for i := range w[laps] {
		w[laps][i].at = at[w[laps][i].links[0]]
	}
}

// after returns a world with another future: rows that are not visible at the cut are
// altered, deleted and added, which renumbers the others.
func (w world) after(seed uint64, rule ingest.TimeRule, cut int64) world {
	s := tensor.NewStream(seed, 0xf0fa)
	out := make(world, len(w))
	gone := map[[2]int]bool{}
	for t := range w {
		for _, r := range w[t] {
			if !shapes[t].timed || rule.Visible(r.at, cut) {
				r.links = slices.Clone(r.links)
				for l, to := range shapes[t].to {
					if gone[[2]int{to, r.links[l]}] { // of a visible row to an unseen parent: dangling now
						r.links[l] = 0
					}
				}
				if r.until > cut && s.IntN(2) == 0 { // its end comes to be known later
					r.until = cut + 1 + int64(s.IntN(40*int(day)))
				}
				out[t] = append(out[t], r)
				continue
			}
			gone[[2]int{t, r.id}] = true
		}
		if !shapes[t].timed {
			continue
		}
		for range 1 + len(w[t])/3 {
			r := out.fill(s, t, 1+s.IntN(100_000)*1000+s.IntN(998), 0, 100)
			r.number, r.class = 1e3, "black"
			r.at = cut + 1 + int64(s.IntN(60*int(day)))
			if rule.Strict && s.IntN(4) == 0 {
				r.at = cut
			}
			r.until = ingest.Never
			out[t] = append(out[t], r)
		}
		slices.SortFunc(out[t], func(a, b record) int { return cmp.Compare(a.id, b.id) })
		out[t] = slices.CompactFunc(out[t], func(a, b record) bool { return a.id == b.id })
	}
	return out
}

// row finds the row number of an id, -1 for none.
func (w world) row(t, id int) int32 {
	if at, ok := slices.BinarySearchFunc(w[t], id, func(r record, id int) int { return cmp.Compare(r.id, id) }); ok {
		return int32(at)
	}
	return -1
}

// snapshot builds the tables as ingest would.
func (w world) snapshot() *ingest.Snapshot {
	snap := &ingest.Snapshot{ID: "test", Schema: &schema.Schema{}}
	for t, s := range shapes {
		def := &schema.Table{Name: s.name, Key: []int{0}, Columns: []schema.Column{
			{Name: "id", Kind: schema.Int, Sem: schema.SemID},
			{Name: "at", Kind: schema.Time, Sem: schema.SemTimestamp},
			{Name: "number", Kind: schema.Float, Sem: schema.SemNumerical},
			{Name: "class", Kind: schema.Text, Sem: schema.SemCategorical},
		}}
		table := &ingest.Table{Def: def, Rows: len(w[t]), Columns: make([]ingest.Column, 4)}
		for c := range table.Columns {
			table.Columns[c].Kind = def.Columns[c].Kind
		}
		table.Columns[2].Valid, table.Columns[3].Offsets = make([]byte, len(w[t])/8+1), []int64{0}
		for i, r := range w[t] {
			table.Columns[0].Ints = append(table.Columns[0].Ints, int64(r.id))
			table.Columns[1].Ints = append(table.Columns[1].Ints, r.at)
			table.Columns[2].Floats = append(table.Columns[2].Floats, r.number)
			if !r.null {
				table.Columns[2].Valid[i>>3] |= 1 << (i & 7)
			}
			table.Columns[3].Bytes = append(table.Columns[3].Bytes, r.class...)
			table.Columns[3].Offsets = append(table.Columns[3].Offsets, int64(len(table.Columns[3].Bytes)))
			table.Times, table.Until = append(table.Times, r.at), append(table.Until, r.until)
		}
		if s.timed {
			def.Time = &schema.RowTime{Column: 1, Via: -1, Until: -1}
		} else {
			table.Times = nil
			def.Columns[1].Sem = schema.SemIgnore
		}
		if !s.ends {
			table.Until = nil
		}
		for l, to := range s.to {
			def.Columns = append(def.Columns, schema.Column{Name: s.links[l], Kind: schema.Opaque, Sem: schema.SemID})
			table.Columns = append(table.Columns, ingest.Column{Kind: schema.Opaque})
			def.Links = append(def.Links, schema.Link{Name: s.links[l], Columns: []int{len(def.Columns) - 1}, To: to, Ref: []int{0}})
			parents := make([]int32, len(w[t]))
			for i, r := range w[t] {
				parents[i] = w.row(to, r.links[l])
			}
			table.Parents, table.Dangling = append(table.Parents, parents), append(table.Dangling, 0)
		}
		snap.Schema.Tables, snap.Tables = append(snap.Schema.Tables, def), append(snap.Tables, table)
	}
	return snap
}

func (w world) graph(t testing.TB) *graph.Graph {
	t.Helper()
	g, err := graph.Build(w.snapshot())
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// config is that of the tests' networks.
func config(layers int) model.Config {
	return model.Config{Layer: model.Scan, Layers: layers, Width: 3, Outputs: 2, HalfLives: []float64{4, 30}}.Complete(10)
}

// network is a network for drivers with statistics of the rows visible at a cut, and with
// parameters that let every input through.
func network(t testing.TB, c model.Config, g *graph.Graph, rule ingest.TimeRule, cut int64) *Model {
	t.Helper()
	enc := make([]*encode.Table, len(g.Snap.Tables))
	for i, table := range g.Snap.Tables {
		var err error
		if enc[i], err = encode.Fit(table, rule, cut, nil); err != nil {
			t.Fatal(err)
		}
	}
	m, err := New(c, g, drivers, enc, rule, cut, 5)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range m.Params.All() {
		for j := range p.Value.Data {
			if p != m.norm[1] && p != m.norm[0] {
				p.Value.Data[j] += tensor.Real(0.3 * tensor.Normal(uint64(i), uint64(j)))
			}
		}
	}
	return m
}

func bind(t testing.TB, m *Model, g *graph.Graph, rule ingest.TimeRule, threads int) *Bound {
	t.Helper()
	b, err := m.Bind(g, rule, tensor.NewPool(threads))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func score(t testing.TB, b *Bound, q []model.Query) tensor.Mat {
	t.Helper()
	out, err := b.NewScorer().Score(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// queries asks for the drivers in turn at cuts of day 30, 40 and 50.
func queries(n, of int) []model.Query {
	out := make([]model.Query, n)
	for i := range out {
		cut := int64(30+i/of%3*10) * day
		out[i] = model.Query{Row: int32(i % of), Cut: cut, Anchor: cut + int64(i%4)*7*day}
	}
	return out
}
