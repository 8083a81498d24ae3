package gen

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Registers that hold numbers of the current row in all lanes.
const (
	normMean  = 12
	normScale = 13 // 1/deviation
)

// normRows is layer normalisation, with the activation and the sum of a residual step
// where the mode asks for them. The reals are 1/cols, eps and 1.
func (k *kern) normRows() {
	dst, x, stats := k.pointer(0), k.pointer(1), k.pointer(4)
	stride := k.bytes(k.number(numCols))
	k.rows(func() {
		k.mean(x)
		k.deviation(x)
		k.VMOVSS(lowQuarter[normMean], operand.Mem{Base: stats})
		k.VMOVSS(lowQuarter[normScale], operand.Mem{Base: stats, Disp: 4})
		k.zero(k.v(14))
		k.columns([]int{2, 1}, func(s stretch) {
			gamma, beta, residual := k.pointer(2), k.pointer(3), k.pointer(5)
			s.each(func(v int) {
				s.load(s.at(x, v), k.v(v))
				k.normalise(k.v(v))
				s.load(s.at(gamma, v), k.v(2+v))
				s.load(s.at(beta, v), k.v(4+v))
				k.VFMADD213PS(k.v(4+v), k.v(2+v), k.v(v))
			})
			k.when(modeReLU, func() {
				s.each(func(v int) { k.VMAXPS(k.v(v), k.v(14), k.v(v)) })
			})
			k.when(modeResidual, func() {
				s.each(func(v int) { s.add(s.at(residual, v), k.v(v), k.v(6)) })
			})
			s.each(func(v int) { s.store(k.v(v), s.at(dst, v)) })
		})
		k.ADDQ(operand.U8(8), stats)
		k.ADDQ(stride, x)
		k.ADDQ(stride, dst)
		k.ADDQ(stride, k.pointerAt(5))
	})
}

// normalise is v = (v - mean) / deviation.
func (k *kern) normalise(v reg.VecPhysical) {
	k.VSUBPS(k.v(normMean), v, v)
	k.VMULPS(k.v(normScale), v, v)
}

// mean leaves the mean of the row at x in all lanes.
func (k *kern) mean(x reg.GPVirtual) {
	for i := range 4 {
		k.zero(k.v(i))
	}
	k.columns([]int{4, 2, 1}, func(s stretch) {
		s.each(func(v int) { s.add(s.at(x, v), k.v(v), k.v(8)) })
	})
	k.four(0)
	k.total(0, 1)
	k.VMULSS(k.real(0), reg.X0, reg.X0)
	k.VBROADCASTSS(reg.X0, k.v(normMean))
}

// deviation leaves 1/sqrt(variance + eps) in all lanes.
func (k *kern) deviation(x reg.GPVirtual) {
	for i := range 4 {
		k.zero(k.v(i))
	}
	k.columns([]int{4, 2, 1}, func(s stretch) {
		s.each(func(v int) {
			s.load(s.at(x, v), k.v(4+v))
			k.VSUBPS(k.v(normMean), k.v(4+v), k.v(4+v))
		})
		s.clip(k.v(4))
		s.each(func(v int) { k.VFMADD231PS(k.v(4+v), k.v(4+v), k.v(v)) })
	})
	k.four(0)
	k.total(0, 1)
	k.VMULSS(k.real(0), reg.X0, reg.X0)
	k.VADDSS(k.real(1), reg.X0, reg.X0)
	k.VSQRTSS(reg.X0, reg.X0, reg.X0)
	k.VMOVSS(k.real(2), reg.X1)
	k.VDIVSS(reg.X0, reg.X1, reg.X0)
	k.VBROADCASTSS(reg.X0, k.v(normScale))
}

// clip zeroes the lanes that a cut stretch does not have.
func (s stretch) clip(v reg.VecPhysical) {
	switch {
	case !s.cut:
	case s.k.width == 16:
		s.k.VMOVAPS_Z(v, reg.K1, v)
	default:
		s.k.VANDPS(s.k.mask(), v, v)
	}
}

// normBack is the way back: pointers are to the gradient of the input, the input, the
// scale, the shift, the numbers of each row, the gradient of the result, and the sums
// of the gradients of scale and shift.
func (k *kern) normBack() {
	dx, x, stats, g := k.pointer(0), k.pointer(1), k.pointer(4), k.pointer(5)
	stride := k.bytes(k.number(numCols))
	k.rows(func() {
		k.VBROADCASTSS(operand.Mem{Base: stats}, k.v(normMean))
		k.VBROADCASTSS(operand.Mem{Base: stats, Disp: 4}, k.v(normScale))
		const s1, s2 = 10, 11 // sums of u and u h
		k.zero(k.v(s1))
		k.zero(k.v(s2))
		k.columns([]int{1}, func(s stretch) {
			k.normSlope(s, x, g)
			part := k.pointer(6)
			s.load(s.at(part, 0), k.v(4))
			k.VFMADD231PS(k.v(0), k.v(1), k.v(4))
			s.store(k.v(4), s.at(part, 0))
			k.ADDQ(stride, part)
			s.load(s.at(part, 0), k.v(4))
			k.VADDPS(k.v(1), k.v(4), k.v(4))
			s.store(k.v(4), s.at(part, 0))
			k.VMULPS(k.v(2), k.v(1), k.v(1))
			k.VADDPS(k.v(1), k.v(s1), k.v(s1))
			k.VFMADD231PS(k.v(0), k.v(1), k.v(s2))
		})
		skip := k.label("noinput")
		k.TESTQ(operand.U32(modeNoInput), k.numberAt(numMode))
		k.JNE(k.ref(skip))
		for _, sum := range []int{s1, s2} {
			k.total(sum, 0)
			k.VMULSS(k.real(0), lowQuarter[sum], lowQuarter[sum])
			k.VBROADCASTSS(lowQuarter[sum], k.v(sum))
		}
		k.columns([]int{1}, func(s stretch) {
			k.normSlope(s, x, g)
			k.VMULPS(k.v(2), k.v(1), k.v(1))
			k.VSUBPS(k.v(s1), k.v(1), k.v(1))
			k.VFNMADD231PS(k.v(0), k.v(s2), k.v(1))
			k.VMULPS(k.v(normScale), k.v(1), k.v(1))
			k.when(modeAdd, func() { s.add(s.at(dx, 0), k.v(1), k.v(4)) })
			s.store(k.v(1), s.at(dx, 0))
		})
		k.Label(skip)
		k.ADDQ(operand.U8(8), stats)
		k.ADDQ(stride, x)
		k.ADDQ(stride, g)
		k.ADDQ(stride, dx)
	})
}

// normSlope leaves the normalised values h in vector 0, the gradient before the
// activation in 1, and the scale in 2.
func (k *kern) normSlope(s stretch, x, g reg.GPVirtual) {
	gamma, beta := k.pointer(2), k.pointer(3)
	s.load(s.at(x, 0), k.v(0))
	k.normalise(k.v(0))
	s.load(s.at(g, 0), k.v(1))
	s.load(s.at(gamma, 0), k.v(2))
	k.when(modeReLU, func() {
		s.load(s.at(beta, 0), k.v(3))
		k.VFMADD231PS(k.v(2), k.v(0), k.v(3))
		k.zero(k.v(4))
		k.where(k.v(3), k.v(4), k.v(1))
	})
}
