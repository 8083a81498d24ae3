package graph

import (
	"fmt"
	"runtime"
	"slices"

	"github.com/rowlink/rowlink/ingest"
)

// Replace returns the graph of the same snapshot with another table in the place of one, which
// has as many rows of the same times: only the lists of its links whose parents are others are
// made anew, on the heap. The rest is shared with g and lives no longer.
func (g *Graph) Replace(table int, t *ingest.Table) (*Graph, error) {
	old := g.Snap.Tables[table]
	if t.Rows != old.Rows || len(t.Parents) != len(old.Parents) {
		return nil, fmt.Errorf("table %q has %d rows and %d links, in the graph %d and %d", t.Def.FullName(), t.Rows, len(t.Parents), old.Rows, len(old.Parents))
	}
	out := &Graph{Snap: g.Snap.Replace(table, t), Edges: g.Edges, Into: g.Into, lists: slices.Clone(g.lists)}
	for e, edge := range g.Edges {
		if edge.Rev || edge.Table != table || t.Rows == 0 || &t.Parents[edge.Link][0] == &old.Parents[edge.Link][0] {
			continue
		}
		var err error
		if out.lists[e/2], err = children(t, edge.Link, g.Snap.Tables[edge.Dst].Rows, runtime.GOMAXPROCS(0), place{}, nil); err != nil {
			return nil, err
		}
	}
	return out, nil
}
