package tower

import (
	"fmt"
	"slices"
	"testing"

	"github.com/rowlink/rowlink/gnn/tensor"
)

// drawn is a matrix of numbers with few distinct values, so that scores tie.
func drawn(rows, cols int, key uint64) tensor.Mat {
	m := tensor.NewMat(rows, cols)
	for i := range m.Data {
		m.Data[i] = tensor.Real(int(tensor.Uniform(key, uint64(i))*5)) - 2
	}
	return m
}

// naive scores every pair and sorts.
func naive(queries, items tensor.Mat, k int, allowed func(int, int32) bool) [][]Hit {
	out := make([][]Hit, queries.Rows)
	for q := range out {
		var all []Hit
		for i := range items.Rows {
			var s tensor.Real
			for j, x := range queries.Row(q) {
				s += x * items.At(i, j)
			}
			if allowed == nil || allowed(q, int32(i)) {
				all = append(all, Hit{int32(i), s})
			}
		}
		slices.SortFunc(all, func(a, b Hit) int {
			if worse(a, b) {
				return 1
			}
			return -1
		})
		out[q] = all[:min(k, len(all))]
	}
	return out
}

// The products are of small whole numbers, so every path of the kernels gives equal ones.
func TestSearch_equalsSortingAllScores(t *testing.T) {
	odd := func(q int, item int32) bool { return (q+int(item))%3 != 0 }
	for _, c := range []struct{ queries, items, width, k int }{
		{1, 1, 1, 3}, {5, 40, 3, 10}, {300, 2 * itemBlock, 2, 7}, {queryBlock + 1, itemBlock + 1, 8, 100}, {3, 0, 4, 2}, {4, 9, 2, 0},
	} {
		queries, items := drawn(c.queries, c.width, 1), drawn(c.items, c.width, 2)
		for name, allowed := range map[string]func(int, int32) bool{"all": nil, "some": odd} {
			t.Run(fmt.Sprint(c, name), func(t *testing.T) {
				want := naive(queries, items, c.k, allowed)
				for _, threads := range []int{1, 3} {
					got := Search(tensor.NewPool(threads), queries, items, c.k, allowed)
					for q := range want {
						if !slices.Equal(got[q], want[q]) {
							t.Fatalf("query %d on %d threads: %v, want %v", q, threads, got[q], want[q])
						}
					}
				}
			})
		}
	}
}

func TestSearch_scoreThatIsNoNumberIsNoHit(t *testing.T) {
	nan := tensor.Real(0)
	nan /= nan
	got := Search(tensor.NewPool(1), tensor.MatOf(1, 1, 1), tensor.MatOf(3, 1, nan, 2, nan), 2, nil)
	if len(got[0]) != 1 || got[0][0] != (Hit{1, 2}) {
		t.Errorf("got %v, want item 1 alone", got[0])
	}
}

func BenchmarkSearch(b *testing.B) {
	for _, items := range []int{100_000, 1_000_000} {
		for _, width := range []int{32, 64} {
			b.Run(fmt.Sprintf("items=%d/width=%d", items, width), func(b *testing.B) {
				m, q := tensor.NewMat(items, width), tensor.NewMat(queryBlock, width)
				for i := range m.Data {
					m.Data[i] = tensor.Real(tensor.Uniform(1, uint64(i)) - 0.5)
				}
				for i := range q.Data {
					q.Data[i] = tensor.Real(tensor.Uniform(2, uint64(i)) - 0.5)
				}
				pool := tensor.NewPool(0)
				for b.Loop() {
					Search(pool, q, m, 100, nil)
				}
				perQuery := b.Elapsed().Seconds() / float64(b.N) / queryBlock
				b.ReportMetric(perQuery*1e3, "ms/query")
				b.ReportMetric(2*float64(items)*float64(width)/perQuery/1e9, "GFLOP/s")
			})
		}
	}
}
