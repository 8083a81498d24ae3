package tensor

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/tensor/internal/kernel"
)

// GatherReduceMix collects the sources of every destination under several constant
// weights per edge at once, w being edges x heads in the order of the CSR:
//
//	out[i] = [sum over e of w[e,0] x[source of e], sum over e of w[e,1] x[source of e], ...]
//
// The result is destinations x heads*cols: what heads calls of
// [Tape.GatherReduceWeighted] side by side give, but a source's row is read once for
// all heads, on the way back too.
func (t *Tape) GatherReduceMix(x *Var, csr CSR, w Mat) *Var {
	if w.Rows != csr.Edges() {
		panic(fmt.Sprintf("tensor: edge weights of %s for %d edges", w.shape(), csr.Edges()))
	}
	n := t.node(t.raw(csr.Rows(), w.Cols*x.Cols()), mixBack, x)
	n.csr, n.c = t.edges(csr, x.Rows()), w
	if x.stored != nil {
		t.widen(n, w.Cols)
		return n.out
	}
	t.run(csr.Rows(), edgeGrain, n, mixBlock)
	return n.out
}

// GatherReduceWeighted is, for every destination, the sum over its edges e of w[e]
// times the source's row of x.
func (t *Tape) GatherReduceWeighted(x *Var, csr CSR, w []Real) *Var {
	return t.GatherReduceMix(x, csr, Mat{len(w), 1, w})
}

func mixBlock(n *node, s span) {
	kernel.SegmentMix(n.out.Val.slice(s.lo, s.hi).Data, n.x.Val.Data, n.x.Cols(),
		n.csr.Ptr[s.lo:s.hi+1], n.csr.Src, n.c.Data, n.c.Cols, kernel.Store)
}

func mixBack(t *Tape, n *node) {
	n.inv = t.invert(n.csr.Ptr, n.csr.Src, n.x.Rows())
	n.a, n.add = t.into(n.x)
	t.run(n.x.Rows(), edgeGrain, n, mixBackBlock)
}

func mixBackBlock(n *node, s span) {
	kernel.SegmentUnmix(n.a.slice(s.lo, s.hi).Data, n.out.grad.Data, n.a.Cols,
		n.inv.ptr[s.lo:s.hi+1], n.inv.dst, n.inv.edge, n.c.Data, n.c.Cols, n.mode())
}

// Through returns the edges of csr with every source s replaced by row[s]: over the
// distinct rows in place of their copies. Reducing over it equals, without the copies,
// reducing over csr what [Tape.GatherRows] makes of the rows; the gradient goes straight
// to the distinct rows. It lives until the next Reset; compose once per step and edge
// list, since each result is sorted anew on the way back.
func (t *Tape) Through(csr CSR, row []int32) CSR {
	if csr.Src == nil {
		return CSR{Ptr: csr.Ptr, Src: row[:csr.Edges():csr.Edges()]}
	}
	return CSR{Ptr: csr.Ptr, Src: t.Compose(row, csr.Src)}
}
