package tensor

import (
	"math"

	"github.com/rowlink/rowlink/gnn/tensor/internal/kernel"
)

// Days turns spans of time into days, at least 0: micros / 86.4e9, one per span. The
// result lives until the next Reset.
func (t *Tape) Days(micros []int64) []Real {
	n := t.scratch()
	n.a, n.micros = t.raw(1, len(micros)), micros
	t.run(len(micros), flatGrain, n, daysBlock)
	return n.a.Data
}

const microsPerDay = 86_400_000_000

func daysBlock(n *node, s span) {
	out := n.a.Data[s.lo:s.hi]
	for i, v := range n.micros[s.lo:s.hi] {
		out[i] = Real(float64(max(v, 0)) * (1.0 / microsPerDay))
	}
}

// Pick returns x[idx[0]], x[idx[1]], ...; it lives until the next Reset.
func (t *Tape) Pick(x []Real, idx []int32) []Real {
	n := t.scratch()
	n.a, n.w, n.idx = t.raw(1, len(idx)), x, idx
	t.run(len(idx), flatGrain, n, pickBlock)
	return n.a.Data
}

func pickBlock(n *node, s span) {
	out := n.a.Data[s.lo:s.hi]
	for i, r := range n.idx[s.lo:s.hi] {
		out[i] = n.w[r]
	}
}

// AgeTerms encodes ages in days, as one row each: log(1 + age) / 4, then
// 0.5 ^ (age / scale) for every scale in days. It is a constant, ages x 1 + scales.
func (t *Tape) AgeTerms(days []Real, scales []float64) *Var {
	n := t.scratch()
	n.a, n.w = t.raw(len(days), 1+len(scales)), days
	n.sums = t.sums.take(len(scales))
	copy(n.sums, scales)
	n.b = t.raw(blocks(len(days), ageGrain), ageGrain)
	t.run(len(days), ageGrain, n, ageTermsBlock)
	return t.Const(n.a)
}

// ageGrain is the block of loops over ages: its decays fit the first-level cache.
const ageGrain = 1024

func ageTermsBlock(n *node, s span) {
	days, cols := n.w[s.lo:s.hi], n.a.Cols
	out := n.a.Data[s.lo*cols : s.hi*cols]
	power := n.b.Row(s.block)[:len(days)]
	kernel.Log1p(power, days)
	for i, p := range power {
		out[i*cols] = p / 4
	}
	for k, scale := range n.sums {
		halvings(power, days, scale)
		for i, p := range power {
			out[i*cols+k+1] = p
		}
	}
}

// halvings is out = 0.5 ^ (days / halfLife).
func halvings(out, days []Real, halfLife float64) {
	rate := Real(-math.Ln2 / halfLife)
	days = days[:len(out)]
	for i := range out {
		out[i] = rate * days[i]
	}
	kernel.Exp(out, out)
}

// DecayWeights weighs the edges of every destination by the ages of their sources, for
// a decayed mean with a prior weight of 1 at each half-life in days: column k of weights
// (edges x half-lives) holds
//
//	w / (sum of w of the destination + 1),  w = 0.5 ^ (age / half-life k)
//
// and row v of sums (destinations x half-lives + 1) holds the sums of w, and in its last
// column the age of the youngest source, never where there is none. Both are constants.
func (t *Tape) DecayWeights(c CSR, days []Real, halfLives []float64, never Real) (weights, sums Mat) {
	n := t.scratch()
	n.csr, n.w, n.r1 = c, days, never
	n.a, n.b = t.raw(c.Edges(), len(halfLives)), t.raw(c.Rows(), len(halfLives)+1)
	n.c = t.raw(1, c.Edges())
	n.sums = t.sums.take(len(halfLives))
	copy(n.sums, halfLives)
	t.run(c.Rows(), edgeGrain, n, decayWeightsBlock)
	return n.a, n.b
}

func decayWeightsBlock(n *node, s span) {
	ptr, first, end := n.csr.Ptr, n.csr.Ptr[s.lo], n.csr.Ptr[s.hi]
	power, weights, heads := n.c.Data, n.a.Data, len(n.sums)
	for k, halfLife := range n.sums {
		halvings(power[first:end], n.w[first:end], halfLife)
		for v := s.lo; v < s.hi; v++ {
			var total Real
			for _, x := range power[ptr[v]:ptr[v+1]] {
				total += x
			}
			share := 1 / (total + 1)
			at := int(ptr[v])*heads + k
			for _, x := range power[ptr[v]:ptr[v+1]] {
				weights[at] = x * share
				at += heads
			}
			n.b.Set(v, k, total)
		}
	}
	for v := s.lo; v < s.hi; v++ {
		youngest := n.r1
		for i, d := range n.w[ptr[v]:ptr[v+1]] {
			if i == 0 || d < youngest {
				youngest = d
			}
		}
		n.b.Set(v, len(n.sums), youngest)
	}
}
