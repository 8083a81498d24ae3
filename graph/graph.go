// Package graph owns who is linked to whom and since when: the edge types that the
// foreign keys of a snapshot give, the children of each row in time order, and the
// schema graph with the paths that join two tables.
package graph

import (
	"fmt"
	"runtime"
	"slices"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/mapped"
)

// EdgeType is one foreign key read in one direction. Messages go from rows of Src
// to rows of Dst. Each link gives two edge types, named as in RelBench:
//
//	child  -f2p_<columns>->     parent  a parent reads its children
//	parent -rev_f2p_<columns>-> child   a child reads its parent; at most one per row
type EdgeType struct {
	Name        string
	Src, Dst    int  // table numbers
	Table, Link int  // the table that holds the foreign key, and its position in Def.Links
	Rev         bool // from parent to child: functional
}

// List holds the children of every row of a parent table, each list in time order,
// ties by row number. Children without a known time (ingest.Never) are left out.
type List struct {
	Offsets  []int64 // children of parent p are Children[Offsets[p]:Offsets[p+1]]
	Children []int32 // row numbers of the child table
	Times    []int64 // since when each child is known; nil when the child table has no time
}

// Graph is a snapshot with its links readable in both directions. It is immutable
// and safe for concurrent use, and lives no longer than its snapshot. It costs 12
// bytes per link of a timed table and 4 per link of another, beside the snapshot: on
// the heap after [Build], in a mapped file after [Open].
type Graph struct {
	Snap  *ingest.Snapshot
	Edges []EdgeType // two per link: f2p at 2i, rev_f2p at 2i+1
	Into  [][]int    // per table: numbers of the edge types that end there, ascending

	lists []List // per link: Edges[2i]'s children
	file  *mapped.File
}

// Build lists the children of every parent, for each link between two tables that
// are not ignored. Equal snapshots give equal graphs at any number of threads.
//
// The error names a link whose row numbers are out of range.
func Build(s *ingest.Snapshot) (*Graph, error) { return build(s, runtime.GOMAXPROCS(0)) }

func build(s *ingest.Snapshot, threads int) (*Graph, error) {
	g := &Graph{}
	err := g.extend(s, func(link edgeLink) (List, error) {
		return children(link.table, link.link, link.parents, threads, place{}, nil)
	})
	if err != nil {
		return nil, err
	}
	return g, nil
}

// Append returns the graph of s, which has the tables of g's snapshot and further ones
// (see [ingest.Snapshot.Append]), as [Build] would: only the links of the further
// tables are listed, on the heap. The rest is shared with g and lives no longer.
func (g *Graph) Append(s *ingest.Snapshot) (*Graph, error) {
	for i, t := range g.Snap.Tables {
		if i >= len(s.Tables) || s.Tables[i] != t {
			return nil, fmt.Errorf("table %q of the graph is not in the snapshot that should continue it", t.Def.FullName())
		}
	}
	out := &Graph{Snap: g.Snap, Edges: slices.Clip(g.Edges), lists: slices.Clip(g.lists)}
	for _, into := range g.Into {
		out.Into = append(out.Into, slices.Clip(into))
	}
	err := out.extend(s, func(link edgeLink) (List, error) {
		return children(link.table, link.link, link.parents, runtime.GOMAXPROCS(0), place{}, nil)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// edgeLink is a link between two tables that are not ignored.
type edgeLink struct {
	number  int // of its list in the graph
	table   *ingest.Table
	link    int
	parents int // rows of the table that it points to
}

// extend adds the edge types of the tables of s that g does not have yet.
func (g *Graph) extend(s *ingest.Snapshot, list func(edgeLink) (List, error)) error {
	first := len(g.Into)
	g.Snap = s
	g.Into = append(g.Into, make([][]int, len(s.Tables)-first)...)
	for t := first; t < len(s.Tables); t++ {
		table := s.Tables[t]
		if table.Def.Ignore {
			continue
		}
		for l, link := range table.Def.Links {
			parent := s.Tables[link.To]
			if parent.Def.Ignore {
				continue
			}
			lst, err := list(edgeLink{len(g.lists), table, l, parent.Rows})
			if err != nil {
				return fmt.Errorf("link %q of table %q: %w", table.Def.Label(link), table.Def.FullName(), err)
			}
			name := table.Def.Label(link)
			e := len(g.Edges)
			g.lists = append(g.lists, lst)
			g.Edges = append(g.Edges,
				EdgeType{Name: "f2p_" + name, Src: t, Dst: link.To, Table: t, Link: l},
				EdgeType{Name: "rev_f2p_" + name, Src: link.To, Dst: t, Table: t, Link: l, Rev: true})
			g.Into[link.To] = append(g.Into[link.To], e)
			g.Into[t] = append(g.Into[t], e+1)
		}
	}
	return nil
}

// Label names edge type e with both ends: "results -f2p_driverId-> drivers".
func (g *Graph) Label(e int) string {
	t := g.Edges[e]
	return g.Snap.Tables[t.Src].Def.FullName() + " -" + t.Name + "-> " + g.Snap.Tables[t.Dst].Def.FullName()
}

// List returns the lists of children that edge type e, not a reversed one, reads.
func (g *Graph) List(e int) *List {
	if g.Edges[e].Rev {
		panic("graph: List of the functional edge type " + g.Edges[e].Name)
	}
	return &g.lists[e/2]
}

// Parents returns the parent of each row, -1 for none, that edge type e, a
// reversed one, reads.
func (g *Graph) Parents(e int) []int32 {
	t := g.Edges[e]
	if !t.Rev {
		panic("graph: Parents of the edge type " + t.Name + ", which reads children")
	}
	return g.Snap.Tables[t.Table].Parents[t.Link]
}

// Of returns the children of parent and their times (nil for untimed children).
func (l *List) Of(parent int32) (rows []int32, times []int64) {
	lo, hi := l.Offsets[parent], l.Offsets[parent+1]
	if l.Times != nil {
		times = l.Times[lo:hi]
	}
	return l.Children[lo:hi], times
}

// Visible returns the children of parent that are known at anchor at and their
// times, oldest first. Where the child table ends rows (Until), some of them may
// have ended: the caller asks ingest.Table.VisibleAt. Cost: O(log degree).
func (l *List) Visible(parent int32, rule ingest.TimeRule, at int64) (rows []int32, times []int64) {
	rows, times = l.Of(parent)
	if times == nil {
		return rows, nil
	}
	n := rule.Cut(times, at)
	return rows[:n], times[:n]
}

// Children returns the rows that parent reads over edge type e at anchor at; see
// [List.Visible].
func (g *Graph) Children(e int, parent int32, rule ingest.TimeRule, at int64) []int32 {
	rows, _ := g.List(e).Visible(parent, rule, at)
	return rows
}

// Parent returns the row that child reads over the reversed edge type e at anchor
// at, or -1 when there is none or it is not visible.
func (g *Graph) Parent(e int, child int32, rule ingest.TimeRule, at int64) int32 {
	p := g.Parents(e)[child]
	if p < 0 || !g.Snap.Tables[g.Edges[e].Src].VisibleAt(rule, p, at) {
		return -1
	}
	return p
}
