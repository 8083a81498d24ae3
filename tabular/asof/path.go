package asof

import (
	"cmp"
	"slices"

	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
)

// path lists the rows of a table below each row of another: its children, or their
// children, each list in the order of when they come to be known.
type path struct {
	name  string // of the foreign keys, from the top down: "customer_id", "customer_id, order_id"
	from  int    // table of the rows
	edges []int  // edge types that it goes down by, from child to parent

	ptr  []int64
	rows []int32
	when []int64 // since when each row is seen; nil = always
	ends bool    // rows may cease to be visible
}

// children is the path of one foreign key.
func children(g *graph.Graph, e int) *path {
	l, edge := g.List(e), g.Edges[e]
	return &path{name: label(g, e), from: edge.Src, edges: []int{e}, ptr: l.Offsets, rows: l.Children, when: l.Times,
		ends: g.Snap.Tables[edge.Src].Until != nil}
}

// label names the foreign key of an edge type by its columns.
func label(g *graph.Graph, e int) string {
	def := g.Snap.Tables[g.Edges[e].Table].Def
	return def.Label(def.Links[g.Edges[e].Link])
}

// below goes one foreign key further down: a row is seen once it and those between are.
func (p *path) below(g *graph.Graph, e int) *path {
	edge := g.Edges[e]
	table, mid := g.Snap.Tables[edge.Src], g.Snap.Tables[p.from]
	out := &path{name: p.name + ", " + label(g, e), from: edge.Src, edges: append(slices.Clone(p.edges), e),
		ends: p.ends || table.Until != nil}
	parents, top := g.Parents(e+1), make([]int32, mid.Rows)
	for i := range top {
		top[i] = -1
	}
	for t := range len(p.ptr) - 1 {
		for _, row := range p.rows[p.ptr[t]:p.ptr[t+1]] {
			top[row] = int32(t)
		}
	}
	type event struct {
		top, row int32
		when     int64
	}
	var events []event
	for row := range int32(table.Rows) {
		m := parents[row]
		if m < 0 || top[m] < 0 {
			continue
		}
		if when := max(table.TimeOf(row), mid.TimeOf(m)); when != ingest.Never {
			events = append(events, event{top[m], row, when})
		}
	}
	slices.SortFunc(events, func(a, b event) int {
		return cmp.Or(cmp.Compare(a.top, b.top), cmp.Compare(a.when, b.when), cmp.Compare(a.row, b.row))
	})
	out.ptr, out.rows = make([]int64, len(p.ptr)), make([]int32, len(events))
	if table.Times != nil || mid.Times != nil {
		out.when = make([]int64, len(events))
	}
	for i, x := range events {
		out.ptr[x.top+1]++
		out.rows[i] = x.row
		if out.when != nil {
			out.when[i] = x.when
		}
	}
	for t := range len(out.ptr) - 1 {
		out.ptr[t+1] += out.ptr[t]
	}
	return out
}

// of are the rows below row top and since when each is seen, all of them whatever the time.
func (p *path) of(top int32) (rows []int32, when []int64) {
	lo, hi := p.ptr[top], p.ptr[top+1]
	if p.when != nil {
		when = p.when[lo:hi]
	}
	return p.rows[lo:hi], when
}

// visible reports whether a row and those between it and the top have not ended.
func (p *path) visible(g *graph.Graph, row int32, rule ingest.TimeRule, at int64) bool {
	for i := len(p.edges) - 1; i >= 0; i-- {
		e := p.edges[i]
		if !g.Snap.Tables[g.Edges[e].Src].VisibleAt(rule, row, at) {
			return false
		}
		row = g.Parents(e + 1)[row]
	}
	return true
}

// youngest is the row below top that came to be seen last of those that a cut sees, -1
// for none.
func (p *path) youngest(g *graph.Graph, top int32, rule ingest.TimeRule, cut int64) int32 {
	rows, when := p.of(top)
	n := len(rows)
	if when != nil {
		n = rule.Cut(when, cut)
	}
	for n--; n >= 0; n-- {
		if !p.ends || p.visible(g, rows[n], rule, cut) {
			return rows[n]
		}
	}
	return -1
}
