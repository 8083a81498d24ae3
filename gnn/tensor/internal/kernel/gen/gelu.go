package gen

import (
	"github.com/mmcloughlin/avo/reg"
)

// Places of the numbers that gelu takes from its arguments, and from register 7 on.
const (
	geluHalf  = iota // -1/2
	geluScale        // of |x| in t = 1 / (1 + scale |x|)
	geluPoly         // five coefficients of the polynomial in t, from t^5 down
	geluSlope = geluPoly + 5
)

// gelu is dst = x Phi(x), or with back g times its slope Phi(x) + x phi(x). The tail
// Phi(-|x|) is a polynomial in t times exp(-x^2/2).
func (k *kern) gelu(back bool) {
	dst, src, g := k.pointer(0), k.pointer(1), k.pointer(2)
	k.consts = k.pointer(8)
	number := func(i int) reg.VecPhysical { return k.v(7 + i) }
	for i := range geluSlope + 1 {
		k.spread(i, number(i))
	}
	one := k.constant(constExp + 64*11)
	k.columns([]int{1}, func(s stretch) {
		e, t, phi, sum, x := k.v(0), k.v(1), k.v(2), k.v(3), k.v(6)
		s.load(s.at(src, 0), x)
		k.VMULPS(x, x, e)
		k.VMULPS(number(geluHalf), e, e)
		k.exps(e, k.v(2), k.v(4))
		k.zero(t)
		k.VSUBPS(x, t, t)
		k.VMAXPS(x, t, t)
		k.VMOVUPS(one, phi)
		k.VFMADD231PS(number(geluScale), t, phi)
		k.VMOVUPS(one, t)
		k.VDIVPS(phi, t, t)
		k.VMOVAPS(number(geluPoly), sum)
		for i := 1; i < 5; i++ {
			k.VFMADD213PS(number(geluPoly+i), t, sum)
		}
		k.VMULPS(t, sum, sum)
		k.VMULPS(e, sum, sum)
		k.VMOVUPS(one, phi)
		k.VSUBPS(sum, phi, phi)
		k.pick(x, phi, sum, k.v(4))
		phi = k.v(4)
		if !back {
			k.VMULPS(x, phi, phi)
			s.store(phi, s.at(dst, 0))
			return
		}
		k.VMULPS(number(geluSlope), e, e)
		k.VFMADD231PS(x, e, phi)
		s.load(s.at(g, 0), k.v(5))
		k.VMULPS(k.v(5), phi, phi)
		k.when(modeAdd, func() { s.add(s.at(dst, 0), phi, k.v(5)) })
		s.store(phi, s.at(dst, 0))
	})
}
