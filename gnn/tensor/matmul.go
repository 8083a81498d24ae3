package tensor

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/tensor/internal/kernel"
)

// MatMul is x w for x of n x k and w of k x m.
func (t *Tape) MatMul(x, w *Var) *Var { return t.Linear(x, w, nil, Identity) }

// pack lays b, or its transpose, out for the products that share it.
func (t *Tape) pack(b Mat, transposed bool) []Real {
	k, n, row, col := b.Rows, b.Cols, b.Cols, 1
	if transposed {
		k, n, row, col = n, k, col, row
	}
	packed := t.reals.take(kernel.PackedLen(k, n))
	kernel.Pack(packed, k, n, b.Data, row, col)
	return packed
}

// packed is pack of a right factor; of a parameter on a tape that fixes them it is kept.
func (t *Tape) packed(w *Var) []Real {
	if !t.Fixed || !w.parameter || w.Val.Len() == 0 {
		return t.pack(w.Val, false)
	}
	key := packedKey{&w.Val.Data[0], w.Rows(), w.Cols()}
	p, ok := t.kept[key]
	if !ok {
		if t.kept == nil {
			t.kept = map[packedKey][]Real{}
		}
		p = make([]Real, kernel.PackedLen(w.Rows(), w.Cols()))
		kernel.Pack(p, w.Rows(), w.Cols(), w.Val.Data, w.Cols(), 1)
		t.kept[key] = p
	}
	return p
}

// packedKey identifies a parameter by its memory.
type packedKey struct {
	start      *Real
	rows, cols int
}

// Rows of a product per block: as many as make some 30 microseconds of work, so that
// a batch of 500 rows still feeds several threads. Whole tiles of 6, 12 and 14 rows.
const (
	leastRows = 84
	mostRows  = 24 * leastRows
)

// productRows is the block of a product with n columns and k steps per element.
// Results do not depend on it.
func productRows(n, k int) int {
	const work = leastRows * 128 * 128
	rows := work / max(n*k, 1) / leastRows * leastRows
	return min(max(rows, leastRows), mostRows)
}

// Blocks of operators that multiply rows by several small matrices: rows of the
// result, and the stretch of rows whose contributions to a weight gradient are added
// up first.
const (
	prodRows = 2 * leastRows
	sumRows  = 1024
)

// mulNN is c = a b.
func (t *Tape) mulNN(c, a, b Mat) {
	if a.Cols != b.Rows || c.Rows != a.Rows || c.Cols != b.Cols {
		panic(fmt.Sprintf("tensor: product of %s and %s into %s", a.shape(), b.shape(), c.shape()))
	}
	t.mulPacked(c, a, t.pack(b, false), false)
}

// mulNT is c = a bᵀ.
func (t *Tape) mulNT(c, a, b Mat, add bool) {
	if a.Cols != b.Cols || c.Rows != a.Rows || c.Cols != b.Rows {
		panic(fmt.Sprintf("tensor: product of %s and transposed %s into %s", a.shape(), b.shape(), c.shape()))
	}
	t.mulPacked(c, a, t.pack(b, true), add)
}

func (t *Tape) mulPacked(c, a Mat, packed []Real, add bool) {
	n := t.scratch()
	n.a, n.w, n.c, n.add = a, packed, c, add
	t.run(c.Rows, productRows(c.Cols, a.Cols), n, productBlock)
}

func productBlock(n *node, s span) { kernel.Mul(rowsOfProduct(n.c, n.a, n.w, n.add, s.lo, s.hi)) }

// rowsOfProduct is the part of a product that fills rows lo..hi of c.
func rowsOfProduct(c, a Mat, packed []Real, add bool, lo, hi int) kernel.Product {
	return kernel.Product{
		M: hi - lo, N: c.Cols, K: a.Cols,
		A: a.Data[lo*a.Cols:], ARow: a.Cols, ACol: 1,
		B: packed,
		C: c.Data[lo*c.Cols:], CRow: c.Cols, Add: add,
	}
}

// A product over rows sums up stretches of rows, each in slices that stay in the
// second-level cache, and then the stretches in their order.
const (
	sliceRows  = 252 // whole tiles, and at most what a kernel sums up in one go
	maxStretch = 32  // stretches at most, so that partial sums stay small
)

// stretchRows is the length of the stretches that rows are cut into: it depends on
// nothing else, so sums over rows have the same bits on any number of threads.
func stretchRows(rows int) int {
	return max(blocks(blocks(rows, maxStretch), sliceRows), 1) * sliceRows
}

// mulTN is c = aᵀ b.
func (t *Tape) mulTN(c, a, b Mat, add bool) {
	if a.Rows != b.Rows || c.Rows != a.Cols || c.Cols != b.Cols {
		panic(fmt.Sprintf("tensor: product of transposed %s and %s into %s", a.shape(), b.shape(), c.shape()))
	}
	n := t.scratch()
	n.a, n.b = a, b
	n.n1 = stretchRows(a.Rows)
	n.part = t.reals.take(blocks(a.Rows, n.n1) * c.Len())
	t.run(a.Rows, n.n1, n, tnBlock)
	t.total(c, n.part, add)
}

func tnBlock(n *node, s span) {
	part := n.part[s.block*n.a.Cols*n.b.Cols:]
	for lo := s.lo; lo < s.hi; lo += sliceRows {
		tnSlice(part, n.a, n.b, lo, min(lo+sliceRows, s.hi), lo > s.lo)
	}
}

// tnSlice is dst = aᵀ b, or dst += aᵀ b, of rows lo..hi.
func tnSlice(dst []Real, a, b Mat, lo, hi int, add bool) {
	kernel.TN(a.Cols, b.Cols, hi-lo, a.Data[lo*a.Cols:], a.Cols, b.Data[lo*b.Cols:], b.Cols, dst, b.Cols, add)
}

// from is s[at:], and empty for the columns of a matrix without rows.
func from(s []Real, at int) []Real { return s[min(at, len(s)):] }
