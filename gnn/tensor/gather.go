package tensor

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/tensor/internal/kernel"
)

// GatherRows is the matrix of rows idx[0], idx[1], ... of x; index -1 gives a zero row.
func (t *Tape) GatherRows(x *Var, idx []int32) *Var {
	n := t.node(t.raw(len(idx), x.Cols()), gatherRowsBack, x)
	n.idx, n.a, n.b = idx, n.out.Val, x.Val
	t.run(len(idx), rowGrain(x.Cols()), n, gatherRowsBlock)
	return n.out
}

// Embedding looks up rows of a table; index -1 (unknown) gives a zero row.
func (t *Tape) Embedding(table *Var, idx []int32) *Var { return t.GatherRows(table, idx) }

func gatherRowsBlock(n *node, s span) {
	for i := s.lo; i < s.hi; i++ {
		dst, from := n.a.Row(i), n.idx[i]
		switch {
		case from < 0 && !n.add:
			clear(dst)
		case from < 0:
		case n.add:
			kernel.Add(dst, n.b.Row(int(from)))
		default:
			copy(dst, n.b.Row(int(from)))
		}
	}
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
			clear(dst.Data)
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
	for r := s.lo; r < s.hi; r++ {
		dst := n.a.Row(r)
		if !n.add {
			clear(dst)
		}
		kernel.GatherSum(dst, n.b.Data, n.b.Cols, n.inv.edge[n.inv.ptr[r]:n.inv.ptr[r+1]])
	}
}
