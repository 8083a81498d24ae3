package sample

import (
	"maps"
	"slices"

	"github.com/rowlink/rowlink/graph"
)

// Age is how long before the moment at a row that is known since time became known, in
// microseconds, as [NodeSet] has it: 0 for a row without time.
func Age(time, at int64) int64 { return since(time, at) }

// WithoutLastParents returns options whose last hop reads no parents, for a reader that
// finds the parents of the copies before it by itself; ok is false for options that
// have one hop, or stop the reading of parents somewhere.
func (o Options) WithoutLastParents(g *graph.Graph) (_ Options, ok bool) {
	hops, per := len(o.FanOut), maps.Clone(o.PerEdge)
	if per == nil {
		per = map[int][]int{}
	}
	for e := range g.Edges {
		if !g.Edges[e].Rev {
			continue
		}
		if slices.Contains(o.PerEdge[e], 0) || o.Edges != nil && !o.Edges[e] {
			return o, false
		}
		per[e] = make([]int, hops)
		for h := range hops - 1 {
			per[e][h] = 1
		}
	}
	o.PerEdge = per
	return o, hops > 1
}
