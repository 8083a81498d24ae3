package tensor

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/tensor/internal/kernel"
)

// GatherRows is the matrix of rows idx[0], idx[1], ... of x; index -1 gives a zero row.
func (t *Tape) GatherRows(x *Var, idx []int32) *Var {
	if x.stored != nil {
		return t.Lookup(x.stored, idx)
	}
	n := t.node(t.raw(len(idx), x.Cols()), gatherRowsBack, x)
	n.idx, n.a, n.b = idx, n.out.Val, x.Val
	t.run(len(idx), rowGrain(x.Cols()), n, gatherRowsBlock)
	return n.out
}

// Embedding looks up rows of a table; index -1 (unknown) gives a zero row.
func (t *Tape) Embedding(table *Var, idx []int32) *Var { return t.GatherRows(table, idx) }

func gatherRowsBlock(n *node, s span) {
	kernel.GatherRows(n.a.slice(s.lo, s.hi).Data, n.b.Data, n.a.Cols, n.idx[s.lo:s.hi], n.mode())
}

func gatherRowsBack(t *Tape, n *node) {
	d, add := t.into(n.x)
	t.scatter(d, n.out.grad, n.idx, add)
}

// ScatterAddRows is the matrix of that many rows whose row r is the sum of the rows i
// of x with idx[i] = r; rows of index -1 are left out.
func (t *Tape) ScatterAddRows(x *Var, idx []int32, rows int) *Var {
	if len(idx) != x.Rows() {
		panic(fmt.Sprintf("tensor: %d indices for the rows of %s", len(idx), x.Val.shape()))
	}
	n := t.node(t.raw(rows, x.Cols()), scatterRowsBack, x)
	n.idx = idx
	t.scatter(n.out.Val, x.Val, idx, false)
	return n.out
}

func scatterRowsBack(t *Tape, n *node) {
	n.b = n.out.grad
	n.a, n.add = t.into(n.x)
	t.run(len(n.idx), rowGrain(n.b.Cols), n, gatherRowsBlock)
}

// scatter adds row i of src to row idx[i] of dst, in the order of i for every row.
func (t *Tape) scatter(dst, src Mat, idx []int32, add bool) {
	if dst.Rows > 4*len(idx) { // few rows of a large table: sorting would cost more
		if !add {
			t.clear(dst)
		}
		for i, r := range idx {
			if r >= 0 {
				kernel.Add(dst.Row(int(r)), src.Row(i))
			}
		}
		return
	}
	n := t.scratch()
	n.a, n.b, n.add = dst, src, add
	n.inv = t.invert(nil, idx, dst.Rows)
	t.run(dst.Rows, rowGrain(dst.Cols), n, scatterBlock)
}

func scatterBlock(n *node, s span) {
	kernel.SegmentSum(n.a.slice(s.lo, s.hi).Data, n.b.Data, n.b.Cols, n.inv.ptr[s.lo:s.hi+1], n.inv.edge, n.mode())
}

// clear sets m to 0.
func (t *Tape) clear(m Mat) {
	n := t.scratch()
	n.a = m
	t.run(m.Len(), 1<<16, n, clearBlock)
}

func clearBlock(n *node, s span) { clear(n.a.Data[s.lo:s.hi]) }
