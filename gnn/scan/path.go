package scan

import (
	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
)

// path is a chain of foreign keys from a table up to an ancestor: an order line has its
// order and its product as parents, the order's customer and the product's supplier as
// ancestors. Each row has one ancestor at most, so a path is an edge type too.
type path struct {
	name     string // of its edge types: "lines -f2p_order-> orders, orders -f2p_customer-> customers"
	from, to int    // tables
	steps    []int  // edge types from parent to child, the first from the table's own parent
}

// mostPaths bounds the paths of a table.
const mostPaths = 64

// pathsOf lists the paths of every table of at most hops steps, in the order of their
// lengths and then of the edge types. No path passes a table twice, but for single links
// of a table to itself. Of paths between the same two tables the shortest are taken: what
// a longer one tells of an ancestor, rows in between tell already.
func pathsOf(edges []conv.EdgeType, tables, hops int) [][]path {
	up := make([][]int, tables) // per table: edge types from its parents
	for e, t := range edges {
		if t.Functional {
			up[t.Dst] = append(up[t.Dst], e)
		}
	}
	out := make([][]path, tables)
	for from := range out {
		shortest := map[int]int{}
		level := []path{{from: from, to: from}}
		for n := 1; n <= hops && len(level) > 0; n++ {
			var next []path
			for _, p := range level {
				for _, e := range up[p.to] {
					if q, ok := p.extend(edges, e); ok && len(next) < mostPaths {
						next = append(next, q)
					}
				}
			}
			for _, p := range next {
				if known, ok := shortest[p.to]; (!ok || known == n) && len(out[from]) < mostPaths {
					shortest[p.to] = n
					out[from] = append(out[from], p)
				}
			}
			level = next
		}
	}
	return out
}

// extend goes up over an edge type from parent to child.
func (p path) extend(edges []conv.EdgeType, e int) (path, bool) {
	parent := edges[e].Src
	if len(p.steps) > 0 && (parent == p.from || p.from == p.to) {
		return path{}, false
	}
	for _, s := range p.steps {
		if edges[s].Src == parent {
			return path{}, false
		}
	}
	if p.name != "" {
		p.name += ", "
	}
	p.name += edges[e-1].Name // the same foreign key, read from child to parent
	p.to = parent
	p.steps = append(p.steps[:len(p.steps):len(p.steps)], e)
	return p, true
}

// chain is a path over the rows of a snapshot.
type chain struct {
	up    []int32 // the ancestor of each row, -1 for none
	times []int64 // since when the row and those between it and the ancestor are known; nil for tables without time
	until []int64 // until when all of them are visible; nil when none of them ends
}

// chainOf follows a path from every row.
func chainOf(g *graph.Graph, p path) chain {
	t := g.Snap.Tables[p.from]
	c := chain{up: g.Parents(p.steps[0]), times: t.Times, until: t.Until}
	for _, e := range p.steps[1:] {
		c = c.extend(g.Snap.Tables[g.Edges[e].Dst], g.Parents(e))
	}
	return c
}

// extend goes on from the rows of table t, where the chain ends, to their parents.
func (c chain) extend(t *ingest.Table, parents []int32) chain {
	out := chain{up: make([]int32, len(c.up)), times: c.times, until: c.until}
	if t.Times != nil {
		out.times = make([]int64, len(c.up))
	}
	if t.Until != nil {
		out.until = make([]int64, len(c.up))
	}
	for row, mid := range c.up {
		out.up[row] = -1
		if mid >= 0 {
			out.up[row] = parents[mid]
		}
		if t.Times != nil {
			out.times[row] = ingest.Always
			if c.times != nil {
				out.times[row] = c.times[row]
			}
			if mid >= 0 {
				out.times[row] = max(out.times[row], t.Times[mid])
			}
		}
		if t.Until != nil {
			out.until[row] = ingest.Never
			if c.until != nil {
				out.until[row] = c.until[row]
			}
			if mid >= 0 {
				out.until[row] = min(out.until[row], t.Until[mid])
			}
		}
	}
	return out
}

// known is the time since which the row's ancestor reads it.
func (c *chain) known(row int32) int64 {
	if c.times == nil {
		return ingest.Always
	}
	return c.times[row]
}

// visible reports whether the ancestor reads the row at an instant.
func (c *chain) visible(rule ingest.TimeRule, row int32, at int64) bool {
	end := ingest.Never
	if c.until != nil {
		end = c.until[row]
	}
	return rule.Valid(c.known(row), end, at)
}

// ancestor is the ancestor of a row as an instant sees it, -1 for none: with everything in
// between visible, and the ancestor itself.
func (c *chain) ancestor(to *ingest.Table, rule ingest.TimeRule, row int32, at int64) int32 {
	if row < 0 || c.up[row] < 0 || !c.visible(rule, row, at) || !to.VisibleAt(rule, c.up[row], at) {
		return -1
	}
	return c.up[row]
}
