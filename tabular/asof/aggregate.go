package asof

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
)

// scope says how much an aggregate tells of the rows of a path.
type scope struct {
	halfLives []float64 // days; of decayed means and counts
	windows   []float64 // days; of counts and sums
	lags      int       // last values
	moments   bool      // smallest, largest, spread, trend, distinct parents
}

// aggregate is what the rows of a path come to at a cut. Its features are, in this order
// and as far as the scope has them: decayed means of the numbers and log decayed counts by
// half-life; counts and sums by window; the last values; smallest and largest, spread and
// trend; decayed shares of categories; days since the last and the first row and mean days
// between rows; distinct parents by foreign key.
type aggregate struct {
	scope
	g      *graph.Graph
	path   *path
	values *values
	rule   ingest.TimeRule
	others [][]int32 // parents by every other foreign key of the rows
	names  []string
	part   int   // number among the aggregates of the plan
	memo   *memo // of the plan
}

// nameAll names the features; about is the table and path in words.
func (a *aggregate) nameAll(about string, otherNames []string) {
	add := func(format string, args ...any) {
		a.names = append(a.names, fmt.Sprintf(format, args...)+about)
	}
	numbers, own := a.values.names, a.values.names[:a.values.own()]
	for _, h := range a.halfLives {
		for _, n := range numbers {
			add("mean %s, half-life %g d", n, h)
		}
		add("log count, half-life %g d", h)
	}
	for _, w := range a.windows {
		add("count in %g d", w)
		for _, n := range numbers[:len(a.values.cols)] {
			add("sum %s in %g d", n, w)
		}
	}
	for k := range a.lags {
		for _, n := range own {
			add("%s, %d back", n, k+1)
		}
	}
	if a.moments {
		for _, what := range []string{"smallest", "largest", "spread", "trend"} {
			for _, n := range own {
				add("%s %s", what, n)
			}
		}
	}
	for _, n := range a.values.chosen.Names {
		add("share %s, half-life %g d", n, a.middle())
	}
	add("days since last")
	add("days since first")
	add("mean days between")
	if a.moments {
		for _, n := range otherNames {
			add("distinct %s", n)
		}
	}
}

// middle is the half-life of shares.
func (a *aggregate) middle() float64 { return a.halfLives[len(a.halfLives)/2] }

// request asks for the features of a row at a cut, for query number i.
type request struct {
	row int32
	cut int64
	i   int
}

// fill writes the features of every request with a row into out, by query and the slot of
// each feature; slot -1 is left out. The requests of one row are answered in one walk over
// what lies below it.
func (a *aggregate) fill(pool *tensor.Pool, requests []request, out []float64, width int, slots []int) {
	write := func(i int, features []float64) {
		to := out[i*width : (i+1)*width]
		for j, at := range slots {
			if at >= 0 {
				to[at] = features[j]
			}
		}
	}
	few := len(requests) <= memoRequests
	if few {
		requests = slices.DeleteFunc(slices.Clone(requests), func(r request) bool {
			v := a.memo.get(memoKey{a.part, r.row, r.cut})
			if v != nil {
				write(r.i, v)
			}
			return v != nil
		})
	}
	slices.SortFunc(requests, func(x, y request) int {
		return cmp.Or(cmp.Compare(x.row, y.row), cmp.Compare(x.cut, y.cut), cmp.Compare(x.i, y.i))
	})
	var groups []int // where the requests of a row begin
	for i := range requests {
		if i == 0 || requests[i].row != requests[i-1].row {
			groups = append(groups, i)
		}
	}
	groups = append(groups, len(requests))
	walkers := make([]*walker, pool.Threads())
	pool.RunIndexed(len(groups)-1, 16, func(_, lo, hi, worker int) {
		if walkers[worker] == nil {
			walkers[worker] = newWalker(a)
		}
		w := walkers[worker]
		for _, r := range groups[lo:hi] {
			next := r
			for next < len(requests) && requests[next].row == requests[r].row {
				next++
			}
			w.walk(requests[r:next], func(r request) {
				write(r.i, w.out)
				if few {
					a.memo.keep(memoKey{a.part, r.row, r.cut}, w.out)
				}
			})
		}
	})
}

func days(micros int64) float64 { return float64(micros) / dayMicros }

// noNumber stands for a feature that has no value.
var noNumber = math.NaN()
