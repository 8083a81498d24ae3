package tensor

import (
	"github.com/rowlink/rowlink/gnn/tensor/internal/kernel"
)

// NormActAddTerms is [Tape.NormActAdd] of two gathered sums, rows x cols:
//
//	out = residual + act(norm(y) gamma + beta)
//
// y and residual being what [Tape.GatherSum] makes of the terms. Outside of training the
// sums are never stored: some rows at a time go through all steps in the cache.
func (t *Tape) NormActAddTerms(rows int, y []GatherTerm, gamma, beta *Var, act Activation, residual []GatherTerm) *Var {
	if t.Train || act != Identity && act != ReLU {
		return t.NormActAdd(t.GatherSum(rows, y...), gamma, beta, act, t.GatherSum(rows, residual...))
	}
	cols := y[0].cols()
	n := t.scratch()
	n.out = t.Const(t.raw(rows, cols))
	n.y, n.z = t.affine(n.out, gamma, beta)
	n.act, n.n1 = act, max(1, normTermNumbers/max(cols, 1))
	n.summands, n.others = t.summandsOf(y, rows, cols), t.summandsOf(residual, rows, cols)
	n.a = t.raw(t.pool.Threads(), n.n1*(cols+2)) // some sums, and the mean and 1/deviation of each
	t.run(rows, max(n.n1, rowGrain(cols)), n, normTermsBlock)
	return n.out
}

// normTermNumbers is how many numbers of a sum are made at a time: half of a first-level
// cache.
const normTermNumbers = 4096

func normTermsBlock(n *node, s span) {
	cols, mine := n.out.Cols(), n.a.Row(s.worker)
	sums, stats := mine[:n.n1*cols], mine[n.n1*cols:]
	for lo := s.lo; lo < s.hi; lo += n.n1 {
		hi := min(lo+n.n1, s.hi)
		out, y := n.out.Val.slice(lo, hi).Data, sums[:(hi-lo)*cols]
		kernel.SumTerms(y, cols, lo, n.summands)
		kernel.SumTerms(out, cols, lo, n.others)
		kernel.NormRows(kernel.Norm{Cols: cols, Dst: out, X: y, Gamma: n.y.Val.Data, Beta: n.z.Val.Data, Residual: out,
			Stats: stats[:2*(hi-lo)], Eps: normEps, ReLU: n.act == ReLU})
	}
}
