package tensor

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/tensor/internal/kernel"
)

// Blocks of the parallel products. Results do not depend on them except for sumRows,
// the stretch of rows whose contributions to a weight gradient are added up first.
const (
	prodRows = 192 // rows of the result per block, large against the copying of B
	prodCols = 512 // columns of the result per block
	sumRows  = 1024
	maxParts = 64 // stretches at most, so that partial sums stay small
)

// MatMul is x w for x of n x k and w of k x m.
func (t *Tape) MatMul(x, w *Var) *Var { return t.Linear(x, w, nil, Identity) }

// mulNT is c = a bᵀ.
func (t *Tape) mulNT(c, a, b Mat, add bool) {
	if a.Cols != b.Cols || c.Rows != a.Rows || c.Cols != b.Rows {
		panic(fmt.Sprintf("tensor: product of %s and transposed %s into %s", a.shape(), b.shape(), c.shape()))
	}
	n := t.scratch()
	n.a, n.b, n.c, n.add = a, b, c, add
	t.run(tiles(c), 1, n, ntBlock)
}

// tiles is the number of prodRows x prodCols blocks of c.
func tiles(c Mat) int { return blocks(c.Rows, prodRows) * blocks(c.Cols, prodCols) }

// tile returns the corner and the size of block number b of c.
func tile(c Mat, b int) (i, j, rows, cols int) {
	wide := blocks(c.Cols, prodCols)
	i, j = b/wide*prodRows, b%wide*prodCols
	return i, j, min(prodRows, c.Rows-i), min(prodCols, c.Cols-j)
}

// nnBlock computes one tile of c = a b.
func nnBlock(n *node, s span) {
	i, j, rows, cols := tile(n.c, s.block)
	k := n.a.Cols
	kernel.NN(rows, cols, k, n.a.Data[i*k:], k, from(n.b.Data, j), n.b.Cols, n.c.Data[i*n.c.Cols+j:], n.c.Cols, n.add)
}

func ntBlock(n *node, s span) {
	i, j, rows, cols := tile(n.c, s.block)
	k := n.a.Cols
	kernel.NT(rows, cols, k, n.a.Data[i*k:], k, n.b.Data[j*k:], k, n.c.Data[i*n.c.Cols+j:], n.c.Cols, n.add)
}

// from is s[at:], and empty for the columns of a matrix without rows.
func from(s []Real, at int) []Real { return s[min(at, len(s)):] }

// mulTN is c = aᵀ b. The rows of a and b are cut into stretches whose products are
// added up in order.
func (t *Tape) mulTN(c, a, b Mat, add bool) {
	if a.Rows != b.Rows || c.Rows != a.Cols || c.Cols != b.Cols {
		panic(fmt.Sprintf("tensor: product of transposed %s and %s into %s", a.shape(), b.shape(), c.shape()))
	}
	n := t.scratch()
	n.a, n.b, n.c, n.add = a, b, c, add
	n.n1 = sumRows
	if blocks(a.Rows, sumRows) > maxParts {
		n.n1 = blocks(a.Rows, maxParts)
	}
	parts := blocks(a.Rows, n.n1)
	if parts > 1 {
		n.part = t.reals.take(parts * c.Len())
		n.add = false
	}
	t.run(max(parts, 1)*tiles(c), 1, n, tnBlock)
	if parts > 1 {
		t.total(c, n.part, add)
	}
}

func tnBlock(n *node, s span) {
	per := tiles(n.c)
	part, lo := s.block/per, s.block/per*n.n1
	i, j, rows, cols := tile(n.c, s.block%per)
	c := n.c.Data
	if n.part != nil {
		c = n.part[part*n.c.Len():]
	}
	k := min(n.n1, n.a.Rows-lo)
	kernel.TN(rows, cols, k, from(n.a.Data, lo*n.a.Cols+i), n.a.Cols, from(n.b.Data, lo*n.b.Cols+j), n.b.Cols,
		c[i*n.c.Cols+j:], n.c.Cols, n.add)
}
