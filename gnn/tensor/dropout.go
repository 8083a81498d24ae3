package tensor

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/tensor/internal/kernel"
)

// Dropout sets elements to 0 with probability p and scales the others by 1/(1-p). The
// mask is a pure function of the key and the element's index, so it is not stored.
// Outside training x is returned as it is.
func (t *Tape) Dropout(x *Var, p float64, key uint64) *Var {
	if !(p >= 0 && p < 1) {
		panic(fmt.Sprintf("tensor: dropout probability %v, want 0 <= p < 1", p))
	}
	if !t.Train || p == 0 {
		return x
	}
	n := t.node(t.raw(x.Rows(), x.Cols()), dropoutBack, x)
	n.a, n.b = n.out.Val, x.Val
	n.key, n.r1 = key, Real(1/(1-p))
	n.n1 = int(p * (1 << 32)) // an element is dropped when its 32 random bits are below
	t.run(x.Val.Len(), flatGrain, n, dropoutBlock)
	return n.out
}

func dropoutBack(t *Tape, n *node) {
	n.b = n.out.grad
	n.a, n.add = t.into(n.x)
	t.run(n.a.Len(), flatGrain, n, dropoutBlock)
}

// dropoutBlock masks b into a. One random number serves two elements; flatGrain is
// even, so a pair never straddles two blocks.
func dropoutBlock(n *node, s span) {
	d := kernel.Dropout{Key: n.key, First: s.lo, Limit: uint32(n.n1), Scale: n.r1}
	kernel.Drop(n.a.Data[s.lo:s.hi], n.b.Data[s.lo:s.hi], d, n.mode())
}
