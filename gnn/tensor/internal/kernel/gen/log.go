package gen

import "github.com/mmcloughlin/avo/operand"

// constLog is where the numbers of the logarithm stand, behind those of the exponential.
const constLog = constExp + 64*13

// log1p is dst = log(1 + x) for finite x >= 0. With u = 1 + x = 2^e (1 + f), 1 + f between
// sqrt(1/2) and sqrt(2), it is e log 2 + log(1 + f); f takes back what u lost to rounding.
func (k *kern) log1p() {
	dst, x := k.pointer(0), k.pointer(1)
	k.consts = k.pointer(8)
	c := func(i int) operand.Mem { return k.constant(constLog + 64*i) }
	k.columns([]int{2, 1}, func(s stretch) {
		s.each(func(v int) {
			f, e, scale, p := k.v(v), k.v(2+v), k.v(4+v), k.v(6+v)
			large, u := k.v(8+v), k.v(10+v)
			s.load(s.at(x, v), f)
			k.VMOVUPS(c(0), p)
			k.VMAXPS(p, f, large)
			k.VMINPS(p, f, f)
			k.VADDPS(f, large, u)
			k.VSUBPS(large, u, e)
			k.VSUBPS(e, f, f) // what u lost
			k.VPSUBD(c(1), u, e)
			k.VPSRAD(operand.U8(23), e, e)
			k.VPSLLD(operand.U8(23), e, scale)
			k.VPSUBD(scale, u, u)
			k.VPSUBD(scale, p, scale) // 2^-e
			k.VSUBPS(p, u, u)
			k.VFMADD213PS(u, scale, f)
			k.VCVTDQ2PS(e, e)
			k.VMOVUPS(c(2), p)
			for i := 3; i <= 10; i++ {
				k.VFMADD213PS(c(i), f, p)
			}
			k.VFMADD213PS(c(11), f, p) // p f - 1/2
			k.VMULPS(f, f, u)
			k.VMULPS(u, p, p)
			k.VFMADD231PS(c(12), e, p)
			k.VADDPS(f, p, p)
			k.VFMADD231PS(c(13), e, p)
		})
		s.each(func(v int) { s.store(k.v(6+v), s.at(dst, v)) })
	})
}
