//go:build amd64 && !noasm && !real64

package kernel

import "unsafe"

// rowArgs are the arguments of a row kernel. The kernels count some of them down, so
// each call fills in a new one. The field order is known to package gen.
type rowArgs struct {
	p    [10]unsafe.Pointer
	n    [8]int // 0: columns, 1: rows, 2: mode; 3: heads
	f    [16]float32
	mask [8]int32 // of the last columns, for AVX2
	bits uint64   // the same for AVX-512
	_    [16]float32
}

const (
	argCols = iota
	argRows
	argMode
	argHeads
)

// tailMasks holds at 8-r the mask of r columns.
var tailMasks = [16]int32{-1, -1, -1, -1, -1, -1, -1, -1}

// start fills in what every kernel needs.
func (a *rowArgs) start(cols, rows int, mode Mode) {
	a.n[argCols], a.n[argRows], a.n[argMode] = cols, rows, int(mode)
	a.mask = [8]int32(tailMasks[8-cols%8:])
	a.bits = 1<<(cols%16) - 1
}

// addr is the address of the first element of s, or nil.
func addr[T any](s []T) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(s)) }

// last is the address of the last element of s, or nil.
func last(s []int32) unsafe.Pointer {
	if len(s) == 0 {
		return nil
	}
	return unsafe.Pointer(&s[len(s)-1])
}

// rowVectors is an instruction set: AVX-512 or, when false, AVX2 with FMA and F16C.
type rowVectors bool

func rowsAVX2(p *Path)   { rowVectors(false).replace(p) }
func rowsAVX512(p *Path) { rowVectors(true).replace(p) }

func (v rowVectors) replace(p *Path) {
	p.Rows, p.Flat, p.Halves = v.rows(), v.flat(), v.halves()
	p.Add, p.Axpy, p.Dot, p.Adam = v.add, v.axpy, v.dot, v.adam
	p.GatherSum = v.gatherSum
}

// rows returns the kernels of the instruction set.
func (v rowVectors) rows() Rows {
	return Rows{
		SegmentSum:     v.segmentSum,
		SegmentMix:     v.segmentMix,
		SegmentUnmix:   v.segmentUnmix,
		SegmentMax:     v.segmentMax,
		SegmentMaxBack: v.segmentMaxBack,
		GatherRows:     v.gatherRows,
		SumTerms:       v.sumTerms,
		ColumnSums:     v.columnSums,
		NormRows:       v.normRows,
		NormBack:       v.normBack,
		Scan:           v.scan,
	}
}

func (v rowVectors) segmentSum(dst, x []Real, cols int, ptr, src []int32, mode Mode) {
	var a rowArgs
	a.segmentSum(v, dst, x, cols, ptr, src, mode)
	if v {
		segmentSumAVX512(&a)
	} else {
		segmentSumAVX2(&a)
	}
}

func (a *rowArgs) segmentSum(_ rowVectors, dst, x []Real, cols int, ptr, src []int32, mode Mode) {
	a.start(cols, len(ptr)-1, mode)
	a.p = [10]unsafe.Pointer{addr(dst), addr(x), addr(ptr), addr(src)}
	a.p[9] = last(src)
	a.f[0] = 1
}

func (v rowVectors) segmentMix(dst, x []Real, cols int, ptr, src []int32, w []Real, heads int, mode Mode) {
	var a rowArgs
	a.segmentMix(v, dst, x, cols, ptr, src, w, heads, mode)
	if v {
		segmentMixAVX512(&a)
	} else {
		segmentMixAVX2(&a)
	}
}

func (a *rowArgs) segmentMix(_ rowVectors, dst, x []Real, cols int, ptr, src []int32, w []Real, heads int, mode Mode) {
	a.start(cols, len(ptr)-1, mode)
	a.p = [10]unsafe.Pointer{addr(dst), addr(x), addr(ptr), addr(src), addr(w)}
	a.p[9] = last(src)
	a.n[argHeads] = heads
}

func (v rowVectors) segmentUnmix(dst, g []Real, cols int, ptr, to, edge []int32, w []Real, heads int, mode Mode) {
	var a rowArgs
	a.segmentUnmix(v, dst, g, cols, ptr, to, edge, w, heads, mode)
	if v {
		segmentUnmixAVX512(&a)
	} else {
		segmentUnmixAVX2(&a)
	}
}

func (a *rowArgs) segmentUnmix(_ rowVectors, dst, g []Real, cols int, ptr, to, edge []int32, w []Real, heads int, mode Mode) {
	a.start(cols, len(ptr)-1, mode)
	a.p = [10]unsafe.Pointer{addr(dst), addr(g), addr(ptr), addr(to), addr(edge), addr(w)}
	a.n[argHeads] = heads
}

func (v rowVectors) segmentMax(dst []Real, arg []int32, x []Real, cols int, ptr, src []int32, mode Mode) {
	var a rowArgs
	a.segmentMax(v, dst, arg, x, cols, ptr, src, mode)
	if v {
		segmentMaxAVX512(&a)
	} else {
		segmentMaxAVX2(&a)
	}
}

func (a *rowArgs) segmentMax(_ rowVectors, dst []Real, arg []int32, x []Real, cols int, ptr, src []int32, mode Mode) {
	a.start(cols, len(ptr)-1, mode)
	a.p = [10]unsafe.Pointer{addr(dst), addr(x), addr(ptr), addr(src), addr(arg)}
	a.p[9] = last(src)
}

func (v rowVectors) segmentMaxBack(dst, g []Real, arg []int32, cols int, ptr, to, edge []int32, mode Mode) {
	var a rowArgs
	a.segmentMaxBack(v, dst, g, arg, cols, ptr, to, edge, mode)
	if v {
		segmentMaxBackAVX512(&a)
	} else {
		segmentMaxBackAVX2(&a)
	}
}

func (a *rowArgs) segmentMaxBack(_ rowVectors, dst, g []Real, arg []int32, cols int, ptr, to, edge []int32, mode Mode) {
	a.start(cols, len(ptr)-1, mode)
	a.p = [10]unsafe.Pointer{addr(dst), addr(g), addr(ptr), addr(to), addr(edge), addr(arg)}
}

func (v rowVectors) gatherRows(dst, x []Real, cols int, idx []int32, mode Mode) {
	var a rowArgs
	a.gatherRows(v, dst, x, cols, idx, mode)
	if v {
		gatherRowsAVX512(&a)
	} else {
		gatherRowsAVX2(&a)
	}
}

func (a *rowArgs) gatherRows(_ rowVectors, dst, x []Real, cols int, idx []int32, mode Mode) {
	a.start(cols, len(idx), mode)
	a.p = [10]unsafe.Pointer{addr(dst), addr(x), addr(idx)}
	a.p[9] = last(idx)
}

func (v rowVectors) sumTerms(dst []Real, cols, lo int, terms []Term) {
	var a rowArgs
	a.sumTerms(v, dst, cols, lo, terms)
	if v {
		sumTermsAVX512(&a)
	} else {
		sumTermsAVX2(&a)
	}
}

func (a *rowArgs) sumTerms(_ rowVectors, dst []Real, cols, lo int, terms []Term) {
	a.start(cols, len(dst)/max(cols, 1), Store)
	a.p = [10]unsafe.Pointer{addr(dst), addr(terms)}
	a.n[3], a.n[4] = lo, len(terms)
}

// gatherSum is one segment.
func (v rowVectors) gatherSum(dst, x []Real, stride int, rows []int32) {
	if len(dst) != stride {
		plainGatherSum(dst, x, stride, rows)
		return
	}
	ptr := [2]int32{0, int32(len(rows))}
	var a rowArgs
	a.start(stride, 1, AddTo)
	a.p = [10]unsafe.Pointer{addr(dst), addr(x), addr(ptr[:]), addr(rows)} // not by a method: ptr would move to the heap
	a.p[9] = last(rows)
	if v {
		segmentSumAVX512(&a)
	} else {
		segmentSumAVX2(&a)
	}
}

func (v rowVectors) columnSums(dst, x, y []Real) {
	var a rowArgs
	a.columnSums(v, dst, x, y)
	if v {
		columnSumsAVX512(&a)
	} else {
		columnSumsAVX2(&a)
	}
}

func (a *rowArgs) columnSums(_ rowVectors, dst, x, y []Real) {
	a.start(len(dst), rowsOf(x, len(dst)), Store)
	a.p = [10]unsafe.Pointer{addr(dst), addr(x), addr(y)}
}

const (
	modeReLU     Mode = 8
	modeResidual Mode = 16
	modeNoInput  Mode = 32
)

func (n *Norm) args(a *rowArgs) {
	var mode Mode
	if n.ReLU {
		mode |= modeReLU
	}
	if n.Add {
		mode |= AddTo
	}
	a.start(n.Cols, rowsOf(n.X, n.Cols), mode)
	a.f = [16]float32{1 / float32(n.Cols), n.Eps, 1}
}

func (v rowVectors) normRows(n Norm) {
	var a rowArgs
	a.normRows(v, n)
	if v {
		normRowsAVX512(&a)
	} else {
		normRowsAVX2(&a)
	}
}

func (a *rowArgs) normRows(_ rowVectors, n Norm) {
	n.args(a)
	a.p = [10]unsafe.Pointer{addr(n.Dst), addr(n.X), addr(n.Gamma), addr(n.Beta), addr(n.Stats), addr(n.Residual)}
	if n.Residual != nil {
		a.n[argMode] |= int(modeResidual)
	}
}

func (v rowVectors) normBack(n Norm) {
	var a rowArgs
	a.normBack(v, n)
	if v {
		normBackAVX512(&a)
	} else {
		normBackAVX2(&a)
	}
}

func (a *rowArgs) normBack(_ rowVectors, n Norm) {
	n.args(a)
	a.p = [10]unsafe.Pointer{addr(n.DX), addr(n.X), addr(n.Gamma), addr(n.Beta), addr(n.Stats), addr(n.G), addr(n.DGamma)}
	if n.DX == nil {
		a.n[argMode] |= int(modeNoInput)
	}
}

func (v rowVectors) scan(s Scan) {
	if s.Rows == 0 {
		return
	}
	var a rowArgs
	a.scan(s)
	if v {
		scanRowsAVX512(&a)
	} else {
		scanRowsAVX2(&a)
	}
}

func (a *rowArgs) scan(s Scan) {
	a.start(s.Cols, s.Rows, Store)
	a.n[3], a.n[4], a.n[5] = 4*s.DstStep, 4*s.XStep, 4*s.AStep
	a.p = [10]unsafe.Pointer{addr(s.Dst[s.DstAt:]), addr(s.X[s.XAt:]), addr(s.A[s.AAt:])}
}
