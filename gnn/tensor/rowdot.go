package tensor

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/tensor/internal/kernel"
)

// RowDot is the inner product of each row of x with the same row of y, or with the one
// row of y, for every head by itself: rows x heads. One head means whole rows.
func (t *Tape) RowDot(x, y *Var, heads int) *Var {
	if x.Cols() != y.Cols() || (y.Rows() != x.Rows() && y.Rows() != 1) {
		panic(fmt.Sprintf("tensor: row products of %s and %s", x.Val.shape(), y.Val.shape()))
	}
	headWidth("row products", x.Cols(), heads)
	n := t.node(t.raw(x.Rows(), heads), rowDotBack, x, y)
	t.run(x.Rows(), rowGrain(x.Cols()), n, rowDotBlock)
	return n.out
}

// other returns the row of y that meets row i of x.
func (n *node) other(i int) []Real {
	if n.y.Rows() == 1 {
		i = 0
	}
	return n.y.Val.Row(i)
}

func rowDotBlock(n *node, s span) {
	heads := n.out.Cols()
	width := n.x.Cols() / heads
	for i := s.lo; i < s.hi; i++ {
		x, y, dst := n.x.Val.Row(i), n.other(i), n.out.Val.Row(i)
		for h := range heads {
			dst[h] = kernel.Dot(x[h*width:][:width], y[h*width:][:width])
		}
	}
}

func rowDotBack(t *Tape, n *node) {
	grain := rowGrain(n.x.Cols())
	if n.x.needs {
		n.a, n.add = t.into(n.x)
		t.run(n.x.Rows(), grain, n, rowDotXBlock)
	}
	if !n.y.needs {
		return
	}
	if n.y.Rows() == n.x.Rows() {
		n.a, n.add = t.into(n.y)
		t.run(n.x.Rows(), grain, n, rowDotYBlock)
		return
	}
	n.part = t.reals.take(blocks(n.x.Rows(), grain) * n.x.Cols())
	t.run(n.x.Rows(), grain, n, rowDotSharedBlock)
	d, add := t.into(n.y)
	t.total(d, n.part, add)
}

// spreadHeads adds g[h] times head h of src to dst.
func spreadHeads(dst, src, g []Real) {
	width := len(dst) / len(g)
	for h, r := range g {
		kernel.Axpy(dst[h*width:][:width], r, src[h*width:][:width])
	}
}

func rowDotXBlock(n *node, s span) {
	for i := s.lo; i < s.hi; i++ {
		dst := n.a.Row(i)
		if !n.add {
			clear(dst)
		}
		spreadHeads(dst, n.other(i), n.out.grad.Row(i))
	}
}

func rowDotYBlock(n *node, s span) {
	for i := s.lo; i < s.hi; i++ {
		dst := n.a.Row(i)
		if !n.add {
			clear(dst)
		}
		spreadHeads(dst, n.x.Val.Row(i), n.out.grad.Row(i))
	}
}

func rowDotSharedBlock(n *node, s span) {
	part := n.part[s.block*n.x.Cols():][:n.x.Cols()]
	clear(part)
	for i := s.lo; i < s.hi; i++ {
		spreadHeads(part, n.x.Val.Row(i), n.out.grad.Row(i))
	}
}
