package tensor

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/tensor/internal/kernel"
)

// Relation is one summand of [Tape.RelationSum].
type Relation struct {
	X      *Var   // sources x in
	W      *Var   // in x out
	CSR    CSR    // who sends to whom; without Ptr row v of X belongs to destination v
	Weight []Real // of each edge; nil = 1
	Mean   bool   // divide by the number of edges

	inv   inverse
	share []Real // factor of each edge in the order of inv; nil = 1
	turn  Mat    // W transposed
	part  []Real // partial sums of the gradient of W
}

// Relations returns n empty relations that live until the next Reset.
func (t *Tape) Relations(n int) []Relation {
	r := t.rels.take(n)
	clear(r)
	return r
}

// relationRows is the block of destinations, and of sources on the way back: their
// aggregates, the products and the weights fit the second-level cache together.
const relationRows = 256

// RelationSum is the message passing of several relations in one pass, rows x out:
//
//	out[v] = b + sum over relations r of (sum or mean of X[u] over edges u -> v) W
//
// b is 1 x out or nil. The aggregates live for one block of destinations only, and
// destinations without edges cost no products: 2 in out operations per relation and
// destination that has an edge. The relations must not change until the next Reset.
func (t *Tape) RelationSum(rows int, b *Var, rels []Relation) *Var {
	if len(rels) == 0 {
		panic("tensor: sum of no relations")
	}
	cols := rels[0].W.Cols()
	if b != nil {
		wantRow(b, cols, "bias")
	}
	n := t.node(t.raw(rows, cols), relationBack, b)
	n.rels = rels
	wide := cols
	for i := range rels {
		r := &rels[i]
		r.want(i, rows, cols)
		if r.CSR.Ptr != nil {
			r.CSR = t.edges(r.CSR, r.X.Rows())
		}
		t.below(n, r.X)
		t.below(n, r.W)
		wide = max(wide, r.X.Cols())
	}
	n.n1 = wide
	n.c, n.idx = t.relationSpace(wide)
	t.run(rows, relationRows, n, relationBlock)
	return n.out
}

func (r *Relation) want(i, rows, cols int) {
	if r.W.Rows() != r.X.Cols() || r.W.Cols() != cols {
		panic(fmt.Sprintf("tensor: relation %d multiplies %s by %s, want %d columns", i, r.X.Val.shape(), r.W.Val.shape(), cols))
	}
	if r.CSR.Ptr == nil && r.X.Rows() < rows || r.CSR.Ptr != nil && r.CSR.Rows() != rows {
		panic(fmt.Sprintf("tensor: relation %d from %s reaches %d of %d destinations", i, r.X.Val.shape(), r.CSR.Rows(), rows))
	}
	if r.Weight != nil && len(r.Weight) != r.CSR.Edges() {
		panic(fmt.Sprintf("tensor: relation %d has %d weights for %d edges", i, len(r.Weight), r.CSR.Edges()))
	}
}

// relationSpace returns each worker's two stretches of relationRows x wide and its
// list of row numbers.
func (t *Tape) relationSpace(wide int) (Mat, []int32) {
	return t.raw(t.pool.Threads(), 2*relationRows*wide), t.ints.take(t.pool.Threads() * relationRows)
}

// space returns worker's stretches as matrices of the given widths.
func (n *node) space(worker, first, second int) (a, b Mat, at []int32) {
	s, half := n.c.Row(worker), relationRows*n.n1
	return Mat{relationRows, first, s[:relationRows*first]}, Mat{relationRows, second, s[half:][:relationRows*second]},
		n.idx[worker*relationRows:][:relationRows]
}

func relationBlock(n *node, s span) {
	out := n.out.Val.slice(s.lo, s.hi)
	if n.x == nil {
		clear(out.Data)
	} else {
		for i := range out.Rows {
			copy(out.Row(i), n.x.Val.Data)
		}
	}
	for i := range n.rels {
		r := &n.rels[i]
		w := r.W.Val
		if r.CSR.Ptr == nil {
			kernel.NN(out.Rows, w.Cols, w.Rows, r.X.Val.Data[s.lo*w.Rows:], w.Rows, w.Data, w.Cols, out.Data, w.Cols, true)
			continue
		}
		sums, products, at := n.space(s.worker, w.Rows, w.Cols)
		m := r.reduce(s.lo, s.hi, sums, at)
		addProducts(out, sums, w, products, at[:m])
	}
}

// addProducts adds row i of a w to row at[i] of out. The product is stored first even
// where at names every row, so that the bits do not depend on which rows are there.
func addProducts(out, a, w, product Mat, at []int32) {
	if len(at) == 0 {
		return
	}
	kernel.NN(len(at), w.Cols, w.Rows, a.Data, a.Cols, w.Data, w.Cols, product.Data, product.Cols, false)
	for i, v := range at {
		kernel.Add(out.Row(int(v)), product.Row(i))
	}
}

// reduce stores the aggregates of those destinations lo to hi that have edges, one
// below another, and their numbers from lo on; it returns how many.
func (r *Relation) reduce(lo, hi int, sums Mat, at []int32) int {
	mode := kernel.Store
	if r.Mean {
		mode = kernel.MeanOf
	}
	return rowsWithEdges(r.CSR.Ptr[lo:hi+1], at, func(m, v, end int) {
		ptr, dst := r.CSR.Ptr[lo+v:lo+end+1], sums.Data[m*sums.Cols:(m+end-v)*sums.Cols]
		if r.Weight == nil {
			kernel.SegmentSum(dst, r.X.Val.Data, sums.Cols, ptr, r.CSR.Src, mode)
			return
		}
		kernel.SegmentMix(dst, r.X.Val.Data, sums.Cols, ptr, r.CSR.Src, r.Weight, 1, kernel.Store)
		if r.Mean {
			for i := range end - v {
				scale(sums.Row(m+i), 1/Real(ptr[i+1]-ptr[i]))
			}
		}
	})
}

// rowsWithEdges lists the rows of ptr that have edges in at, calls run for every stretch
// v to end of them, whose first is number m of the list, and returns how many there are.
func rowsWithEdges(ptr, at []int32, run func(m, v, end int)) int {
	m := 0
	for v := 0; v+1 < len(ptr); v++ {
		first := v
		for v+1 < len(ptr) && ptr[v] < ptr[v+1] {
			at[m+v-first] = int32(v)
			v++
		}
		if v > first {
			run(m, first, v)
			m += v - first
		}
	}
	return m
}
