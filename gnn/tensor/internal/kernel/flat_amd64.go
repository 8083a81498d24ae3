//go:build amd64 && !noasm && !real64

package kernel

import (
	"math"
	"unsafe"
)

// flat returns the element-wise kernels of the instruction set.
func (v rowVectors) flat() Flat {
	return Flat{
		Scale:    v.scale,
		Product:  v.product,
		ReLU:     v.relu,
		ReLUBack: v.reluBack,
		Exp:      v.exp,
		Log1p:    v.log1p,
		Sigmoid:  v.sigmoid,
		SiLU:     v.silu,
		Dropout:  v.dropout,
	}
}

func (v rowVectors) halves() Halves {
	return Halves{FromHalf: v.fromHalf, ToHalf: v.toHalf, FromBrain: v.fromBrain,
		GatherHalf: v.gatherHalf, GatherBrain: v.gatherBrain}
}

// constants are vectors that the kernels read, one row each, in the order that package
// gen knows; the second table is for AVX-512.
var constants = [2][]constant{constantsOf(4), constantsOf(8)}

type constant [8]uint64

func constantsOf(lanes64 uint64) []constant {
	table := []constant{{}, same(splitStep * lanes64), same(splitMul1), same(splitMul1 >> 32), same(splitMul2), same(splitMul2 >> 32)}
	for i := range table[0] {
		table[0][i] = splitStep * uint64(i)
	}
	for _, f := range expNumbers {
		bits := uint64(math.Float32bits(f))
		table = append(table, same(bits<<32|bits))
	}
	table = append(table, same(127<<32|127)) // bias of the exponent
	for _, f := range logNumbers {
		bits := uint64(math.Float32bits(f))
		table = append(table, same(bits<<32|bits))
	}
	return table
}

// logNumbers: 1 and sqrt(1/2); then the coefficients of log(1+f) from f^11 down to f^3, for
// 1+f from sqrt(1/2) to sqrt(2); then -1/2 and log 2 in two parts (logf of the Cephes
// library, Moshier, 1989).
var logNumbers = []float32{
	1, math.Sqrt2 / 2,
	7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
	-1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
	-0.5, math.Ln2 - 355.0/512, 355.0 / 512,
}

func same(v uint64) (c constant) {
	for i := range c {
		c[i] = v
	}
	return c
}

// expNumbers: exp is infinite above the first and 0 below the second; then 1/log 2,
// -log 2 in two parts, and the coefficients of exp(r) for |r| <= log(2)/2, from r^6
// down: 1 + r + r^2 q(r) with q interpolated at Chebyshev nodes, off by at most 1.1e-8
// of the value.
var expNumbers = []float32{
	89, -104, 1 / math.Ln2, -355.0 / 512, 355.0/512 - math.Ln2,
	0.0013926326, 0.0083632926, 0.041666552, 0.16666576, 0.5, 1, 1,
}

func (v rowVectors) table() unsafe.Pointer {
	if v {
		return unsafe.Pointer(&constants[1][0])
	}
	return unsafe.Pointer(&constants[0][0])
}

func (v rowVectors) add(dst, x []Real) {
	var a rowArgs
	a.add(v, dst, x)
	if v {
		addAVX512(&a)
	} else {
		addAVX2(&a)
	}
}

func (a *rowArgs) add(_ rowVectors, dst, x []Real) {
	a.start(len(dst), 1, Store)
	a.p = [10]unsafe.Pointer{addr(dst), addr(x)}
}

func (v rowVectors) axpy(dst []Real, r Real, x []Real) {
	var a rowArgs
	a.axpy(v, dst, r, x)
	if v {
		axpyAVX512(&a)
	} else {
		axpyAVX2(&a)
	}
}

func (a *rowArgs) axpy(_ rowVectors, dst []Real, r Real, x []Real) {
	a.start(len(dst), 1, Store)
	a.p = [10]unsafe.Pointer{addr(dst), addr(x)}
	a.f[0] = r
}

func (v rowVectors) scale(dst []Real, r Real, x []Real) {
	var a rowArgs
	a.scale(v, dst, r, x)
	if v {
		scaleAVX512(&a)
	} else {
		scaleAVX2(&a)
	}
}

func (a *rowArgs) scale(_ rowVectors, dst []Real, r Real, x []Real) {
	a.start(len(dst), 1, Store)
	a.p = [10]unsafe.Pointer{addr(dst), addr(x)}
	a.f[0] = r
}

func (v rowVectors) product(dst, x, y []Real, mode Mode) {
	var a rowArgs
	a.product(v, dst, x, y, mode)
	if v {
		productAVX512(&a)
	} else {
		productAVX2(&a)
	}
}

func (a *rowArgs) product(_ rowVectors, dst, x, y []Real, mode Mode) {
	a.start(len(dst), 1, mode)
	a.p = [10]unsafe.Pointer{addr(dst), addr(x), addr(y)}
}

func (v rowVectors) relu(dst, x []Real) {
	var a rowArgs
	a.relu(v, dst, x)
	if v {
		reluAVX512(&a)
	} else {
		reluAVX2(&a)
	}
}

func (a *rowArgs) relu(_ rowVectors, dst, x []Real) {
	a.start(len(dst), 1, Store)
	a.p = [10]unsafe.Pointer{addr(dst), addr(x)}
}

func (v rowVectors) reluBack(dst, g, y []Real, mode Mode) {
	var a rowArgs
	a.reluBack(v, dst, g, y, mode)
	if v {
		reluBackAVX512(&a)
	} else {
		reluBackAVX2(&a)
	}
}

func (a *rowArgs) reluBack(_ rowVectors, dst, g, y []Real, mode Mode) {
	a.start(len(dst), 1, mode)
	a.p = [10]unsafe.Pointer{addr(dst), addr(g), addr(y)}
}

func (v rowVectors) exp(dst, x []Real) {
	var a rowArgs
	a.exp(v, dst, x)
	if v {
		expAVX512(&a)
	} else {
		expAVX2(&a)
	}
}

func (a *rowArgs) exp(v rowVectors, dst, x []Real) {
	a.start(len(dst), 1, Store)
	a.p = [10]unsafe.Pointer{addr(dst), addr(x)}
	a.p[8] = v.table()
}

func (v rowVectors) log1p(dst, x []Real) {
	var a rowArgs
	a.exp(v, dst, x)
	if v {
		log1pAVX512(&a)
	} else {
		log1pAVX2(&a)
	}
}

func (v rowVectors) sigmoid(dst, x []Real) {
	var a rowArgs
	a.sigmoid(v, dst, x)
	if v {
		sigmoidAVX512(&a)
	} else {
		sigmoidAVX2(&a)
	}
}

func (a *rowArgs) sigmoid(v rowVectors, dst, x []Real) {
	a.start(len(dst), 1, Store)
	a.p = [10]unsafe.Pointer{addr(dst), addr(x)}
	a.p[8] = v.table()
}

func (v rowVectors) silu(dst, x []Real) {
	var a rowArgs
	a.silu(v, dst, x)
	if v {
		sigmoidAVX512(&a)
	} else {
		sigmoidAVX2(&a)
	}
}

func (a *rowArgs) silu(v rowVectors, dst, x []Real) {
	a.start(len(dst), 1, AddTo)
	a.p = [10]unsafe.Pointer{addr(dst), addr(x)}
	a.p[8] = v.table()
}

func (v rowVectors) dropout(dst, x []Real, d Dropout, mode Mode) {
	var a rowArgs
	a.dropout(v, dst, x, d, mode)
	if v {
		dropoutAVX512(&a)
	} else {
		dropoutAVX2(&a)
	}
}

func (a *rowArgs) dropout(v rowVectors, dst, x []Real, d Dropout, mode Mode) {
	a.start(len(dst), 1, mode)
	a.p = [10]unsafe.Pointer{addr(dst), addr(x)}
	a.p[8] = v.table()
	a.n[3] = int(d.Key + (uint64(d.First)/2+1)*splitStep)
	a.n[4] = int(d.Limit)
	a.f[0] = d.Scale
}

func (v rowVectors) adam(p, g, m, u []Real, s AdamStep) {
	var a rowArgs
	a.adam(v, p, g, m, u, s)
	if v {
		adamAVX512(&a)
	} else {
		adamAVX2(&a)
	}
}

func (a *rowArgs) adam(_ rowVectors, p, g, m, u []Real, s AdamStep) {
	a.start(len(p), 1, Store)
	a.p = [10]unsafe.Pointer{addr(p), addr(g), addr(m), addr(u)}
	a.f = [16]float32{s.Beta1, 1 - s.Beta1, s.Beta2, 1 - s.Beta2, s.Rate, s.Root, s.Eps, s.Shrink, s.L2}
}

func (v rowVectors) dot(x, y []Real) Real {
	var a rowArgs
	var sum [1]Real
	a.start(len(x), 1, Store)
	a.p = [10]unsafe.Pointer{addr(sum[:]), addr(x), addr(y)} // not by a method: sum would move to the heap
	if v {
		dotAVX512(&a)
	} else {
		dotAVX2(&a)
	}
	return sum[0]
}

// whole is the number of whole vectors in n elements.
func (v rowVectors) whole(n int) int {
	if v {
		return n / 16
	}
	return n / 8
}

func (v rowVectors) fromHalf(dst []float32, src []uint16) {
	src = src[:len(dst)]
	rest := len(dst) % 16
	if rest < len(dst) {
		var a rowArgs
		a.n[argCols] = v.whole(len(dst) - rest)
		a.p = [10]unsafe.Pointer{addr(dst), addr(src)}
		if v {
			fromHalfAVX512(&a)
		} else {
			fromHalfAVX2(&a)
		}
	}
	plainFromHalf(dst[len(dst)-rest:], src[len(dst)-rest:])
}

func (v rowVectors) toHalf(dst []uint16, src []float32) {
	src = src[:len(dst)]
	rest := len(dst) % 16
	if rest < len(dst) {
		var a rowArgs
		a.n[argCols] = v.whole(len(dst) - rest)
		a.p = [10]unsafe.Pointer{addr(dst), addr(src)}
		if v {
			toHalfAVX512(&a)
		} else {
			toHalfAVX2(&a)
		}
	}
	plainToHalf(dst[len(dst)-rest:], src[len(dst)-rest:])
}

func (v rowVectors) fromBrain(dst []float32, src []uint16) {
	src = src[:len(dst)]
	rest := len(dst) % 16
	if rest < len(dst) {
		var a rowArgs
		a.n[argCols] = v.whole(len(dst) - rest)
		a.p = [10]unsafe.Pointer{addr(dst), addr(src)}
		if v {
			fromBrainAVX512(&a)
		} else {
			fromBrainAVX2(&a)
		}
	}
	plainFromBrain(dst[len(dst)-rest:], src[len(dst)-rest:])
}

func (v rowVectors) gatherHalf(dst []float32, x []uint16, cols int, idx []int32) {
	if cols%16 != 0 {
		gather16(dst, x, cols, idx, v.fromHalf)
		return
	}
	var a rowArgs
	a.gather16(dst, x, cols, idx)
	if v {
		gatherHalfAVX512(&a)
	} else {
		gatherHalfAVX2(&a)
	}
}

func (v rowVectors) gatherBrain(dst []float32, x []uint16, cols int, idx []int32) {
	if cols%16 != 0 {
		gather16(dst, x, cols, idx, v.fromBrain)
		return
	}
	var a rowArgs
	a.gather16(dst, x, cols, idx)
	if v {
		gatherBrainAVX512(&a)
	} else {
		gatherBrainAVX2(&a)
	}
}

func (a *rowArgs) gather16(dst []float32, x []uint16, cols int, idx []int32) {
	a.start(cols, len(idx), Store)
	a.p = [10]unsafe.Pointer{addr(dst), addr(x), addr(idx)}
	a.p[9] = last(idx)
}
