package tensor

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/tensor/internal/kernel"
)

// Reshape is the same elements in the same order under another shape; nothing is copied.
func (t *Tape) Reshape(x *Var, rows, cols int) *Var {
	if rows*cols != x.Val.Len() {
		panic(fmt.Sprintf("tensor: reshape of %s to %dx%d", x.Val.shape(), rows, cols))
	}
	return t.node(Mat{rows, cols, x.Val.Data}, reshapeBack, x).out
}

func reshapeBack(t *Tape, n *node) { t.give(n.x, n.out.grad) }

// SliceRows is rows lo to hi of x; nothing is copied.
func (t *Tape) SliceRows(x *Var, lo, hi int) *Var {
	if lo == 0 && hi == x.Rows() {
		return x
	}
	n := t.node(x.Val.slice(lo, hi), sliceRowsBack, x)
	n.n1 = lo
	return n.out
}

func sliceRowsBack(t *Tape, n *node) {
	g := t.GradOf(n.x)
	t.copyRows(n.out.grad, g.slice(n.n1, n.n1+n.out.Rows()), 0, 0, n.out.Cols(), true)
}

// SliceCols is columns lo to hi of x.
func (t *Tape) SliceCols(x *Var, lo, hi int) *Var {
	if lo < 0 || lo > hi || hi > x.Cols() {
		panic(fmt.Sprintf("tensor: columns %d to %d of %s", lo, hi, x.Val.shape()))
	}
	n := t.node(t.raw(x.Rows(), hi-lo), sliceColsBack, x)
	n.n1 = lo
	t.copyRows(x.Val, n.out.Val, lo, 0, hi-lo, false)
	return n.out
}

func sliceColsBack(t *Tape, n *node) {
	t.copyRows(n.out.grad, t.GradOf(n.x), 0, n.n1, n.out.Cols(), true)
}

// copyRows copies (or adds) columns from..from+width of src to columns to..to+width of dst.
func (t *Tape) copyRows(src, dst Mat, from, to, width int, add bool) {
	n := t.scratch()
	n.a, n.b, n.n1, n.n2, n.add = dst, src, from, to, add
	n.kind = width
	t.run(src.Rows, rowGrain(width), n, copyRowsBlock)
}

func copyRowsBlock(n *node, s span) {
	for i := s.lo; i < s.hi; i++ {
		src, dst := n.b.Row(i)[n.n1:][:n.kind], n.a.Row(i)[n.n2:][:n.kind]
		if n.add {
			kernel.Add(dst, src)
		} else {
			copy(dst, src)
		}
	}
}

// ConcatCols puts matrices of equally many rows side by side.
func (t *Tape) ConcatCols(xs ...*Var) *Var {
	cols := 0
	for _, x := range xs {
		if x.Rows() != xs[0].Rows() {
			panic(fmt.Sprintf("tensor: %s beside %s, want equally many rows", x.Val.shape(), xs[0].Val.shape()))
		}
		cols += x.Cols()
	}
	if len(xs) == 1 {
		return xs[0]
	}
	n := t.list(t.raw(xs[0].Rows(), cols), concatColsBack, xs)
	at := 0
	for _, x := range xs {
		t.copyRows(x.Val, n.out.Val, 0, at, x.Cols(), false)
		at += x.Cols()
	}
	return n.out
}

func concatColsBack(t *Tape, n *node) {
	at := 0
	for _, x := range n.all {
		if x.needs {
			g, add := t.into(x)
			t.copyRows(n.out.grad, g, at, 0, x.Cols(), add)
		}
		at += x.Cols()
	}
}

// ConcatRows puts matrices of equally many columns below one another.
func (t *Tape) ConcatRows(xs ...*Var) *Var {
	rows := 0
	for _, x := range xs {
		if x.Cols() != xs[0].Cols() {
			panic(fmt.Sprintf("tensor: %s below %s, want equally many columns", x.Val.shape(), xs[0].Val.shape()))
		}
		rows += x.Rows()
	}
	if len(xs) == 1 {
		return xs[0]
	}
	n := t.list(t.raw(rows, xs[0].Cols()), concatRowsBack, xs)
	at := 0
	for _, x := range xs {
		t.copyRows(x.Val, n.out.Val.slice(at, at+x.Rows()), 0, 0, x.Cols(), false)
		at += x.Rows()
	}
	return n.out
}

func concatRowsBack(t *Tape, n *node) {
	at := 0
	for _, x := range n.all {
		t.give(x, n.out.grad.slice(at, at+x.Rows()))
		at += x.Rows()
	}
}
