package gen

import "github.com/mmcloughlin/avo/operand"

// scanRows is the recurrence s = a s + x over rows, storing every s: number 3 to 5 are
// the distances in bytes between rows of dst, of x and of a, of either sign.
func (k *kern) scanRows() {
	k.columns([]int{8, 4, 2, 1}, func(s stretch) {
		s.each(func(v int) { k.zero(k.v(v)) })
		dst, x, a := k.pointer(0), k.pointer(1), k.pointer(2)
		k.times(k.number(numRows), func() {
			k.VBROADCASTSS(operand.Mem{Base: a}, k.v(8))
			s.each(func(v int) {
				if s.cut {
					s.load(s.at(x, v), k.v(9))
					k.VFMADD213PS(k.v(9), k.v(8), k.v(v))
				} else {
					k.VFMADD213PS(s.at(x, v), k.v(8), k.v(v))
				}
			})
			s.each(func(v int) { s.store(k.v(v), s.at(dst, v)) })
			k.ADDQ(k.numberAt(3), dst)
			k.ADDQ(k.numberAt(4), x)
			k.ADDQ(k.numberAt(5), a)
		})
	})
}

// Conversions of whole vectors; the rest of a row is done in Go. Number 0 counts
// vectors here.

func (k *kern) fromHalf() {
	dst, src := k.pointer(0), k.pointer(1)
	k.times(k.number(0), func() {
		k.VCVTPH2PS(operand.Mem{Base: src}, k.v(0))
		k.VMOVUPS(k.v(0), operand.Mem{Base: dst})
		k.ADDQ(operand.U32(uint32(2*k.width)), src)
		k.ADDQ(operand.U32(uint32(4*k.width)), dst)
	})
}

func (k *kern) toHalf() {
	dst, src := k.pointer(0), k.pointer(1)
	k.times(k.number(0), func() {
		k.VMOVUPS(operand.Mem{Base: src}, k.v(0))
		k.VCVTPS2PH(operand.U8(0), k.v(0), operand.Mem{Base: dst}) // 0: round to nearest even
		k.ADDQ(operand.U32(uint32(4*k.width)), src)
		k.ADDQ(operand.U32(uint32(2*k.width)), dst)
	})
}

func (k *kern) fromBrain() {
	dst, src := k.pointer(0), k.pointer(1)
	k.times(k.number(0), func() {
		k.VPMOVZXWD(operand.Mem{Base: src}, k.v(0))
		k.VPSLLD(operand.U8(16), k.v(0), k.v(0))
		k.VMOVUPS(k.v(0), operand.Mem{Base: dst})
		k.ADDQ(operand.U32(uint32(2*k.width)), src)
		k.ADDQ(operand.U32(uint32(4*k.width)), dst)
	})
}
