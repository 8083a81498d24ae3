package tensor

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/tensor/internal/kernel"
)

// Linear is act(x w + b) for x of n x in, w of in x out and b of 1 x out or nil. Bias
// and activation are applied while a block of the product is still in the cache.
func (t *Tape) Linear(x, w, b *Var, act Activation) *Var {
	if x.Cols() != w.Rows() {
		panic(fmt.Sprintf("tensor: linear step of %s by %s: inner sizes differ", x.Val.shape(), w.Val.shape()))
	}
	if b != nil {
		wantRow(b, w.Cols(), "bias")
	}
	out := t.raw(x.Rows(), w.Cols())
	n := t.node(out, linearBack, x, w, b)
	n.act, n.a, n.b, n.c = act, x.Val, w.Val, out
	if activations[act].fromInput && n.out.needs {
		n.c = t.raw(out.Rows, out.Cols) // the activation's input, for its slope
	}
	t.run(tiles(out), 1, n, linearBlock)
	return n.out
}

func wantRow(v *Var, cols int, what string) {
	if v.Rows() != 1 || v.Cols() != cols {
		panic(fmt.Sprintf("tensor: %s of %s, want 1x%d", what, v.Val.shape(), cols))
	}
}

func linearBlock(n *node, s span) {
	nnBlock(n, s)
	if n.z == nil && n.act == Identity {
		return
	}
	i, j, rows, cols := tile(n.c, s.block)
	for r := i; r < i+rows; r++ {
		row := n.c.Row(r)[j:][:cols]
		if n.z != nil {
			kernel.Add(row, n.z.Val.Data[j:][:cols])
		}
		if n.act != Identity {
			n.act.apply(n.out.Val.Row(r)[j:][:cols], row)
		}
	}
}

// linearBack turns the gradient of the result, in place, into that of the product.
func linearBack(t *Tape, n *node) {
	g := n.out.grad
	bias := n.z != nil && n.z.needs
	if bias || n.act != Identity {
		grain := rowGrain(g.Cols)
		if bias {
			n.part = t.reals.take(blocks(g.Rows, grain) * g.Cols)
		}
		t.run(g.Rows, grain, n, linearBackBlock)
		if bias {
			db, add := t.into(n.z)
			t.total(db, n.part, add)
		}
	}
	if n.y.needs {
		dw, add := t.into(n.y)
		t.mulTN(dw, n.x.Val, g, add)
	}
	if n.x.needs {
		dx, add := t.into(n.x)
		t.mulNT(dx, g, n.y.Val, add)
	}
}

func linearBackBlock(n *node, s span) {
	g, cols := n.out.grad, n.out.grad.Cols
	if n.act != Identity {
		lo, hi := s.lo*cols, s.hi*cols
		n.act.chain(g.Data[lo:hi], g.Data[lo:hi], n.c.Data[lo:hi], n.out.Val.Data[lo:hi], false)
	}
	if n.part == nil {
		return
	}
	sum := n.part[s.block*cols:][:cols]
	clear(sum)
	for i := s.lo; i < s.hi; i++ {
		kernel.Add(sum, g.Row(i))
	}
}
