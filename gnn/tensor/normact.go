package tensor

import (
	"fmt"

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
	k := n.normOf(s)
	simple := n.act == Identity || n.act == ReLU
	k.ReLU = n.act == ReLU
	if n.all != nil && simple {
		k.Residual = n.all[0].Val.slice(s.lo, s.hi).Data
	}
	kernel.NormRows(k)
	if !simple {
		n.act.apply(k.Dst, k.Dst)
		if n.all != nil {
			kernel.Add(k.Dst, n.all[0].Val.slice(s.lo, s.hi).Data)
		}
	}
}

// normActBack computes the activation's input again, row by row, and goes on as
// layerNormBack does. The gradient is changed on the way, so the residual is served
// before, but where the gradient stays as it is and can be handed over.
func normActBack(t *Tape, n *node) {
	norm := n.x.needs || n.y.needs || n.z.needs
	keep := n.act == Identity || n.act == ReLU
	if n.all != nil && norm && !keep {
		t.addFirst(n.all[0], n.out.grad)
	}
	if norm {
		if !keep {
			n.c = t.raw(t.pool.Threads(), 2*n.x.Cols()) // each worker's row before and after the activation
		}
		layerNormBack(t, n)
	}
	if n.all != nil && (!norm || keep) {
		t.sendFirst(n.all[0], n.out.grad)
	}
}

// normActSlope turns the gradient of row i of the result into that of the activation's
// input; worker owns the scratch row.
func normActSlope(n *node, i, worker int) {
	cols, g, x := n.x.Cols(), n.out.grad.Row(i), n.x.Val.Row(i)
	pre, post := n.c.Row(worker)[:cols], n.c.Row(worker)[cols:]
	mean, r := n.aux.At(i, 0), n.aux.At(i, 1)
	gamma, beta := n.y.Val.Data[:len(x)], n.z.Val.Data[:len(x)]
	for j, v := range x {
		pre[j] = (v-mean)*r*gamma[j] + beta[j]
	}
	n.act.apply(post, pre)
	n.act.chain(g, g, pre, post, false)
}
