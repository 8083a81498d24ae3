package gen

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

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

// gatherHalf copies rows of half precision by index and converts them; -1 stands for a
// zero row. Rows are whole vectors.
func (k *kern) gatherHalf() {
	k.gather16(func(m operand.Mem, v reg.VecPhysical) { k.VCVTPH2PS(m, v) })
}

// gatherBrain is gatherHalf for bfloat16.
func (k *kern) gatherBrain() {
	k.gather16(func(m operand.Mem, v reg.VecPhysical) {
		k.VPMOVZXWD(m, v)
		k.VPSLLD(operand.U8(16), v, v)
	})
}

func (k *kern) gather16(convert func(m operand.Mem, v reg.VecPhysical)) {
	dst, x, idx := k.pointer(0), k.pointer(1), k.pointer(2)
	stride := k.number(numCols)
	k.SHLQ(operand.U8(1), stride)
	k.rows(func() {
		none, done := k.label("none"), k.label("gathered")
		later := k.ahead(idx, x, stride)
		r := k.source(idx, x, stride)
		k.CMPL(operand.Mem{Base: idx}, operand.U8(0))
		k.JLT(k.ref(none))
		k.wholeColumns(func(s stretch) {
			k.PREFETCHT0(operand.Mem{Base: later})
			s.each(func(v int) { convert(operand.Mem{Base: r, Disp: 2 * k.width * v}, k.v(v)) })
			s.each(func(v int) { s.store(k.v(v), s.at(dst, v)) })
			k.ADDQ(operand.U32(uint32(2*k.width*s.n)), r)
			k.ADDQ(operand.U32(uint32(2*k.width*s.n)), later)
		})
		k.JMP(k.ref(done))
		k.Label(none)
		k.zero(k.v(0))
		k.wholeColumns(func(s stretch) {
			s.each(func(v int) { s.store(k.v(0), s.at(dst, v)) })
		})
		k.Label(done)
		k.ADDQ(operand.U8(4), idx)
		k.LEAQ(operand.Mem{Base: dst, Index: stride, Scale: 2}, dst)
	})
}
