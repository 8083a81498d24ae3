package tensor

import (
	"fmt"
	"math"

	"github.com/rowlink/rowlink/gnn/tensor/internal/kernel"
)

// normEps keeps the deviation of a constant row above 0; PyTorch's default.
const normEps = 1e-5

// NormActAdd is a residual step in one pass over the rows:
//
//	out = residual + act(norm(y) gamma + beta)
//
// norm brings every row to mean 0 and variance 1 (biased, plus 1e-5), as
// [Tape.LayerNorm] does. gamma and beta are 1 x cols or nil. Of the residual the first
// rows count, as many as y has; nil adds nothing. Nothing but the mean and the
// deviation of each row is kept for the way back.
func (t *Tape) NormActAdd(y *Var, gamma, beta *Var, act Activation, residual *Var) *Var {
	gamma, beta = t.affine(y, gamma, beta)
	if residual != nil && (residual.Cols() != y.Cols() || residual.Rows() < y.Rows()) {
		panic(fmt.Sprintf("tensor: residual of %s for %s", residual.Val.shape(), y.Val.shape()))
	}
	n := t.node(t.raw(y.Rows(), y.Cols()), normActBack, y, gamma, beta)
	n.r1, n.act = normEps, act
	n.aux = t.raw(y.Rows(), 2) // mean and 1/deviation of each row
	if residual != nil {
		n.all = t.refs.take(1)
		n.all[0] = residual
		t.below(n, residual)
	}
	t.run(y.Rows(), rowGrain(y.Cols()), n, normActBlock)
	return n.out
}

func normActBlock(n *node, s span) {
	layerNormBlock(n, s)
	out := n.out.Val.slice(s.lo, s.hi)
	n.act.apply(out.Data, out.Data)
	if n.all != nil {
		kernel.Add(out.Data, n.all[0].Val.slice(s.lo, s.hi).Data)
	}
}

// normActBack computes the activation's input again, row by row, and goes on as
// layerNormBack does.
func normActBack(t *Tape, n *node) {
	if n.all != nil {
		t.sendFirst(n.all[0], n.out.grad)
	}
	if !n.x.needs && !n.y.needs && !n.z.needs {
		return
	}
	if n.act != Identity {
		n.c = t.raw(t.pool.Threads(), 2*n.x.Cols()) // each worker's row before and after the activation
	}
	layerNormBack(t, n)
}

// normActSlope turns g, the gradient of row i of the result, into that of the
// activation's input; worker owns the scratch row.
func normActSlope(n *node, i, worker int, g []Real) {
	cols := n.x.Cols()
	pre, post := n.c.Row(worker)[:cols], n.c.Row(worker)[cols:]
	normRow(pre, n.x.Val.Row(i), n.y.Val.Data, n.z.Val.Data, n.aux.At(i, 0), n.aux.At(i, 1))
	n.act.apply(post, pre)
	n.act.chain(g, g, pre, post, false)
}

// normRow is out = (x - mean) r gamma + beta.
func normRow(out, x, gamma, beta []Real, mean, r Real) {
	gamma, beta, out = gamma[:len(x)], beta[:len(x)], out[:len(x)]
	for j, v := range x {
		out[j] = (v-mean)*r*gamma[j] + beta[j]
	}
}

// rowMoments returns the mean of x and 1/deviation, of the biased variance plus eps.
func rowMoments(x []Real, eps Real) (mean, r Real) {
	inv := 1 / Real(len(x))
	mean = sum(x) * inv
	return mean, 1 / Real(math.Sqrt(float64(spread(x, mean)*inv+eps)))
}
