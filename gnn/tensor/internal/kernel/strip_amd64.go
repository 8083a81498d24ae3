//go:build amd64 && !noasm && !real64

package kernel

import "unsafe"

// A strip is a part of C one panel of B wide and any number of rows high. Distances
// are in bytes; gen/gemm.go knows the offsets of the fields.
type strip struct {
	rows, k    int
	a          *Real
	aRow, aCol int
	aTile      int   // from one tile of the greatest height to the next
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

// mul runs over blocks of rows, stretches of the summed dimension and panels, in
// this order: a panel's stretch stays in the first-level cache and the block's rows
// of A in the second.
func (w vectors) mul(x Product) {
	if x.M == 0 || x.N == 0 {
		return
	}
	w.within(&x)
	var copied *[]Real
	if w.copiesA(&x) {
		copied = blocksOfA.Get().(*[]Real)
		defer blocksOfA.Put(copied)
		*copied = grow(*copied, (blockRows+w.tall())*deepest)
	}
	for i := 0; i < x.M; i += blockRows {
		for p := 0; p == 0 || p < x.K; p += deepest {
			s := w.block(&x, i, p)
			if copied != nil {
				w.packA(*copied, from(x.A, p*x.ACol+i), s.rows, s.k, x.ACol)
				w.readCopy(&s, *copied)
			}
			for j := 0; j < x.N; j += int(w) {
				w.strip(&s, &x, i, p, j)
			}
		}
	}
}

// within panics if an operand is shorter than its shape says.
func (w vectors) within(x *Product) {
	_ = x.C[(x.M-1)*x.CRow+x.N-1]
	if x.Bias != nil {
		_ = x.Bias[x.N-1]
	}
	if x.K > 0 {
		_ = x.A[(x.M-1)*x.ARow+(x.K-1)*x.ACol]
		_ = x.B[w.packedLen(x.K, x.N)-1]
	}
}

// farRows is the distance between rows of a transposed A from which on a tile does
// better to read a copy: its columns would fall into few places of the caches.
const farRows = 256

// copiesA says whether the tiles read a copy of A: it pays for a few panels of B.
func (w vectors) copiesA(x *Product) bool {
	return x.ARow == 1 && x.ACol >= farRows && x.N > int(w) && x.K > 0
}

// readCopy lets the strips read what packA made.
func (w vectors) readCopy(s *strip, copied []Real) {
	s.a, s.aRow, s.aCol, s.aTile = &copied[0], size, w.tall()*size, w.tall()*s.k*size
}

// block holds what the strips of a block share.
func (w vectors) block(x *Product, i, p int) strip {
	s := strip{
		rows: min(blockRows, x.M-i), k: min(deepest, x.K-p),
		a:    address(x.A, i*x.ARow+p*x.ACol),
		aRow: x.ARow * size, aCol: x.ACol * size, aTile: w.tall() * x.ARow * size,
		cRow: x.CRow * size,
	}
	if x.ReLU && p+deepest >= x.K {
		s.relu = 1
	}
	return s
}

var zeros [panelMost]Real

// strip computes the columns of the panel that starts at column j.
func (w vectors) strip(s *strip, x *Product, i, p, j int) {
	half := w.place(s, x, i, p, j)
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

// place fills in what differs between the strips of a block, and says whether half a
// strip is enough.
func (w vectors) place(s *strip, x *Product, i, p, j int) (half bool) {
	s.b = address(x.B, j*x.K+p*int(w))
	s.c = &x.C[i*x.CRow+j]
	s.start, s.startRow = &zeros[0], 0
	switch {
	case x.Add || p > 0:
		s.start, s.startRow = s.c, s.cRow
	case x.Bias != nil:
		s.start = &x.Bias[j]
	}
	cols := min(int(w), x.N-j)
	s.bits, s.mask = 1<<cols-1, nil
	if w == ymm && cols != int(w)/2 && cols < int(w) {
		s.mask = &columnMasks[cols]
	}
	return cols <= int(w)/2
}

// columnMasks[n] marks the first n columns.
var columnMasks = func() (m [panelMost/2 + 1][panelMost]int32) {
	for n := range m {
		for j := range n {
			m[n][j] = -1
		}
	}
	return m
}()
