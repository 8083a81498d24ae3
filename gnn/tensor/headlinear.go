package tensor

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/tensor/internal/kernel"
)

// HeadLinear multiplies every head by a matrix of its own and adds up over parts,
// rows x heads*to:
//
//	out_h = sum over parts i of x_ih ws[i]_h
//
// x is rows x len(ws)*heads*from, the parts side by side and heads within; ws[i] is
// heads*from x to, the matrices of the heads one below another.
func (t *Tape) HeadLinear(x *Var, heads int, ws ...*Var) *Var {
	to := ws[0].Cols()
	for i, w := range ws {
		if w.Cols() != to || w.Rows()*len(ws) != x.Cols() || w.Rows()%heads != 0 {
			panic(fmt.Sprintf("tensor: part %d of %d multiplies %s by %s with %d heads", i, len(ws), x.Val.shape(), w.Val.shape(), heads))
		}
	}
	n := t.node(t.raw(x.Rows(), heads*to), headLinearBack, x)
	n.all, n.n1 = t.refs.take(len(ws)), heads
	copy(n.all, ws)
	for _, w := range ws {
		t.below(n, w)
	}
	t.run(x.Rows(), prodRows, n, headLinearBlock)
	return n.out
}

// headPart returns where head h of part i starts among the columns of x, and its matrix.
func (n *node) headPart(i, h int) (col, from int, w []Real) {
	m := n.all[i].Val
	from = m.Rows / n.n1
	return i*m.Rows + h*from, from, m.Data[h*from*m.Cols:][:from*m.Cols]
}

func headLinearBlock(n *node, s span) {
	x, out := n.x.Val.slice(s.lo, s.hi), n.out.Val.slice(s.lo, s.hi)
	to := n.all[0].Cols()
	for h := range n.n1 {
		for i := range n.all {
			col, from, w := n.headPart(i, h)
			kernel.NN(x.Rows, to, from, x.Data[col:], x.Cols, w, to, out.Data[h*to:], out.Cols, i > 0)
		}
	}
}

func headLinearBack(t *Tape, n *node) {
	g := n.out.grad
	if n.x.needs {
		n.a, n.add = t.into(n.x)
		t.run(g.Rows, prodRows, n, headLinearBackBlock)
	}
	for i, w := range n.all {
		if !w.needs {
			continue
		}
		m := t.scratch()
		m.x, m.all, m.n1, m.b, m.n2 = n.x, n.all, n.n1, g, i
		m.part = t.reals.take(blocks(g.Rows, sumRows) * w.Val.Len())
		t.run(g.Rows, sumRows, m, headLinearWeightBlock)
		d, add := t.into(w)
		t.total(d, m.part, add)
	}
}

func headLinearBackBlock(n *node, s span) {
	g, dx := n.out.grad.slice(s.lo, s.hi), n.a.slice(s.lo, s.hi)
	to := n.all[0].Cols()
	for h := range n.n1 {
		for i := range n.all {
			col, from, w := n.headPart(i, h)
			kernel.NT(g.Rows, from, to, g.Data[h*to:], g.Cols, w, to, dx.Data[col:], dx.Cols, n.add)
		}
	}
}

// headLinearWeightBlock computes the gradient of the weights of part n.n2 over one
// stretch of rows.
func headLinearWeightBlock(n *node, s span) {
	w := n.all[n.n2].Val
	x, g := n.x.Val.slice(s.lo, s.hi), n.b.slice(s.lo, s.hi)
	sum := n.part[s.block*w.Len():][:w.Len()]
	for h := range n.n1 {
		col, from, _ := n.headPart(n.n2, h)
		kernel.TN(from, w.Cols, g.Rows, x.Data[col:], x.Cols, g.Data[h*w.Cols:], g.Cols, sum[h*from*w.Cols:], w.Cols, false)
	}
}
