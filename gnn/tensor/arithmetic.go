package tensor

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/tensor/internal/kernel"
)

func wantSame(what string, x, y *Var) {
	if x.Rows() != y.Rows() || x.Cols() != y.Cols() {
		panic(fmt.Sprintf("tensor: %s of %s and %s, want equal shapes", what, x.Val.shape(), y.Val.shape()))
	}
}

// Add is the sum of matrices of one shape.
func (t *Tape) Add(xs ...*Var) *Var {
	if len(xs) == 0 {
		panic("tensor: sum of nothing")
	}
	if len(xs) == 1 {
		return xs[0]
	}
	for _, x := range xs[1:] {
		wantSame("sum", xs[0], x)
	}
	n := t.list(t.raw(xs[0].Rows(), xs[0].Cols()), addBack, xs)
	n.summands = t.summands.take(len(xs))
	for k, x := range xs {
		n.summands[k] = kernel.TermOf(x.Val.Data, nil)
	}
	t.run(n.out.Rows(), rowGrain(n.out.Cols()), n, gatherTermsBlock)
	return n.out
}

func addBack(t *Tape, n *node) {
	last := len(n.all) - 1
	for _, x := range n.all[:last] {
		t.send(x, n.out.grad, 1)
	}
	t.give(n.all[last], n.out.grad)
}

// give is send of a gradient that nobody needs any more: the first contribution to
// what is no leaf becomes its gradient, without a copy.
func (t *Tape) give(v *Var, g Mat) {
	if v.needs && !v.hasGrad {
		v.grad, v.hasGrad = Mat{v.Rows(), v.Cols(), g.Data}, true
		return
	}
	t.send(v, g, 1)
}

// send adds r g to the gradient of v, if v needs one.
func (t *Tape) send(v *Var, g Mat, r Real) {
	if !v.needs {
		return
	}
	n := t.scratch()
	n.b, n.r1 = g, r
	n.a, n.add = t.into(v)
	t.run(g.Len(), flatGrain, n, sendBlock)
}

func sendBlock(n *node, s span) {
	dst, g := n.a.Data[s.lo:s.hi], n.b.Data[s.lo:s.hi]
	switch {
	case n.r1 == 1 && !n.add:
		copy(dst, g)
	case n.r1 == 1:
		kernel.Add(dst, g)
	case !n.add:
		kernel.Scale(dst, n.r1, g)
	default:
		kernel.Axpy(dst, n.r1, g)
	}
}

// Sub is x - y.
func (t *Tape) Sub(x, y *Var) *Var {
	wantSame("difference", x, y)
	n := t.node(t.raw(x.Rows(), x.Cols()), subBack, x, y)
	t.run(x.Val.Len(), flatGrain, n, subBlock)
	return n.out
}

func subBlock(n *node, s span) {
	out, y := n.out.Val.Data[s.lo:s.hi], n.y.Val.Data[s.lo:s.hi]
	for i, v := range n.x.Val.Data[s.lo:s.hi] {
		out[i] = v - y[i]
	}
}

func subBack(t *Tape, n *node) {
	t.send(n.y, n.out.grad, -1)
	t.give(n.x, n.out.grad)
}

// Scale is r x.
func (t *Tape) Scale(x *Var, r Real) *Var {
	n := t.node(t.raw(x.Rows(), x.Cols()), scaleBack, x)
	n.a, n.b, n.r1 = n.out.Val, x.Val, r
	t.run(x.Val.Len(), flatGrain, n, sendBlock)
	return n.out
}

func scaleBack(t *Tape, n *node) { t.send(n.x, n.out.grad, n.r1) }

// Mul is the element-wise product of x and y.
func (t *Tape) Mul(x, y *Var) *Var {
	wantSame("element-wise product", x, y)
	n := t.node(t.raw(x.Rows(), x.Cols()), mulBack, x, y)
	n.a, n.b, n.c = n.out.Val, x.Val, y.Val
	t.run(x.Val.Len(), flatGrain, n, mulBlock)
	return n.out
}

// mulBlock is a = b c, element-wise.
func mulBlock(n *node, s span) {
	kernel.Multiply(n.a.Data[s.lo:s.hi], n.b.Data[s.lo:s.hi], n.c.Data[s.lo:s.hi], n.mode())
}

func mulBack(t *Tape, n *node) {
	t.sendProduct(n.x, n.out.grad, n.y.Val)
	t.sendProduct(n.y, n.out.grad, n.x.Val)
}

// sendProduct adds the element-wise product of g and c to the gradient of v.
func (t *Tape) sendProduct(v *Var, g, c Mat) {
	if !v.needs {
		return
	}
	n := t.scratch()
	n.b, n.c = g, c
	n.a, n.add = t.into(v)
	t.run(g.Len(), flatGrain, n, mulBlock)
}
