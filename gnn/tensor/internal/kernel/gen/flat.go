package gen

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// More bits of the mode argument.
const (
	modeReLU     = 8
	modeResidual = 16
	modeNoInput  = 32
)

// spread fills a register with real argument number i.
func (k *kern) spread(i int, v reg.VecPhysical) { k.VBROADCASTSS(k.real(i), v) }

// flat is the loop of element-wise functions.
func (k *kern) flat(body func(s stretch)) { k.columns([]int{4, 2, 1}, body) }

func (k *kern) add() {
	dst, x := k.pointer(0), k.pointer(1)
	k.flat(func(s stretch) {
		s.each(func(v int) { s.load(s.at(x, v), k.v(v)) })
		s.each(func(v int) { s.add(s.at(dst, v), k.v(v), k.v(8)) })
		s.each(func(v int) { s.store(k.v(v), s.at(dst, v)) })
	})
}

func (k *kern) axpy() {
	dst, x := k.pointer(0), k.pointer(1)
	k.spread(0, k.v(14))
	k.flat(func(s stretch) {
		s.each(func(v int) { s.load(s.at(x, v), k.v(v)) })
		s.each(func(v int) { s.load(s.at(dst, v), k.v(4+v)) })
		s.each(func(v int) { k.VFMADD231PS(k.v(v), k.v(14), k.v(4+v)) })
		s.each(func(v int) { s.store(k.v(4+v), s.at(dst, v)) })
	})
}

func (k *kern) scale() {
	dst, x := k.pointer(0), k.pointer(1)
	k.spread(0, k.v(14))
	k.flat(func(s stretch) {
		s.each(func(v int) { s.load(s.at(x, v), k.v(v)) })
		s.each(func(v int) { k.VMULPS(k.v(v), k.v(14), k.v(v)) })
		s.each(func(v int) { s.store(k.v(v), s.at(dst, v)) })
	})
}

// product is dst = x y, or dst += x y.
func (k *kern) product() {
	dst, x, y := k.pointer(0), k.pointer(1), k.pointer(2)
	k.flat(func(s stretch) {
		s.each(func(v int) { s.load(s.at(x, v), k.v(v)) })
		s.each(func(v int) { s.load(s.at(y, v), k.v(4+v)) })
		k.start(s, dst, 8)
		s.each(func(v int) { k.VFMADD231PS(k.v(v), k.v(4+v), k.v(8+v)) })
		s.each(func(v int) { s.store(k.v(8+v), s.at(dst, v)) })
	})
}

// relu is dst = max(x, 0); of NaN it is NaN, the second operand of the comparison.
func (k *kern) relu() {
	dst, x := k.pointer(0), k.pointer(1)
	k.zero(k.v(14))
	k.flat(func(s stretch) {
		s.each(func(v int) { s.load(s.at(x, v), k.v(v)) })
		s.each(func(v int) { k.VMAXPS(k.v(v), k.v(14), k.v(v)) })
		s.each(func(v int) { s.store(k.v(v), s.at(dst, v)) })
	})
}

// reluBack is dst = g where y > 0, else 0, or adds that.
func (k *kern) reluBack() {
	dst, g, y := k.pointer(0), k.pointer(1), k.pointer(2)
	k.zero(k.v(14))
	k.flat(func(s stretch) {
		s.each(func(v int) { s.load(s.at(g, v), k.v(v)) })
		s.each(func(v int) { s.load(s.at(y, v), k.v(4+v)) })
		s.each(func(v int) { k.where(k.v(4+v), k.v(14), k.v(v)) })
		k.when(modeAdd, func() {
			s.each(func(v int) { s.add(s.at(dst, v), k.v(v), k.v(8)) })
		})
		s.each(func(v int) { s.store(k.v(v), s.at(dst, v)) })
	})
}

// where zeroes the lanes of x in which a is not above b; a is lost.
func (k *kern) where(a, b, x reg.VecPhysical) {
	if k.width == 16 {
		k.VCMPPS(operand.U8(cmpGT), b, a, reg.K2)
		k.VMOVAPS_Z(x, reg.K2, x)
		return
	}
	k.VCMPPS(operand.U8(cmpGT), b, a, a)
	k.VANDPS(a, x, x)
}

// dot stores the inner product of two rows at dst.
func (k *kern) dot() {
	x, y := k.pointer(1), k.pointer(2)
	for i := range 4 {
		k.zero(k.v(i))
	}
	k.flat(func(s stretch) {
		s.each(func(v int) { s.load(s.at(x, v), k.v(4+v)) })
		s.each(func(v int) { s.load(s.at(y, v), k.v(8+v)) })
		s.each(func(v int) { k.VFMADD231PS(k.v(4+v), k.v(8+v), k.v(v)) })
	})
	k.four(0)
	k.total(0, 1)
	k.VMOVSS(reg.X0, operand.Mem{Base: k.pointer(0)})
}

// four adds vectors i+1 to i+3 to vector i.
func (k *kern) four(i int) {
	k.VADDPS(k.v(i+1), k.v(i), k.v(i))
	k.VADDPS(k.v(i+3), k.v(i+2), k.v(i+2))
	k.VADDPS(k.v(i+2), k.v(i), k.v(i))
}

var lowHalf = [...]reg.VecPhysical{reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7, reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15}

var lowQuarter = [...]reg.VecPhysical{reg.X0, reg.X1, reg.X2, reg.X3, reg.X4, reg.X5, reg.X6, reg.X7, reg.X8, reg.X9, reg.X10, reg.X11, reg.X12, reg.X13, reg.X14, reg.X15}

// total adds up the lanes of vector i into its lowest one; tmp is lost.
func (k *kern) total(i, tmp int) {
	y, x, ty, tx := lowHalf[i], lowQuarter[i], lowHalf[tmp], lowQuarter[tmp]
	if k.width == 16 {
		k.VEXTRACTF64X4(operand.U8(1), k.v(i), ty)
		k.VADDPS(ty, y, y)
	}
	k.VEXTRACTF128(operand.U8(1), y, tx)
	k.VADDPS(tx, x, x)
	k.VHADDPS(x, x, x)
	k.VHADDPS(x, x, x)
}

// columnSums adds the sum of all rows of x, or of x times y, to the row dst.
func (k *kern) columnSums() {
	dst := k.pointer(0)
	stride := k.bytes(k.number(numCols))
	k.columns([]int{4, 2, 1}, func(s stretch) {
		s.each(func(v int) { s.load(s.at(dst, v), k.v(v)) })
		x, y, rows := k.pointer(1), k.pointer(2), k.number(numRows)
		plain, done := k.label("plain"), k.label("summed")
		k.TESTQ(y, y)
		k.JEQ(k.ref(plain))
		k.times(rows, func() {
			s.each(func(v int) { s.load(s.at(x, v), k.v(4+v)) })
			s.each(func(v int) { s.load(s.at(y, v), k.v(8+v)) })
			s.each(func(v int) { k.VFMADD231PS(k.v(4+v), k.v(8+v), k.v(v)) })
			k.ADDQ(stride, x)
			k.ADDQ(stride, y)
		})
		k.JMP(k.ref(done))
		k.Label(plain)
		k.times(rows, func() {
			s.each(func(v int) { s.add(s.at(x, v), k.v(v), k.v(8)) })
			k.ADDQ(stride, x)
		})
		k.Label(done)
		s.each(func(v int) { s.store(k.v(v), s.at(dst, v)) })
	})
}

// adam is one step; the reals are beta1, 1-beta1, beta2, 1-beta2, rate, root, eps,
// shrink and L2.
func (k *kern) adam() {
	p, g, m, u := k.pointer(0), k.pointer(1), k.pointer(2), k.pointer(3)
	const first = 6
	for i := range 9 {
		k.spread(i, k.v(first+i))
	}
	c := func(i int) reg.VecPhysical { return k.v(first + i) }
	k.columns([]int{1}, func(s stretch) {
		s.load(s.at(p, 0), k.v(0))
		s.load(s.at(g, 0), k.v(1))
		s.load(s.at(m, 0), k.v(2))
		s.load(s.at(u, 0), k.v(3))
		k.VFMADD231PS(k.v(0), c(8), k.v(1)) // d
		k.VMULPS(c(0), k.v(2), k.v(2))
		k.VFMADD231PS(k.v(1), c(1), k.v(2)) // m
		k.VMULPS(c(2), k.v(3), k.v(3))
		k.VMULPS(k.v(1), k.v(1), k.v(1))
		k.VFMADD231PS(k.v(1), c(3), k.v(3)) // v
		s.store(k.v(2), s.at(m, 0))
		s.store(k.v(3), s.at(u, 0))
		k.VSQRTPS(k.v(3), k.v(4))
		k.VFMADD213PS(c(6), c(5), k.v(4)) // root sqrt(v) + eps
		k.VMULPS(c(4), k.v(2), k.v(2))
		k.VDIVPS(k.v(4), k.v(2), k.v(2))
		k.VMULPS(c(7), k.v(0), k.v(0))
		k.VSUBPS(k.v(2), k.v(0), k.v(0))
		s.store(k.v(0), s.at(p, 0))
	})
}

// Rows of kernel's table of constants, 64 bytes each.
const (
	constGolden = 64 * iota // 64-bit: 0, 1, 2, ... times the step of the generator
	constStep               // 64-bit: that step times the number of 64-bit lanes
	constMul1               // 64-bit: factors of the generator
	constMul1High
	constMul2
	constMul2High
	constExp // and what the exponential needs
)

func (k *kern) constant(row int) operand.Mem { return operand.Mem{Base: k.consts, Disp: row} }

// dropout keeps elements whose 32 random bits are not below number 4, times real 0;
// number 3 is the state before the first element.
func (k *kern) dropout() {
	dst, src := k.pointer(0), k.pointer(1)
	k.consts = k.pointer(8)
	k.spread(0, k.v(14))
	k.broadcast64(k.numberAt(3), k.v(13))
	k.VPADDQ(k.constant(constGolden), k.v(13), k.v(13))
	k.VPBROADCASTD(k.numberAt(4), k.v(12))
	k.columns([]int{1}, func(s stretch) {
		x, t, u := k.v(0), k.v(1), k.v(2)
		k.VPSRLQ(operand.U8(30), k.v(13), x)
		k.xor(k.v(13), x)
		k.multiply64(constMul1, x, t, u)
		k.VPSRLQ(operand.U8(27), x, t)
		k.xor(t, x)
		k.multiply64(constMul2, x, t, u)
		k.VPSRLQ(operand.U8(31), x, t)
		k.xor(t, x)
		k.VPADDQ(k.constant(constStep), k.v(13), k.v(13))
		s.load(s.at(src, 0), k.v(3))
		k.VMULPS(k.v(14), k.v(3), k.v(3))
		k.VPMAXUD(k.v(12), x, t)
		if k.width == 16 {
			k.VPCMPEQD(t, x, reg.K2)
			k.VMOVAPS_Z(k.v(3), reg.K2, k.v(3))
		} else {
			k.VPCMPEQD(t, x, x)
			k.VANDPS(x, k.v(3), k.v(3))
		}
		k.when(modeAdd, func() { s.add(s.at(dst, 0), k.v(3), k.v(4)) })
		s.store(k.v(3), s.at(dst, 0))
	})
}

func (k *kern) xor(a, x reg.VecPhysical) {
	if k.width == 16 {
		k.VPXORQ(a, x, x)
	} else {
		k.VPXOR(a, x, x)
	}
}

func (k *kern) broadcast64(m operand.Mem, v reg.VecPhysical) { k.VPBROADCASTQ(m, v) }

// multiply64 multiplies x by the constant of a row of the table, modulo 2^64, from
// 32-bit products; the row behind holds its upper half.
func (k *kern) multiply64(row int, x, t, u reg.VecPhysical) {
	k.VPSRLQ(operand.U8(32), x, t)
	k.VPMULUDQ(k.constant(row), t, t)
	k.VPMULUDQ(k.constant(row+64), x, u)
	k.VPADDQ(u, t, t)
	k.VPSLLQ(operand.U8(32), t, t)
	k.VPMULUDQ(k.constant(row), x, x)
	k.VPADDQ(t, x, x)
}

// exps replaces x by exp(x). With n = round(x / log 2) and r = x - n log 2 it is
// p(r) 2^n, the power in two factors so that it may leave the range of exponents.
func (k *kern) exps(x, n, p reg.VecPhysical) {
	c := func(i int) operand.Mem { return k.constant(constExp + 64*i) }
	k.VMOVUPS(c(0), p)
	k.VMINPS(x, p, x) // NaN stays: it is the second operand
	k.VMOVUPS(c(1), p)
	k.VMAXPS(x, p, x)
	k.VMULPS(c(2), x, n)
	k.VCVTPS2DQ(n, n)
	k.VCVTDQ2PS(n, p)
	k.VFMADD231PS(c(3), p, x)
	k.VFMADD231PS(c(4), p, x)
	k.VMOVUPS(c(5), p)
	for i := 6; i <= 11; i++ {
		k.VFMADD213PS(c(i), x, p)
	}
	k.VPSRAD(operand.U8(1), n, x)
	k.VPSUBD(x, n, n)
	for _, half := range []reg.VecPhysical{x, n} {
		k.VPADDD(c(12), half, half)
		k.VPSLLD(operand.U8(23), half, half)
		k.VMULPS(half, p, p)
	}
	k.VMOVAPS(p, x)
}

// exp is dst = exp(x).
func (k *kern) exp() {
	dst, x := k.pointer(0), k.pointer(1)
	k.consts = k.pointer(8)
	k.columns([]int{2, 1}, func(s stretch) {
		s.each(func(v int) { s.load(s.at(x, v), k.v(v)) })
		s.each(func(v int) { k.exps(k.v(v), k.v(2+v), k.v(4+v)) })
		s.each(func(v int) { s.store(k.v(v), s.at(dst, v)) })
	})
}

// sigmoid is dst = 1 / (1 + exp(-x)), or x times that in the mode silu.
func (k *kern) sigmoid() {
	dst, x := k.pointer(0), k.pointer(1)
	k.consts = k.pointer(8)
	one := k.constant(constExp + 64*11)
	k.columns([]int{2, 1}, func(s stretch) {
		s.each(func(v int) {
			s.load(s.at(x, v), k.v(6+v))
			k.zero(k.v(v))
			k.VSUBPS(k.v(6+v), k.v(v), k.v(v))
		})
		s.each(func(v int) { k.exps(k.v(v), k.v(2+v), k.v(4+v)) })
		s.each(func(v int) {
			k.VADDPS(one, k.v(v), k.v(v))
			k.VMOVUPS(one, k.v(2+v))
			k.when(modeAdd, func() { k.VMOVAPS(k.v(6+v), k.v(2+v)) })
			k.VDIVPS(k.v(v), k.v(2+v), k.v(v))
			s.store(k.v(v), s.at(dst, v))
		})
	})
}
