package sample

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rowlink/rowlink/graph"
)

// childrenOf is what the names of edge types that read children start with. It may be
// left out where a person names one.
const childrenOf = "f2p_"

// edgeName names edge type e by the table that holds the foreign key:
// "results.f2p_driverId" reads the children, "results.rev_f2p_driverId" the parent.
func edgeName(g *graph.Graph, e int) string {
	t := g.Edges[e]
	return g.Snap.Tables[t.Table].Def.FullName() + "." + t.Name
}

// An UnknownEdgeError is a name that no edge type of the graph has.
type UnknownEdgeError struct {
	Name string
	Have []string // names of the edge types that read children, without prefix
}

func (e *UnknownEdgeError) Error() string {
	return fmt.Sprintf("unknown edge type %q (have %s; with rev_f2p_ before the column the parent is meant)", e.Name, strings.Join(e.Have, ", "))
}

// FanOutByEdge turns fan-outs by name into Options.PerEdge. A name is TABLE.COLUMN or
// TABLE.f2p_COLUMN for the children that rows read over a foreign key, and
// TABLE.rev_f2p_COLUMN for the parent, which only a fan-out of 0 changes. The error is
// an [UnknownEdgeError].
func FanOutByEdge(g *graph.Graph, byName map[string][]int) (map[int][]int, error) {
	if len(byName) == 0 {
		return nil, nil
	}
	number := map[string]int{}
	var have []string
	for e := range g.Edges {
		name := edgeName(g, e)
		number[name] = e
		if !g.Edges[e].Rev {
			short := strings.Replace(name, "."+childrenOf, ".", 1)
			number[short] = e
			have = append(have, short)
		}
	}
	out := map[int][]int{}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		e, ok := number[name]
		if !ok {
			return nil, &UnknownEdgeError{name, have}
		}
		out[e] = byName[name]
	}
	return out, nil
}
