package model

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/graph/sample"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

const day = dayMicros

// spec describes a table by its rows, so that a test can add, drop and alter them.
type spec struct {
	name  string
	cols  []colSpec // the first is the key, of kind Int
	links []linkSpec
	time  string // name of the column; empty for a table without time
	until string
}

// colSpec holds one value per row: nil, bool, int, float64 or string by kind.
type colSpec struct {
	name   string
	kind   schema.Kind
	sem    schema.SemType
	values []any
}

type linkSpec struct {
	name    string
	to      int
	parents []int32 // row numbers; -1 for none
}

func (s *spec) rows() int { return len(s.cols[0].values) }

func (s *spec) column(name string) *colSpec {
	for i := range s.cols {
		if s.cols[i].name == name {
			return &s.cols[i]
		}
	}
	panic("no column " + name)
}

// times are the row times that the named column gives: Never for NULL.
func (s *spec) times(name string) []int64 {
	if name == "" {
		return nil
	}
	out := make([]int64, s.rows())
	for i, v := range s.column(name).values {
		out[i] = ingest.Never
		if v != nil {
			out[i] = int64(v.(int))
		}
	}
	return out
}

// snapshot builds the tables as ingest would.
func snapshot(specs []spec) *ingest.Snapshot {
	snap := &ingest.Snapshot{ID: "test", Schema: &schema.Schema{}}
	for i := range specs {
		s := &specs[i]
		def := &schema.Table{Name: s.name, Key: []int{0}}
		t := &ingest.Table{Def: def, Rows: s.rows(), Times: s.times(s.time), Until: s.times(s.until)}
		for _, c := range s.cols {
			def.Columns = append(def.Columns, schema.Column{Name: c.name, Kind: c.kind, Sem: c.sem})
			t.Columns = append(t.Columns, cells(c.kind, c.values))
		}
		if s.time != "" {
			def.Time = &schema.RowTime{Column: def.Column(s.time), Via: -1, Until: def.Column(s.until)}
		}
		for _, l := range s.links {
			def.Columns = append(def.Columns, schema.Column{Name: l.name, Kind: schema.Opaque, Sem: schema.SemID})
			t.Columns = append(t.Columns, ingest.Column{Kind: schema.Opaque})
			def.Links = append(def.Links, schema.Link{Name: l.name, Columns: []int{len(def.Columns) - 1}, To: l.to, Ref: []int{0}})
			t.Parents = append(t.Parents, l.parents)
			t.Dangling = append(t.Dangling, 0)
		}
		snap.Schema.Tables = append(snap.Schema.Tables, def)
		snap.Tables = append(snap.Tables, t)
	}
	return snap
}

func cells(kind schema.Kind, values []any) ingest.Column {
	n := len(values)
	c := ingest.Column{Kind: kind, Valid: make([]byte, n/8+1), Bits: make([]byte, n/8+1), Offsets: []int64{0}}
	for i, v := range values {
		if v != nil {
			c.Valid[i>>3] |= 1 << (i & 7)
		}
		switch kind {
		case schema.Bool:
			if b, _ := v.(bool); b {
				c.Bits[i>>3] |= 1 << (i & 7)
			}
		case schema.Int, schema.Time:
			x, _ := v.(int)
			c.Ints = append(c.Ints, int64(x))
		case schema.Float:
			x, _ := v.(float64)
			c.Floats = append(c.Floats, x)
		case schema.Text:
			x, _ := v.(string)
			c.Bytes = append(c.Bytes, x...)
			c.Offsets = append(c.Offsets, int64(len(c.Bytes)))
		}
	}
	return c
}

// generator draws values.
type generator struct{ *tensor.Stream }

func draws(seed uint64) generator { return generator{tensor.NewStream(seed, 0x3017d)} }

// fill returns n values, one in eight NULL.
func (g generator) fill(n int, f func() any) []any {
	out := make([]any, n)
	for i := range out {
		if g.IntN(8) > 0 {
			out[i] = f()
		}
	}
	return out
}

func (g generator) number() any { return 10 * (g.Float64() - .5) }
func (g generator) flag() any   { return g.IntN(2) == 0 }
func (g generator) class() any  { return []string{"red", "green", "blue", "white"}[g.IntN(4)] }
func (g generator) text() any {
	return fmt.Sprintf("%s %s", []string{"long", "short", "steep"}[g.IntN(3)], []string{"road", "bend", "hill"}[g.IntN(3)])
}

// within draws an instant of the days lo to hi, one in four at midnight of every tenth
// day, where cuts are.
func (g generator) within(lo, hi int) func() any {
	return func() any {
		if g.IntN(4) == 0 {
			return day * (lo + g.IntN(hi-lo)) / (10 * day) * (10 * day)
		}
		return lo*day + g.IntN((hi-lo)*day)
	}
}

func (g generator) parents(n, of int) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(g.IntN(of+1)) - 1
		if g.IntN(8) > 0 {
			out[i] = int32(g.IntN(of))
		}
	}
	return out
}

// keys are far enough apart to put rows in between.
func keys(n int) colSpec {
	c := colSpec{name: "id", kind: schema.Int, sem: schema.SemID}
	for i := range n {
		c.values = append(c.values, 1000*(i+1))
	}
	return c
}

// Tables of the small world; the entity is drivers.
const (
	teams = iota
	drivers
	races
	results
	contracts
	history
)

// world is a small database with every semantic type, a table without time, a table
// whose rows end, a link from a table to itself, two links between one pair of tables,
// and a virtual table of closed labels. Times run from day 0 to day 100.
func world(seed uint64, scale int) []spec {
	g := draws(seed)
	nTeams, nDrivers, nRaces, nResults, nContracts, nHistory := 4*scale, 12*scale, 15*scale, 70*scale, 25*scale, 50*scale
	num := func(name string, n int) colSpec {
		return colSpec{name, schema.Float, schema.SemNumerical, g.fill(n, g.number)}
	}
	cat := func(name string, n int) colSpec {
		return colSpec{name, schema.Text, schema.SemCategorical, g.fill(n, g.class)}
	}
	flag := func(name string, n int) colSpec {
		return colSpec{name, schema.Bool, schema.SemBoolean, g.fill(n, g.flag)}
	}
	text := func(name string, n int) colSpec {
		return colSpec{name, schema.Text, schema.SemText, g.fill(n, g.text)}
	}
	at := func(name string, n, lo, hi int) colSpec {
		return colSpec{name, schema.Time, schema.SemTimestamp, g.fill(n, g.within(lo, hi))}
	}
	return []spec{
		teams: {name: "teams", cols: []colSpec{keys(nTeams), num("budget", nTeams), cat("colour", nTeams)}},
		drivers: {name: "drivers", cols: []colSpec{keys(nDrivers), at("joined", nDrivers, 0, 45), at("born", nDrivers, -9000, -7000),
			cat("country", nDrivers), flag("left_handed", nDrivers)}, time: "joined",
			links: []linkSpec{{"team", teams, g.parents(nDrivers, nTeams)}}},
		races: {name: "races", cols: []colSpec{keys(nRaces), at("day", nRaces, 0, 100), text("track", nRaces), num("length", nRaces)},
			time: "day", links: []linkSpec{{"previous", races, g.parents(nRaces, nRaces)}}},
		results: {name: "results", cols: []colSpec{keys(nResults), at("day", nResults, 0, 100), num("points", nResults), cat("status", nResults)},
			time: "day", links: []linkSpec{{"driver", drivers, g.parents(nResults, nDrivers)}, {"rival", drivers, g.parents(nResults, nDrivers)},
				{"race", races, g.parents(nResults, nRaces)}}},
		contracts: {name: "contracts", cols: []colSpec{keys(nContracts), at("signed", nContracts, 0, 100), at("ends", nContracts, 20, 200), num("pay", nContracts)},
			time: "signed", until: "ends", links: []linkSpec{{"driver", drivers, g.parents(nContracts, nDrivers)}, {"team", teams, g.parents(nContracts, nTeams)}}},
		history: {name: HistoryName, cols: []colSpec{keys(nHistory), at("closed", nHistory, 0, 100), num("label", nHistory)},
			time: "closed", links: []linkSpec{{"entity", drivers, g.parents(nHistory, nDrivers)}}},
	}
}

func mustGraph(t testing.TB, specs []spec) *graph.Graph {
	t.Helper()
	g, err := graph.Build(snapshot(specs))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// mustNew builds a model for drivers with encoders fitted at cut.
func mustNew(t testing.TB, c Config, g *graph.Graph, cut int64) *Model {
	t.Helper()
	c = c.Complete(10)
	reach := c.reach(EdgeTypes(g), len(g.Snap.Tables), drivers)
	enc := make([]*encode.Table, len(g.Snap.Tables))
	for i, ok := range reach {
		if !ok {
			continue
		}
		var err error
		if enc[i], err = encode.Fit(g.Snap.Tables[i], ingest.TimeRule{}, cut, nil); err != nil {
			t.Fatal(err)
		}
	}
	m, err := New(c, g, drivers, enc, 5)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// queries asks n times for the drivers in turn, at cuts of day 30, 40 and 50, on the day
// itself or up to three weeks later.
func queries(n, of int) []Query {
	out := make([]Query, n)
	for i := range out {
		cut := int64(30+i/of%3*10) * day
		out[i] = Query{Row: int32(i % of), Cut: cut, Anchor: cut + int64(i%4)*7*day}
	}
	return out
}

func mustScore(t testing.TB, b *Bound, q []Query) tensor.Mat {
	t.Helper()
	s, err := b.NewScorer(ingest.TimeRule{}, tensor.NewPool(2))
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Score(context.Background(), q)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// eachVariant runs f for sage with every aggregator and sampling strategy, and for every
// other layer and aggregator with one of the strategies, in turn.
func eachVariant(t *testing.T, f func(t *testing.T, c Config)) {
	for i, layer := range conv.Names() {
		for j, aggregate := range conv.Aggregators() {
			if testing.Short() && strings.HasPrefix(layer, "gorgonia-") && layer+aggregate != "gorgonia-sagemean" {
				continue // a graph is built and compiled for each batch: one is enough
			}
			strategies := sample.Strategies()
			if layer != "sage" {
				strategies = strategies[(i+j)%len(strategies):][:1]
			}
			for _, strategy := range strategies {
				t.Run(layer+"/"+aggregate+"/"+strategy, func(t *testing.T) {
					f(t, Config{Layer: layer, Aggregate: aggregate, Strategy: strategy, Width: 8, FanOut: []int{4, 2, 2}, Outputs: 2, Dropout: 0.2})
				})
			}
		}
	}
}

func mustBind(t testing.TB, m *Model, g *graph.Graph, threads int) *Bound {
	t.Helper()
	b, err := m.Bind(g, tensor.NewPool(threads))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
