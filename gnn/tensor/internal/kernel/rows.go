package kernel

// Mode says how a kernel over rows treats its destination; values combine.
type Mode int

// The modes.
const (
	Store  Mode = 0
	AddTo  Mode = 1 // add to what the destination holds
	MeanOf Mode = 2 // divide each sum by its number of edges
	Least  Mode = 4 // the minimum in place of the maximum
)

// Rows are the kernels over matrices of rows with cols columns, one row behind the
// other. ptr and src are edges as in tensor.CSR: destination i, a row of dst, has the
// edges e from ptr[i] to ptr[i+1], whose sources are the rows src[e] of x. There are
// len(ptr)-1 destinations; ptr may be a part of a longer list.
type Rows struct {
	// SegmentSum is dst[i] = sum over e of x[src[e]], or the mean.
	SegmentSum func(dst, x []Real, cols int, ptr, src []int32, mode Mode)
	// SegmentMix has heads weights per edge and a row of heads*cols columns per
	// destination: dst[i, h] = sum over e of w[e, h] x[src[e]].
	SegmentMix func(dst, x []Real, cols int, ptr, src []int32, w []Real, heads int, mode Mode)
	// SegmentUnmix is the way back of SegmentMix over the inverse edges: position p of
	// to and edge belongs to edge number edge[p] with the destination to[p], and
	// dst[i] = sum over p and h of w[edge[p], h] g[to[p], h].
	SegmentUnmix func(dst, g []Real, cols int, ptr, to, edge []int32, w []Real, heads int, mode Mode)
	// SegmentMax is dst[i, j] = max over e of x[src[e], j], 0 without edges, and arg[i, j]
	// the first edge that has it (untouched without edges).
	SegmentMax func(dst []Real, arg []int32, x []Real, cols int, ptr, src []int32, mode Mode)
	// SegmentMaxBack is the way back over the inverse edges:
	// dst[i, j] = sum over p with arg[to[p], j] = edge[p] of g[to[p], j].
	SegmentMaxBack func(dst, g []Real, arg []int32, cols int, ptr, to, edge []int32, mode Mode)
	// GatherRows is dst[i] = x[idx[i]]; -1 stands for a zero row.
	GatherRows func(dst, x []Real, cols int, idx []int32, mode Mode)
	// SumTerms is dst[i] = sum over terms of their row number lo+i.
	SumTerms func(dst []Real, cols, lo int, terms []Term)

	// ColumnSums is dst[j] += sum over rows of x[i, j], or of x[i, j] y[i, j] with y.
	ColumnSums func(dst, x, y []Real)
	// NormRows is layer normalisation; see [Norm].
	NormRows func(n Norm)
	// NormBack is its way back.
	NormBack func(n Norm)
	// Scan is dst[i] = a[i] dst[i-1] + x[i], the first row being x[0].
	Scan func(s Scan)
}

// Flat are the element-wise kernels; dst may be x or y where not stated otherwise.
type Flat struct {
	Scale    func(dst []Real, a Real, x []Real)        // dst = a x
	Product  func(dst, x, y []Real, mode Mode)         // dst = x y
	ReLU     func(dst, x []Real)                       // dst = max(x, 0)
	ReLUBack func(dst, g, y []Real, mode Mode)         // dst = g where y > 0, else 0
	Exp      func(dst, x []Real)                       // dst = exp(x), within 2 units in the last place
	Log1p    func(dst, x []Real)                       // dst = log(1 + x) for x >= 0, within 2 units in the last place
	Sigmoid  func(dst, x []Real)                       // dst = 1 / (1 + exp(-x))
	SiLU     func(dst, x []Real)                       // dst = x / (1 + exp(-x))
	Dropout  func(dst, x []Real, d Dropout, mode Mode) // see [Dropout]
}

// Dropout keeps element i of a list when its 32 random bits are at least Limit, times
// Scale, and gives 0 otherwise. Elements 2c and 2c+1 have the lower and the upper half
// of the mixed counter Key + (c+1) step of splitmix64 (Steele, Lea and Flood, 2014).
type Dropout struct {
	Key   uint64
	First int // number of the first element, even
	Limit uint32
	Scale Real
}

const (
	splitStep = 0x9e3779b97f4a7c15
	splitMul1 = 0xbf58476d1ce4e5b9
	splitMul2 = 0x94d049bb133111eb
)

// Norm are the arguments, by value so that they stay on the stack, of a layer normalisation of rows,
//
//	h = (x - mean(x)) / sqrt(var(x) + eps)
//	dst = act(h gamma + beta) + residual
//
// with act the identity, or max(., 0) with ReLU. Dst may be the residual.
type Norm struct {
	Cols          int
	Dst, X        []Real
	Gamma, Beta   []Real // cols each
	Residual      []Real // or nil
	Stats         []Real // mean and 1/deviation of each row: stored by NormRows, read by NormBack
	Eps           Real
	ReLU          bool
	G             []Real // NormBack: gradient of the result, and
	DX            []Real // of x, stored or with Add added to; nil if not wanted
	DGamma, DBeta []Real // added to; DBeta lies right behind DGamma
	Add           bool
}

// Scan are the arguments of a recurrence over rows of Cols columns, Rows times. The
// steps are distances between rows, in elements and of either sign; each list starts
// where the first row is.
type Scan struct {
	Cols, Rows            int
	Dst, X, A             []Real
	DstStep, XStep, AStep int
	DstAt, XAt, AAt       int // of the first row
}

// Halves convert rows of other number formats.
type Halves struct {
	FromHalf  func(dst []float32, src []uint16) // IEEE half precision
	ToHalf    func(dst []uint16, src []float32) // to the nearest, ties to even
	FromBrain func(dst []float32, src []uint16) // bfloat16: the upper half of a float32
	// GatherHalf and GatherBrain convert the rows idx[0], idx[1], ... of a table; -1 stands
	// for a zero row.
	GatherHalf, GatherBrain func(dst []float32, x []uint16, cols int, idx []int32)
}

// SegmentSum is [Rows.SegmentSum] on the path in use.
func SegmentSum(dst, x []Real, cols int, ptr, src []int32, mode Mode) {
	active.SegmentSum(dst, x, cols, ptr, src, mode)
}

// SegmentMix is [Rows.SegmentMix] on the path in use.
func SegmentMix(dst, x []Real, cols int, ptr, src []int32, w []Real, heads int, mode Mode) {
	active.SegmentMix(dst, x, cols, ptr, src, w, heads, mode)
}

// SegmentUnmix is [Rows.SegmentUnmix] on the path in use.
func SegmentUnmix(dst, g []Real, cols int, ptr, to, edge []int32, w []Real, heads int, mode Mode) {
	active.SegmentUnmix(dst, g, cols, ptr, to, edge, w, heads, mode)
}

// SegmentMax is [Rows.SegmentMax] on the path in use.
func SegmentMax(dst []Real, arg []int32, x []Real, cols int, ptr, src []int32, mode Mode) {
	active.SegmentMax(dst, arg, x, cols, ptr, src, mode)
}

// SegmentMaxBack is [Rows.SegmentMaxBack] on the path in use.
func SegmentMaxBack(dst, g []Real, arg []int32, cols int, ptr, to, edge []int32, mode Mode) {
	active.SegmentMaxBack(dst, g, arg, cols, ptr, to, edge, mode)
}

// GatherRows is [Rows.GatherRows] on the path in use.
func GatherRows(dst, x []Real, cols int, idx []int32, mode Mode) {
	active.GatherRows(dst, x, cols, idx, mode)
}

// SumTerms is [Rows.SumTerms] on the path in use.
func SumTerms(dst []Real, cols, lo int, terms []Term) { active.SumTerms(dst, cols, lo, terms) }

// ColumnSums is [Rows.ColumnSums] on the path in use.
func ColumnSums(dst, x, y []Real) { active.ColumnSums(dst, x, y) }

// NormRows is [Rows.NormRows] on the path in use.
func NormRows(n Norm) { active.NormRows(n) }

// NormBack is [Rows.NormBack] on the path in use.
func NormBack(n Norm) { active.NormBack(n) }

// ScanRows is [Rows.Scan] on the path in use.
func ScanRows(s Scan) { active.Scan(s) }

// Scale is dst = a x on the path in use.
func Scale(dst []Real, a Real, x []Real) { active.Scale(dst, a, x) }

// Multiply is [Flat.Product] on the path in use.
func Multiply(dst, x, y []Real, mode Mode) { active.Product(dst, x, y, mode) }

// ReLU is dst = max(x, 0) on the path in use.
func ReLU(dst, x []Real) { active.ReLU(dst, x) }

// ReLUBack is [Flat.ReLUBack] on the path in use.
func ReLUBack(dst, g, y []Real, mode Mode) { active.ReLUBack(dst, g, y, mode) }

// Exp is dst = exp(x) on the path in use.
func Exp(dst, x []Real) { active.Exp(dst, x) }

// Log1p is dst = log(1 + x), for finite x >= 0, on the path in use.
func Log1p(dst, x []Real) { active.Log1p(dst, x) }

// Sigmoid is dst = 1 / (1 + exp(-x)) on the path in use.
func Sigmoid(dst, x []Real) { active.Sigmoid(dst, x) }

// SiLU is dst = x / (1 + exp(-x)) on the path in use.
func SiLU(dst, x []Real) { active.SiLU(dst, x) }

// Drop is [Flat.Dropout] on the path in use.
func Drop(dst, x []Real, d Dropout, mode Mode) { active.Dropout(dst, x, d, mode) }

// FromHalf converts from half precision on the path in use.
func FromHalf(dst []float32, src []uint16) { active.FromHalf(dst, src) }

// ToHalf rounds to half precision on the path in use.
func ToHalf(dst []uint16, src []float32) { active.ToHalf(dst, src) }

// FromBrain converts from bfloat16 on the path in use.
func FromBrain(dst []float32, src []uint16) { active.FromBrain(dst, src) }

// GatherHalf is [Halves.GatherHalf] on the path in use.
func GatherHalf(dst []float32, x []uint16, cols int, idx []int32) {
	active.GatherHalf(dst, x, cols, idx)
}

// GatherBrain is [Halves.GatherBrain] on the path in use.
func GatherBrain(dst []float32, x []uint16, cols int, idx []int32) {
	active.GatherBrain(dst, x, cols, idx)
}
