package kernel

import "sync"

// A Product is C = act(start + A B), C being M x N, where start is 0, the bias or C
// itself. Fields in rows and columns of Real:
//
//	A(i,p) = A[i*ARow + p*ACol], so that a transposed A needs no copy
//	B      = what [Pack] made of B on the same path, K x N
//	C(i,j) = C[i*CRow + j]
//
// An element's bits depend on its row of A, its column of B, its start and K only,
// never on M and N.
type Product struct {
	M, N, K    int
	A          []Real
	ARow, ACol int
	B          []Real
	C          []Real
	CRow       int
	Add        bool   // start from C; else from Bias
	Bias       []Real // a row of N, or nil for 0
	ReLU       bool   // act is max(x, 0)
}

// A Gemm is one of three matrix products on row-major data, C being m x n and
// the summed dimension k; lda, ldb and ldc are the distances between rows:
//
//	NN: C = A B      A is m x k, B is k x n
//	NT: C = A Bᵀ     A is m x k, B is n x k
//	TN: C = Aᵀ B     A is k x m, B is k x n
//
// With add the product is added to C, else it replaces C. An element's bits
// depend on its row of A, its column of B and k only, never on m and n.
type Gemm func(m, n, k int, a []Real, lda int, b []Real, ldb int, c []Real, ldc int, add bool)

// NN is C = A B; see [Gemm].
func (p *Path) NN(m, n, k int, a []Real, lda int, b []Real, ldb int, c []Real, ldc int, add bool) {
	p.gemm(Product{M: m, N: n, K: k, A: a, ARow: lda, ACol: 1, C: c, CRow: ldc, Add: add}, b, ldb, 1)
}

// NT is C = A Bᵀ; see [Gemm].
func (p *Path) NT(m, n, k int, a []Real, lda int, b []Real, ldb int, c []Real, ldc int, add bool) {
	p.gemm(Product{M: m, N: n, K: k, A: a, ARow: lda, ACol: 1, C: c, CRow: ldc, Add: add}, b, 1, ldb)
}

// TN is C = Aᵀ B; see [Gemm].
func (p *Path) TN(m, n, k int, a []Real, lda int, b []Real, ldb int, c []Real, ldc int, add bool) {
	p.gemm(Product{M: m, N: n, K: k, A: a, ARow: 1, ACol: lda, C: c, CRow: ldc, Add: add}, b, ldb, 1)
}

// deepest is the number of steps of the summed dimension that are done in one go: of
// a panel of B, that many rows (16 KB) stay in the first-level cache.
const deepest = 256

// copies are where products lay out their B, one per running product.
var copies = sync.Pool{New: func() any { return new([]Real) }}

// gemm packs and multiplies one stretch of the summed dimension after the other, so
// that the copy of a long B stays in the cache.
func (p *Path) gemm(x Product, b []Real, row, col int) {
	if x.M == 0 || x.N == 0 {
		return
	}
	at := copies.Get().(*[]Real)
	defer copies.Put(at)
	a, k := x.A, x.K
	for done := 0; done == 0 || done < k; done += deepest {
		x.K = min(deepest, k-done)
		*at = grow(*at, p.PackedLen(x.K, x.N))
		x.A, x.B = from(a, done*x.ACol), *at
		p.Pack(x.B, x.K, x.N, from(b, done*row), row, col)
		p.Mul(x)
		x.Add = true
	}
}

// from is s[at:], and empty behind the end: where nothing is left to read.
func from(s []Real, at int) []Real { return s[min(at, len(s)):] }

func ceil(n, d int) int { return (n + d - 1) / d }

func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
