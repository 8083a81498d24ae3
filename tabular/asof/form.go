package asof

import (
	"math"
	"slices"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
)

// form sets what the past says of an entity row beside what it says of the rows of the
// same time: the rank of its driver's mean place among the drivers of the race, and the
// distance from the mean of all. It is made once, for every entity row at its own time, from
// rows that are visible then; who else is asked changes nothing.
type form struct {
	of      []int       // positions of the features that are compared
	columns [][]float32 // for each a rank and a distance, per entity row
}

// mostForm bounds the features that are compared.
const mostForm = 64

// compare names and computes the form of entity rows, where they share times.
func (w *Wide) compare(pool *tensor.Pool, past int) {
	t := w.g.Snap.Tables[w.opt.Entity]
	if w.opt.Rule.Strict || !w.sharesTimes(t) {
		return
	}
	for _, g := range w.groups {
		at := g.offset
		if g.fixed != nil {
			at += len(g.fixed.names)
		}
		for _, a := range g.parts {
			if a.path.from == past {
				for j := range a.means() {
					if len(w.form.of) < mostForm {
						w.form.of = append(w.form.of, at+j)
					}
				}
			}
			at += len(a.names)
		}
	}
	if w.form.of == nil {
		w.size(t)
		return
	}
	queries := make([]Query, t.Rows)
	for row := range queries {
		queries[row] = Query{int32(row), t.Times[row], t.Times[row]}
	}
	x, k := w.Features(pool, queries, w.form.of), len(w.form.of)
	for j, at := range w.form.of {
		value := func(row int) (float64, bool) { v := x[row*k+j]; return v, v == v }
		w.form.columns = append(w.form.columns, ranksAmong(t, value, share), distances(t, value))
		w.Names = append(w.Names, "rank of "+w.Names[at], "beside others: "+w.Names[at])
		w.Tables = append(w.Tables, w.Tables[at], w.Tables[at])
	}
	w.size(t)
}

// size adds how many rows an entity row came with.
func (w *Wide) size(t *ingest.Table) {
	w.form.columns = append(w.form.columns, together(t))
	w.Names = append(w.Names, "rows of the same time in "+t.Def.Name)
	w.Tables = append(w.Tables, t.Def.FullName())
}

// means is the number of decayed means and counts, the first features of an aggregate.
func (a *aggregate) means() int { return len(a.halfLives) * (len(a.values.names) + 1) }

// distances is for every row its value less the mean of the rows of its time.
func distances(t *ingest.Table, value func(row int) (float64, bool)) []float32 {
	out := make([]float32, t.Rows)
	order := make([]int32, 0, t.Rows)
	for row := range out {
		out[row] = float32(math.NaN())
		if _, ok := value(row); ok && t.Times[row] != ingest.Never {
			order = append(order, int32(row))
		}
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		switch {
		case t.Times[a] < t.Times[b]:
			return -1
		case t.Times[a] > t.Times[b]:
			return 1
		}
		return 0
	})
	for lo := 0; lo < len(order); {
		hi, sum := lo, 0.0
		for ; hi < len(order) && t.Times[order[hi]] == t.Times[order[lo]]; hi++ {
			v, _ := value(int(order[hi]))
			sum += v
		}
		for _, row := range order[lo:hi] {
			v, _ := value(int(row))
			out[row] = float32(v - sum/float64(hi-lo))
		}
		lo = hi
	}
	return out
}
