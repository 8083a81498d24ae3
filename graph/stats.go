package graph

import (
	"fmt"
	"slices"
)

// EdgeStats describes how many rows a row of an edge type's Dst reads, over all time.
type EdgeStats struct {
	Edge   int     // number of the edge type
	Links  int64   // all links
	Linked int     // rows of Dst that read at least one row
	Rows   int     // rows of Dst
	Mean   float64 // links per row of Dst
	P50    int64   // median of links per row of Dst, and further quantiles
	P90    int64
	P99    int64
	Max    int64
}

// Stats describes every edge type of g, in order.
func (g *Graph) Stats() []EdgeStats {
	out := make([]EdgeStats, len(g.Edges))
	for e, t := range g.Edges {
		degree := make([]int64, g.Snap.Tables[t.Dst].Rows)
		if t.Rev {
			for row, p := range g.Parents(e) {
				if p >= 0 {
					degree[row] = 1
				}
			}
		} else {
			l := g.List(e)
			for p := range degree {
				degree[p] = l.Offsets[p+1] - l.Offsets[p]
			}
		}
		out[e] = describe(e, degree)
	}
	return out
}

func describe(e int, degree []int64) EdgeStats {
	s := EdgeStats{Edge: e, Rows: len(degree)}
	if len(degree) == 0 {
		return s
	}
	for _, d := range degree {
		s.Links += d
		if d > 0 {
			s.Linked++
		}
	}
	s.Mean = float64(s.Links) / float64(len(degree))
	slices.Sort(degree)
	// The q-quantile is the smallest degree that at least a share q of the rows does not exceed.
	at := func(percent int) int64 { return degree[(len(degree)*percent+99)/100-1] }
	s.P50, s.P90, s.P99, s.Max = at(50), at(90), at(99), degree[len(degree)-1]
	return s
}

func (s EdgeStats) String() string {
	return fmt.Sprintf("%d links into %d of %d rows, mean %.2f, p50 %d, p90 %d, p99 %d, max %d",
		s.Links, s.Linked, s.Rows, s.Mean, s.P50, s.P90, s.P99, s.Max)
}
