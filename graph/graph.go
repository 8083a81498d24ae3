// Package graph owns who is linked to whom and since when: the edge types that the
// foreign keys of a snapshot give, the children of each row in time order, and the
// schema graph with the paths that join two tables.
package graph

import (
	"fmt"
	"runtime"

	"github.com/rowlink/rowlink/ingest"
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
// bytes per link of a timed table and 4 per link of another, beside the snapshot.
type Graph struct {
	Snap  *ingest.Snapshot
	Edges []EdgeType // two per link: f2p at 2i, rev_f2p at 2i+1
	Into  [][]int    // per table: numbers of the edge types that end there, ascending

	lists []List // per link: Edges[2i]'s children
}

// Build lists the children of every parent, for each link between two tables that
// are not ignored. Equal snapshots give equal graphs at any number of threads.
//
// The error names a link whose row numbers are out of range.
func Build(s *ingest.Snapshot) (*Graph, error) { return build(s, runtime.GOMAXPROCS(0)) }

func build(s *ingest.Snapshot, threads int) (*Graph, error) {
	g := &Graph{Snap: s, Into: make([][]int, len(s.Tables))}
	for t, table := range s.Tables {
		if table.Def.Ignore {
			continue
		}
		for l, link := range table.Def.Links {
			parent := s.Tables[link.To]
			if parent.Def.Ignore {
				continue
			}
			list, err := children(table, l, parent.Rows, threads)
			if err != nil {
				return nil, fmt.Errorf("link %q of table %q: %w", table.Def.Label(link), table.Def.FullName(), err)
			}
			name := table.Def.Label(link)
			e := len(g.Edges)
			g.lists = append(g.lists, list)
			g.Edges = append(g.Edges,
				EdgeType{Name: "f2p_" + name, Src: t, Dst: link.To, Table: t, Link: l},
				EdgeType{Name: "rev_f2p_" + name, Src: link.To, Dst: t, Table: t, Link: l, Rev: true})
			g.Into[link.To] = append(g.Into[link.To], e)
			g.Into[t] = append(g.Into[t], e+1)
		}
	}
	return g, nil
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
