package tensor

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/tensor/internal/kernel"
)

// Linear is act(x w + b) for x of n x in, w of in x out and b of 1 x out or nil. Bias
// and ReLU are applied as the product is stored, other activations while a block of it
// is still in the cache.
func (t *Tape) Linear(x, w, b *Var, act Activation) *Var {
	if x.Cols() != w.Rows() {
		panic(fmt.Sprintf("tensor: linear step of %s by %s: inner sizes differ", x.Val.shape(), w.Val.shape()))
	}
	if b != nil {
		wantRow(b, w.Cols(), "bias")
	}
	out := t.raw(x.Rows(), w.Cols())
	n := t.node(out, linearBack, x, w, b)
	n.act, n.a, n.c = act, x.Val, out
	n.w = t.packed(w)
	if activations[act].fromInput && n.out.needs {
		n.c = t.raw(out.Rows, out.Cols) // the activation's input, for its slope
	}
	t.run(out.Rows, productRows(out.Cols, x.Cols()), n, linearBlock)
	return n.out
}

func wantRow(v *Var, cols int, what string) {
	if v.Rows() != 1 || v.Cols() != cols {
		panic(fmt.Sprintf("tensor: %s of %s, want 1x%d", what, v.Val.shape(), cols))
	}
}

func linearBlock(n *node, s span) {
	p := rowsOfProduct(n.c, n.a, n.w, false, s.lo, s.hi)
	p.ReLU = n.act == ReLU
	if n.z != nil {
		p.Bias = n.z.Val.Data
	}
	kernel.Mul(p)
	if n.act != Identity && n.act != ReLU {
		lo, hi := s.lo*n.c.Cols, s.hi*n.c.Cols
		n.act.apply(n.out.Val.Data[lo:hi], n.c.Data[lo:hi])
	}
}

// linearBack runs over the gradient once: a slice of its rows is turned, in place,
// into the gradient of the product and then gives all three gradients while it is in
// the cache.
func linearBack(t *Tape, n *node) {
	g := n.out.grad
	stretch := stretchRows(g.Rows)
	parts := blocks(g.Rows, stretch)
	if n.x.needs {
		n.w = t.pack(n.y.Val, true)
		n.a, n.add = t.into(n.x)
	}
	if n.y.needs {
		n.aux = Mat{parts, n.y.Val.Len(), t.reals.take(parts * n.y.Val.Len())}
	}
	if n.z != nil && n.z.needs {
		n.part = t.reals.take(parts * g.Cols)
	}
	t.run(g.Rows, stretch, n, linearBackBlock)
	if n.y.needs {
		dw, add := t.into(n.y)
		t.total(dw, n.aux.Data, add)
	}
	if n.part != nil {
		db, add := t.into(n.z)
		t.total(db, n.part, add)
	}
}

func linearBackBlock(n *node, s span) {
	if n.part != nil {
		clear(n.biasPart(s.block))
	}
	for lo := s.lo; lo < s.hi; lo += sliceRows {
		linearBackSlice(n, s.block, lo, min(lo+sliceRows, s.hi), lo > s.lo)
	}
}

func (n *node) biasPart(block int) []Real {
	cols := n.out.grad.Cols
	return n.part[block*cols:][:cols]
}

func linearBackSlice(n *node, block, lo, hi int, add bool) {
	g := n.out.grad
	if rows := g.Data[lo*g.Cols : hi*g.Cols]; n.act != Identity {
		n.act.chain(rows, rows, n.c.slice(lo, hi).Data, n.out.Val.slice(lo, hi).Data, false)
	}
	if n.part != nil {
		kernel.ColumnSums(n.biasPart(block), g.slice(lo, hi).Data, nil)
	}
	if n.x.needs {
		kernel.Mul(rowsOfProduct(n.a, g, n.w, n.add, lo, hi))
	}
	if n.y.needs {
		tnSlice(n.aux.Row(block), n.x.Val, g, lo, hi, add)
	}
}
