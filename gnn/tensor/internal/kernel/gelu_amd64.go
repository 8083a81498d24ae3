//go:build amd64 && !noasm && !real64

package kernel

import (
	"math"
	"unsafe"
)

//go:noescape
func geluAVX2(s *rowArgs)

//go:noescape
func geluAVX512(s *rowArgs)

//go:noescape
func geluBackAVX2(s *rowArgs)

//go:noescape
func geluBackAVX512(s *rowArgs)

// geluNumbers are the places that package gen knows: -1/2, then the tail of the normal
// distribution as formula 7.1.26 of Abramowitz and Stegun has it for erf, off by at most
// 7.5e-8: the scale for x/sqrt(2) and half the coefficients; and 1/sqrt(2 pi).
var geluNumbers = [8]float32{-0.5, 0.3275911 / math.Sqrt2,
	0.5 * 1.061405429, 0.5 * -1.453152027, 0.5 * 1.421413741, 0.5 * -0.284496736, 0.5 * 0.254829592,
	0.3989422804014327}

func (v rowVectors) gaussian() Gaussian { return Gaussian{GELU: v.gelu, GELUBack: v.geluBack} }

func (v rowVectors) gelu(dst, x []Real) {
	var a rowArgs
	a.gelu(v, dst, nil, x, Store)
	if v {
		geluAVX512(&a)
	} else {
		geluAVX2(&a)
	}
}

func (v rowVectors) geluBack(dst, g, x []Real, mode Mode) {
	var a rowArgs
	a.gelu(v, dst, g, x, mode)
	if v {
		geluBackAVX512(&a)
	} else {
		geluBackAVX2(&a)
	}
}

func (a *rowArgs) gelu(v rowVectors, dst, g, x []Real, mode Mode) {
	a.start(len(dst), 1, mode)
	a.p = [10]unsafe.Pointer{addr(dst), addr(x), addr(g)}
	a.p[8] = v.table()
	copy(a.f[:], geluNumbers[:])
}
