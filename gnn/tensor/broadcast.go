package tensor

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/tensor/internal/kernel"
)

// AddBias adds the row b, 1 x cols, to every row of x.
func (t *Tape) AddBias(x, b *Var) *Var {
	wantRow(b, x.Cols(), "bias")
	n := t.node(t.raw(x.Rows(), x.Cols()), addBiasBack, x, b)
	t.run(x.Rows(), rowGrain(x.Cols()), n, addBiasBlock)
	return n.out
}

func addBiasBlock(n *node, s span) {
	for i := s.lo; i < s.hi; i++ {
		row := n.out.Val.Row(i)
		copy(row, n.x.Val.Row(i))
		kernel.Add(row, n.y.Val.Data)
	}
}

func addBiasBack(t *Tape, n *node) {
	t.sendColumns(n.y, n.out.grad, Mat{})
	t.give(n.x, n.out.grad)
}

// sendColumns adds the column sums of g, times c element-wise where c is given, to
// the gradient of v, 1 x cols.
func (t *Tape) sendColumns(v *Var, g, c Mat) {
	if !v.needs {
		return
	}
	n := t.scratch()
	n.b, n.c = g, c
	grain := rowGrain(g.Cols)
	n.part = t.reals.take(blocks(g.Rows, grain) * g.Cols)
	t.run(g.Rows, grain, n, columnsBlock)
	d, add := t.into(v)
	t.total(d, n.part, add)
}

func columnsBlock(n *node, s span) {
	sum := n.part[s.block*n.b.Cols:][:n.b.Cols]
	clear(sum)
	var c []Real
	if n.c.Data != nil {
		c = n.c.slice(s.lo, s.hi).Data
	}
	kernel.ColumnSums(sum, n.b.slice(s.lo, s.hi).Data, c)
}

// ScaleCols multiplies column j of x by s[j], s being 1 x cols.
func (t *Tape) ScaleCols(x, s *Var) *Var {
	wantRow(s, x.Cols(), "column scale")
	n := t.node(t.raw(x.Rows(), x.Cols()), scaleColsBack, x, s)
	n.a, n.b = n.out.Val, x.Val
	t.run(x.Rows(), rowGrain(x.Cols()), n, scaleColsBlock)
	return n.out
}

func scaleColsBlock(n *node, s span) {
	for i := s.lo; i < s.hi; i++ {
		kernel.Multiply(n.a.Row(i), n.b.Row(i), n.y.Val.Data, n.mode())
	}
}

func scaleColsBack(t *Tape, n *node) {
	t.sendColumns(n.y, n.out.grad, n.x.Val)
	if n.x.needs {
		n.b = n.out.grad
		n.a, n.add = t.into(n.x)
		t.run(n.a.Rows, rowGrain(n.a.Cols), n, scaleColsBlock)
	}
}

// ScaleRows multiplies row i of x by s[i], s being rows x 1.
func (t *Tape) ScaleRows(x, s *Var) *Var {
	if s.Rows() != x.Rows() || s.Cols() != 1 {
		panic(fmt.Sprintf("tensor: row scale of %s for %s, want one column of as many rows", s.Val.shape(), x.Val.shape()))
	}
	n := t.node(t.raw(x.Rows(), x.Cols()), scaleRowsBack, x, s)
	n.a, n.b = n.out.Val, x.Val
	t.run(x.Rows(), rowGrain(x.Cols()), n, scaleRowsBlock)
	return n.out
}

// ScaleRowsBy is ScaleRows with constant factors, one per row.
func (t *Tape) ScaleRowsBy(x *Var, s []Real) *Var {
	return t.ScaleRows(x, t.Const(MatOf(len(s), 1, s...)))
}

func scaleRowsBlock(n *node, s span) {
	for i := s.lo; i < s.hi; i++ {
		dst, r := n.a.Row(i), n.y.Val.Data[i]
		if n.add {
			kernel.Axpy(dst, r, n.b.Row(i))
		} else {
			kernel.Scale(dst, r, n.b.Row(i))
		}
	}
}

func scaleRowsBack(t *Tape, n *node) {
	if n.x.needs {
		n.b = n.out.grad
		n.a, n.add = t.into(n.x)
		t.run(n.a.Rows, rowGrain(n.a.Cols), n, scaleRowsBlock)
	}
	if n.y.needs {
		n.a, n.add = t.into(n.y)
		t.run(n.a.Rows, rowGrain(n.x.Cols()), n, rowScaleBackBlock)
	}
}

func rowScaleBackBlock(n *node, s span) {
	for i := s.lo; i < s.hi; i++ {
		d := kernel.Dot(n.out.grad.Row(i), n.x.Val.Row(i))
		if n.add {
			d += n.a.Data[i]
		}
		n.a.Data[i] = d
	}
}
