package kernel

// A Path is one implementation of all kernels. Two paths agree up to rounding.
type Path struct {
	Name  string
	lacks func() string // what this CPU lacks for it, or nothing; nil for paths that run everywhere

	// Pack lays B(p,j) = b[p*row+j*col], k x n, out in dst for Mul, which may use it
	// any number of times and in parallel. It fills PackedLen(k, n) elements.
	Pack      func(dst []Real, k, n int, b []Real, row, col int)
	PackedLen func(k, n int) int
	Mul       func(Product)

	Add  func(dst, x []Real)                // dst[j] += x[j]
	Axpy func(dst []Real, a Real, x []Real) // dst[j] += a x[j]
	Dot  func(x, y []Real) Real             // sum of x[j] y[j]

	// GatherSum adds rows of x to dst: dst[j] += sum over r in rows of x[r*stride+j].
	GatherSum func(dst, x []Real, stride int, rows []int32)
	// GatherAxpy weighs them: dst[j] += sum over e of w[e*wStride] x[rows[e]*stride+j].
	GatherAxpy func(dst, x []Real, stride int, rows []int32, w []Real, wStride int)

	Attention
	Gaussian

	// Adam moves p against the gradient g and updates both moments.
	Adam func(p, g, m, v []Real, s AdamStep)

	Rows
	Flat
	Halves
}

// AdamStep holds the numbers of one Adam step; per element
//
//	g' = g + L2 p;  m = Beta1 m + (1-Beta1) g';  v = Beta2 v + (1-Beta2) g'^2
//	p = Shrink p - Rate m / (Root sqrt(v) + Eps)
//
// with Rate = lr/(1-Beta1^t), Root = 1/sqrt(1-Beta2^t), and Shrink = 1 - lr decay
// when the decay is decoupled, else 1.
type AdamStep struct {
	Beta1, Beta2, Rate, Root, Eps, Shrink, L2 Real
}

// NN is C = A B on the path in use; see [Gemm].
func NN(m, n, k int, a []Real, lda int, b []Real, ldb int, c []Real, ldc int, add bool) {
	active.NN(m, n, k, a, lda, b, ldb, c, ldc, add)
}

// NT is C = A Bᵀ on the path in use; see [Gemm].
func NT(m, n, k int, a []Real, lda int, b []Real, ldb int, c []Real, ldc int, add bool) {
	active.NT(m, n, k, a, lda, b, ldb, c, ldc, add)
}

// TN is C = Aᵀ B on the path in use; see [Gemm].
func TN(m, n, k int, a []Real, lda int, b []Real, ldb int, c []Real, ldc int, add bool) {
	active.TN(m, n, k, a, lda, b, ldb, c, ldc, add)
}

// PackedLen is the number of elements that [Pack] fills for a matrix of k x n.
func PackedLen(k, n int) int { return active.PackedLen(k, n) }

// Pack lays B(p,j) = b[p*row+j*col], k x n, out for [Mul].
func Pack(dst []Real, k, n int, b []Real, row, col int) { active.Pack(dst, k, n, b, row, col) }

// Mul computes a product on the path in use.
func Mul(x Product) { active.Mul(x) }

// Add is dst += x on the path in use.
func Add(dst, x []Real) { active.Add(dst, x) }

// Axpy is dst += a x on the path in use.
func Axpy(dst []Real, a Real, x []Real) { active.Axpy(dst, a, x) }

// Dot is the inner product on the path in use.
func Dot(x, y []Real) Real { return active.Dot(x, y) }

// GatherSum is [Path.GatherSum] on the path in use.
func GatherSum(dst, x []Real, stride int, rows []int32) { active.GatherSum(dst, x, stride, rows) }

// GatherAxpy is [Path.GatherAxpy] on the path in use.
func GatherAxpy(dst, x []Real, stride int, rows []int32, w []Real, wStride int) {
	active.GatherAxpy(dst, x, stride, rows, w, wStride)
}

// Adam is [Path.Adam] on the path in use.
func Adam(p, g, m, v []Real, s AdamStep) { active.Adam(p, g, m, v, s) }
