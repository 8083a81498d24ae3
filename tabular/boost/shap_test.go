package boost

import (
	"math"
	"math/bits"
	"testing"
)

// expectation is the mean of a tree where only the features of known are known.
func expectation(t *Tree, node int32, known uint, row []float64, features []Feature) float64 {
	if len(t.Nodes) == 0 {
		return t.Leaves[0].Value
	}
	if node < 0 {
		return t.Leaves[^node].Value
	}
	n := &t.Nodes[node]
	l, r := expectation(t, n.Left, known, row, features), expectation(t, n.Right, known, row, features)
	if known>>n.Feature&1 == 1 {
		if n.goesLeft(row[n.Feature], features) {
			return l
		}
		return r
	}
	wl, wr := float64(t.rowsOf(n.Left)), float64(t.rowsOf(n.Right))
	return (l*wl + r*wr) / (wl + wr)
}

// shapley is the definition: the mean over all orders of what a feature adds.
func shapley(value func(known uint) float64, features int) []float64 {
	factorial := func(n int) float64 { return math.Gamma(float64(n) + 1) }
	phi := make([]float64, features)
	for known := range uint(1) << features {
		size := bits.OnesCount(known)
		weight := factorial(size) * factorial(features-size-1) / factorial(features)
		for j := range phi {
			if known>>j&1 == 0 {
				phi[j] += weight * (value(known|1<<j) - value(known))
			}
		}
	}
	return phi
}

// TestExplain holds TreeSHAP to the definition, summed over trees, on rows with missing
// values and categories, and to adding up to the raw score.
func TestExplain(t *testing.T) {
	for _, name := range []string{"l2", "softmax"} {
		d, opt := taskOf(name, 800, 1)
		opt.Rounds, opt.MaxLeaves = 6, 16
		m := fit(t, d, opt)
		x, k := rowMajor(d), m.Outputs()
		raw := m.Raw(x, 1)
		for i := range 25 {
			row := x[i*6 : (i+1)*6]
			got := m.Explain(row)
			for o := range k {
				value := func(known uint) (sum float64) {
					for r := o; r < len(m.Trees); r += k {
						sum += expectation(&m.Trees[r], 0, known, row, m.Features)
					}
					return sum
				}
				want := shapley(value, 6)
				sum := 0.0
				for j := range want {
					near(t, name, got[o*7+j], want[j], 1e-9)
				}
				for _, v := range got[o*7 : (o+1)*7] {
					sum += v
				}
				near(t, "sum", sum, raw[i*k+o], 1e-9)
				near(t, "mean", got[o*7+6], m.Base[o]+value(0), 1e-9)
			}
		}
	}
}
