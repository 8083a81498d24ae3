package sample_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/rowlink/rowlink/graph/sample"
)

// TestUniform_chiSquare draws from one row's children under many keys. Each child must
// be read equally often, and so must each pair of children. Both ways of Floyd's method
// are covered: bits up to 64 children per wanted one, slots beyond.
func TestUniform_chiSquare(t *testing.T) {
	for _, c := range []struct{ n, k int }{{12, 3}, {12, 11}, {130, 2}, {70, 1}, {200, 3}} {
		t.Run(fmt.Sprintf("%d of %d", c.k, c.n), func(t *testing.T) {
			const keys = 40000
			w := newWorld()
			times := make([]int64, c.n+5) // the last five are not visible
			for i := range times {
				times[i] = int64(i)
			}
			w.table("users", 1, nil, nil)
			w.link(w.table("orders", len(times), times, nil), 0, "user", make([]int32, len(times)))
			s := mustNew(t, w.graph(t), sample.Options{FanOut: []int{c.k}, Seed: 42})
			seeds := make([]sample.Seed, keys)
			for i := range seeds {
				seeds[i] = sample.Seed{At: int64(c.n - 1), Key: uint64(i)}
			}
			set := s.Sample(seeds, 0)
			one, two := make([]float64, c.n), make([]float64, c.n*c.n)
			for i := range keys {
				rows := set.Nodes[1].Rows[set.Edges[0].Ptr[i]:set.Edges[0].Ptr[i+1]]
				for a, x := range rows {
					one[x]++
					for _, y := range rows[:a] {
						two[int(y)*c.n+int(x)]++
					}
				}
			}
			n, k := float64(c.n), float64(c.k)
			chi(t, "children", one, keys*k/n)
			if c.k > 1 && c.n < 20 {
				two = slices.DeleteFunc(two, func(v float64) bool { return v == 0 })
				if len(two) != c.n*(c.n-1)/2 {
					t.Fatalf("%d pairs drawn, want %d", len(two), c.n*(c.n-1)/2)
				}
				chi(t, "pairs", two, keys*k*(k-1)/(n*(n-1)))
			}
		})
	}
}

// chi fails when the counts stray from the expected one by more than five standard
// deviations of the chi-square statistic; draws without replacement spread less.
func chi(t *testing.T, what string, counts []float64, want float64) {
	t.Helper()
	sum := 0.0
	for _, c := range counts {
		sum += (c - want) * (c - want) / want
	}
	dof := float64(len(counts) - 1)
	if limit := dof + 5*math.Sqrt(2*dof); sum > limit {
		t.Errorf("%s: chi-square %.1f at %.0f degrees of freedom, want at most %.1f", what, sum, dof, limit)
	}
	t.Logf("%s: chi-square %.1f at %.0f degrees of freedom", what, sum, dof)
}
