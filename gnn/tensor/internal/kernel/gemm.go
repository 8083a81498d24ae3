package kernel

import "sync"

// The product copies A and B into panels that the tile reads front to back,
// padded with zeros to whole tiles, so that the tile needs no edge cases. The
// three products differ in how they are copied, nothing else.
const (
	tileM = 4   // rows of C per tile
	tileN = 2   // columns of C per tile
	tileK = 16  // steps of the summed dimension per panel entry
	thinK = 6   // up to here a product is done row by row
	deepK = 256 // steps of the summed dimension copied at a time: an A panel stays in the first-level cache
)

type (
	panelA [tileM * tileK]Real // panelA[u*tileM+i] = A(i0+i, p0+u)
	panelB [tileN * tileK]Real // panelB[u*tileN+j] = B(p0+u, j0+j)
)

// panels is the copying space of one running product.
type panels struct {
	a []panelA
	b []panelB

	rows []Real // B row by row, for thin products
}

var panelPool = sync.Pool{New: func() any { return new(panels) }}

// view reads a matrix by two strides: element (i, j) is data[i*row+j*col].
type view struct {
	data     []Real
	row, col int
}

func plainNN(m, n, k int, a []Real, lda int, b []Real, ldb int, c []Real, ldc int, add bool) {
	plainGemm(m, n, k, view{a, lda, 1}, view{b, ldb, 1}, c, ldc, add)
}

func plainNT(m, n, k int, a []Real, lda int, b []Real, ldb int, c []Real, ldc int, add bool) {
	plainGemm(m, n, k, view{a, lda, 1}, view{b, 1, ldb}, c, ldc, add)
}

func plainTN(m, n, k int, a []Real, lda int, b []Real, ldb int, c []Real, ldc int, add bool) {
	plainGemm(m, n, k, view{a, 1, lda}, view{b, ldb, 1}, c, ldc, add)
}

func plainGemm(m, n, k int, a, b view, c []Real, ldc int, add bool) {
	if m == 0 || n == 0 {
		return
	}
	if k == 0 {
		if !add {
			for i := range m {
				clear(c[i*ldc:][:n])
			}
		}
		return
	}
	s := panelPool.Get().(*panels)
	defer panelPool.Put(s)
	if k <= thinK {
		s.thin(m, n, k, a, b, c, ldc, add)
		return
	}
	for p := 0; p < k; p += deepK {
		deep := min(deepK, k-p)
		s.packB(b, p, deep, n)
		steps := len(s.b) / ceil(n, tileN)
		for i := 0; i < m; i += tileM {
			s.packA(a, i, p, deep, min(tileM, m-i))
			s.row(c[i*ldc:], ldc, min(tileM, m-i), n, steps, add || p > 0)
		}
	}
}

// thin adds k scaled rows of B to each row of C: with few steps the padding of
// the panels would cost more than the tile saves.
func (s *panels) thin(m, n, k int, a, b view, c []Real, ldc int, add bool) {
	s.rows = grow(s.rows, k*n)
	for p := range k {
		for j := range n {
			s.rows[p*n+j] = b.data[p*b.row+j*b.col]
		}
	}
	for i := range m {
		dst := c[i*ldc:][:n]
		if !add {
			clear(dst)
		}
		for p := range k {
			plainAxpy(dst, a.data[i*a.row+p*a.col], s.rows[p*n:][:n])
		}
	}
}

// row computes tileM rows of C from the A panel and all B panels.
func (s *panels) row(c []Real, ldc, rows, n, steps int, add bool) {
	var t [tileM * tileN]Real
	for j := 0; j < n; j += tileN {
		tile(s.a, s.b[j/tileN*steps:][:steps], &t)
		cols := min(tileN, n-j)
		for i := range rows {
			dst := c[i*ldc+j:][:cols]
			sum := t[i*tileN:][:cols]
			if add {
				for jj := range dst {
					dst[jj] += sum[jj]
				}
			} else {
				copy(dst, sum)
			}
		}
	}
}

// packA copies rows i..i+rows of A, columns p..p+deep, into one panel.
func (s *panels) packA(a view, i, p, deep, rows int) {
	steps := ceil(deep, tileK)
	s.a = grow(s.a, steps)
	if rows < tileM || deep%tileK != 0 {
		clear(s.a)
	}
	for r := range rows {
		at := (i+r)*a.row + p*a.col
		for u := range s.a {
			x := &s.a[u]
			w := min(tileK, deep-u*tileK)
			for v := range w {
				x[v*tileM+r] = a.data[at]
				at += a.col
			}
		}
	}
}

// packB copies rows p..p+deep of B, all n columns, into panels of tileN columns.
func (s *panels) packB(b view, p, deep, n int) {
	steps := ceil(deep, tileK)
	s.b = grow(s.b, steps*ceil(n, tileN))
	if n%tileN != 0 || deep%tileK != 0 {
		clear(s.b)
	}
	for j := range n {
		at := p*b.row + j*b.col
		col := s.b[j/tileN*steps:][:steps]
		for u := range col {
			y := &col[u]
			w := min(tileK, deep-u*tileK)
			for v := range w {
				y[v*tileN+j%tileN] = b.data[at]
				at += b.row
			}
		}
	}
}

func ceil(n, d int) int { return (n + d - 1) / d }

func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
