package asof

import (
	"cmp"
	"slices"

	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
)

// Whole is what only the whole of a database shows of the rows of a part of it.
type Whole struct {
	Judged Judged
	// Ranks are those of a column of a table that the part has rows of: see [Ranks].
	Ranks func(t *ingest.Table, column int) []float32
}

// Judged is what decides which features there are.
type Judged struct {
	Together map[string]bool `json:"together"` // per full name: the rows of the table share their times
	Lasting  map[string]bool `json:"lasting"`  // per table and edge type: rows below a row come at different times
}

// Judged tells how the plan was judged, for plans over parts of the same database.
func (w *Wide) Judged() Judged { return w.judged }

// judge decides once, or takes over what was decided.
func (w *Wide) judge(known map[string]bool, name string, of func(Judged) map[string]bool, decide func() bool) bool {
	if w.opt.Whole != nil {
		known[name] = of(w.opt.Whole.Judged)[name]
	} else if _, ok := known[name]; !ok {
		known[name] = decide()
	}
	return known[name]
}

// lasts is [path.lasts] of the children over an edge type. Names of edge types are those of
// columns, so tables whose foreign keys are called alike are told apart.
func (b *planner) lasts(e int, p *path) bool {
	edge := b.g.Edges[e]
	name := b.g.Snap.Tables[edge.Table].Def.FullName() + ", " + label(b.g, e) + ", " + edge.Name
	return b.judge(b.judged.Lasting, name, func(of Judged) map[string]bool { return of.Lasting }, func() bool { return p.lasts(b.opt.Rule, b.opt.At) })
}

func (w *Wide) ranks(t *ingest.Table, column int) []float32 {
	if w.opt.Whole != nil {
		return w.opt.Whole.Ranks(t, column)
	}
	return Ranks(t, column)
}

// Hop is one foreign key: up from a row to its parent, or down to the children.
type Hop struct {
	Table, Link int // the table that holds the foreign key, and its position there
	Up          bool
}

func (b *planner) hop(e int) Hop { return hopOf(b.g, e) }

// hopOf goes from the rows that read an edge type to those that are read.
func hopOf(g *graph.Graph, e int) Hop {
	return Hop{g.Edges[e].Table, g.Edges[e].Link, g.Edges[e].Rev}
}

// Ways lists how the rows are reached from an entity that the features in keep (all = nil)
// are made of. Of the rows at every end of a way, and of the entity, the parents are read as
// well. Each way is there once, in a fixed order.
func (w *Wide) Ways(keep []int) [][]Hop {
	wanted, _ := w.slots(keep)
	any := func(from, n int) bool {
		return slices.ContainsFunc(wanted[from:from+n], func(s int) bool { return s >= 0 })
	}
	var out [][]Hop
	add := func(way []Hop) {
		if len(way) > 0 && !slices.ContainsFunc(out, func(other []Hop) bool { return slices.Equal(way, other) }) {
			out = append(out, way)
		}
	}
	for _, g := range w.groups {
		at := g.offset
		if g.fixed != nil {
			if at += len(g.fixed.names); any(g.offset, len(g.fixed.names)) {
				add(g.way)
			}
		}
		for _, a := range g.parts {
			if any(at, len(a.names)) {
				way := slices.Clone(g.way)
				for _, e := range a.path.edges {
					way = append(way, hopOf(w.g, e))
				}
				add(way)
			}
			at += len(a.names)
		}
	}
	return out
}

// Ranked is a table with the columns that are ranked among the rows of one time.
type Ranked struct {
	Table   string // full name
	Columns []int
}

// Ranked lists the ranks that the plan reads, in the order of the tables.
func (w *Wide) Ranked() []Ranked {
	of := map[string][]int{}
	add := func(v *values) {
		if v != nil && len(v.ranks) > 0 {
			of[v.table.Def.FullName()] = v.cols
		}
	}
	add(w.own)
	for _, g := range w.groups {
		add(g.fixed)
		for _, a := range g.parts {
			add(a.values)
		}
	}
	var out []Ranked
	for name, cols := range of {
		out = append(out, Ranked{name, cols})
	}
	slices.SortFunc(out, func(a, b Ranked) int { return cmp.Compare(a.Table, b.Table) })
	return out
}
