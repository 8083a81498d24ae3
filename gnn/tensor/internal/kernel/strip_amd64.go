//go:build amd64 && !noasm && !real64

package kernel

import "unsafe"

// A strip is a part of C one panel of B wide and any number of rows high. Distances
// are in bytes; gen/gemm.go knows the offsets of the fields.
type strip struct {
	rows, k    int
	a          *Real
	aRow, aCol int
	b          *Real // k x panel
	start      *Real // the values that the sums begin with
	startRow   int
	c          *Real
	cRow       int
	mask       *[panelMost]int32 // -1 for columns that exist; nil if all do (AVX2)
	bits       uint64            // 16 bits per vector: columns that exist (AVX-512)
	relu       int               // not 0: max(x, 0)
}

// The strips compute, for i < rows and j < the columns that exist,
//
//	sum = start(i,j)
//	for p := range k { sum = fma(A(i,p), B(p,j), sum) }
//	C(i,j) = sum, or max(sum, 0)
//
// The strip is two vectors wide, the half strip one; a row of B is two in both.

//go:noescape
func stripAVX2(s *strip)

//go:noescape
func stripAVX2Half(s *strip)

//go:noescape
func stripAVX512(s *strip)

//go:noescape
func stripAVX512Half(s *strip)

const (
	panelMost = 32  // columns of the widest panel
	blockRows = 168 // rows of A that stay in the second-level cache; whole tiles of 6 and 12
	size      = int(unsafe.Sizeof(Real(0)))
)

// vectors says how a path multiplies: the width of its panels, which are two vectors.
type vectors int

const (
	ymm vectors = 16
	zmm vectors = 32
)

func gemmAVX2(p *Path)   { ymm.replace(p) }
func gemmAVX512(p *Path) { zmm.replace(p) }

func (w vectors) replace(p *Path) { p.PackedLen, p.Pack, p.Mul = w.packedLen, w.pack, w.mul }

func (w vectors) packedLen(k, n int) int { return k * ceil(n, int(w)) * int(w) }

// pack lays B out in panels: panel[j/w][p][j%w], zeros behind the last column.
func (w vectors) pack(dst []Real, k, n int, b []Real, row, col int) {
	wide := int(w)
	for j0 := 0; j0 < n; j0 += wide {
		panel := dst[j0*k:][:k*wide]
		cols := min(wide, n-j0)
		if cols < wide {
			clear(panel)
		}
		for p := range k {
			if col == 1 {
				copy(panel[p*wide:][:cols], b[p*row+j0:])
				continue
			}
			for j := range cols {
				panel[p*wide+j] = b[p*row+(j0+j)*col]
			}
		}
	}
}

// mul runs over blocks of rows, stretches of the summed dimension and panels, in
// this order: a panel's stretch stays in the first-level cache and the block's rows
// of A in the second.
func (w vectors) mul(x *Product) {
	if x.N == 0 {
		return
	}
	for i := 0; i < x.M; i += blockRows {
		for p := 0; p == 0 || p < x.K; p += deepest {
			for j := 0; j < x.N; j += int(w) {
				w.strip(x, i, p, j)
			}
		}
	}
}

var zeros [panelMost]Real

func (w vectors) strip(x *Product, i, p, j int) {
	s := strip{
		rows: min(blockRows, x.M-i), k: min(deepest, x.K-p),
		a:    unsafe.SliceData(from(x.A, i*x.ARow+p*x.ACol)),
		aRow: x.ARow * size, aCol: x.ACol * size,
		b: unsafe.SliceData(from(x.B, j*x.K+p*int(w))),
		c: &x.C[i*x.CRow+j], cRow: x.CRow * size,
		start: &zeros[0],
	}
	switch {
	case x.Add || p > 0:
		s.start, s.startRow = s.c, s.cRow
	case x.Bias != nil:
		s.start = &x.Bias[j]
	}
	if x.ReLU && p+deepest >= x.K {
		s.relu = 1
	}
	w.run(&s, min(int(w), x.N-j))
}

// run computes the strip's first columns.
func (w vectors) run(s *strip, cols int) {
	s.bits = 1<<cols - 1
	if w == ymm && cols != int(w)/2 && cols < int(w) {
		s.mask = &columnMasks[cols]
	}
	half := cols <= int(w)/2
	switch {
	case w == zmm && half:
		stripAVX512Half(s)
	case w == zmm:
		stripAVX512(s)
	case half:
		stripAVX2Half(s)
	default:
		stripAVX2(s)
	}
}

// columnMasks[n] marks the first n columns.
var columnMasks = func() (m [panelMost / 2][panelMost]int32) {
	for n := range m {
		for j := range n {
			m[n][j] = -1
		}
	}
	return m
}()
