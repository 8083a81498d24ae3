package gen

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Offsets of the fields of kernel's type Term, in bytes.
const (
	termRows   = 0
	termIndex  = 8
	termKind   = 16
	termSteps  = 24
	termMatrix = 32
	termSize   = 40
)

// Kinds of terms, as in package kernel.
const (
	termFloat = iota
	termHalf
	termBrain
	termProduct
)

// sumTerms adds up one row of each term; a term without indices gives its rows in
// order, and -1 leaves a term out. Number 3 is the first row, 4 the number of terms.
func (k *kern) sumTerms() {
	dst, row := k.pointer(0), k.number(3)
	stride := k.bytes(k.number(numCols))
	k.rows(func() {
		k.columns([]int{8, 4, 2, 1}, func(s stretch) {
			s.each(func(v int) { k.zero(k.v(v)) })
			term := k.pointer(1)
			k.times(k.number(4), func() {
				gathered, absent := k.label("gathered"), k.label("absent")
				r, index := k.copy(row), k.load64(operand.Mem{Base: term, Disp: termIndex})
				k.TESTQ(index, index)
				k.JEQ(k.ref(gathered))
				k.MOVLQSX(operand.Mem{Base: index, Index: row, Scale: 4}, r)
				k.TESTQ(r, r)
				k.JLT(k.ref(absent))
				k.Label(gathered)
				k.oneTerm(s, term, r, stride, absent)
				k.Label(absent)
				k.ADDQ(operand.U8(termSize), term)
			})
			s.each(func(v int) { s.store(k.v(v), s.at(dst, v)) })
		})
		k.INCQ(row)
		k.ADDQ(stride, dst)
	})
}

// oneTerm adds row r of a term to the sums of a stretch and goes to done.
func (k *kern) oneTerm(s stretch, term, r, stride reg.GPVirtual, done string) {
	kind := k.load64(operand.Mem{Base: term, Disp: termKind})
	narrow, product := k.label("narrow"), k.label("product")
	k.CMPQ(kind, operand.U8(termFloat))
	k.JNE(k.ref(narrow))
	k.IMULQ(stride, r)
	k.ADDQ(operand.Mem{Base: term, Disp: termRows}, r)
	s.each(func(v int) { s.add(s.at(r, v), k.v(v), k.v(8)) })
	k.JMP(k.ref(done))
	k.Label(narrow)
	k.CMPQ(kind, operand.U8(termProduct))
	if !s.cut { // rows of 16 bits are whole vectors
		k.JEQ(k.ref(product))
		k.IMULQ(stride, r)
		k.ADDQ(s.off, r)
		k.SHRQ(operand.U8(1), r)
		k.ADDQ(operand.Mem{Base: term, Disp: termRows}, r)
		brain := k.label("brain")
		k.CMPQ(kind, operand.U8(termHalf))
		k.JNE(k.ref(brain))
		k.addNarrow(s, r, func(m operand.Mem, v reg.VecPhysical) { k.VCVTPH2PS(m, v) })
		k.JMP(k.ref(done))
		k.Label(brain)
		k.addNarrow(s, r, func(m operand.Mem, v reg.VecPhysical) {
			k.VPMOVZXWD(m, v)
			k.VPSLLD(operand.U8(16), v, v)
		})
		k.JMP(k.ref(done))
	}
	k.Label(product)
	steps, at := k.load64(operand.Mem{Base: term, Disp: termSteps}), k.load64(operand.Mem{Base: term, Disp: termMatrix})
	k.IMULQ(steps, r)
	k.SHLQ(operand.U8(2), r)
	k.ADDQ(operand.Mem{Base: term, Disp: termRows}, r)
	k.times(steps, func() {
		k.VBROADCASTSS(operand.Mem{Base: r}, k.v(8))
		s.each(func(v int) {
			if s.cut {
				s.load(s.at(at, v), k.v(9))
				k.VFMADD231PS(k.v(9), k.v(8), k.v(v))
			} else {
				k.VFMADD231PS(s.at(at, v), k.v(8), k.v(v))
			}
		})
		k.ADDQ(operand.U8(4), r)
		k.ADDQ(stride, at)
	})
}

// addNarrow adds the 16-bit numbers of a stretch that begin at r to its sums.
func (k *kern) addNarrow(s stretch, r reg.GPVirtual, convert func(m operand.Mem, v reg.VecPhysical)) {
	s.each(func(v int) {
		tmp := k.v(8 + v%4)
		convert(operand.Mem{Base: r, Disp: 2 * k.width * v}, tmp)
		k.VADDPS(tmp, k.v(v), k.v(v))
	})
}
