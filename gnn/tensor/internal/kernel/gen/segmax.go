package gen

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Predicates of a comparison: less and greater, ordered.
const (
	cmpLT = 0x11
	cmpGT = 0x1e
)

// choose replaces lanes: where a compares with b, best gets a and arg gets e. Of two
// equal values the earlier stays.
func (k *kern) choose(predicate uint8, a, best, e, arg, tmp reg.VecPhysical) {
	if k.width == 16 {
		k.VCMPPS(operand.U8(predicate), best, a, reg.K2)
		k.VMOVAPS(a, reg.K2, best)
		k.VMOVDQA32(e, reg.K2, arg)
		return
	}
	k.VCMPPS(operand.U8(predicate), best, a, tmp)
	k.VBLENDVPS(tmp, a, best, best)
	k.VBLENDVPS(tmp, e, arg, arg)
}

// integer spreads a 32-bit number over the lanes.
func (k *kern) integer(r reg.GPVirtual, v, low reg.VecPhysical) {
	if k.width == 16 {
		k.VPBROADCASTD(r.As32(), v)
		return
	}
	k.VMOVD(r.As32(), low)
	k.VPBROADCASTD(low, v)
}

// segmentMax takes, column by column, the largest (or least) value of each
// destination's sources, and the number of the edge that it came along.
func (k *kern) segmentMax() {
	dst, x, arg := k.pointer(0), k.pointer(1), k.pointer(4)
	stride := k.bytes(k.number(numCols))
	k.segments(func(seg segment, _ reg.GPVirtual) {
		k.columns([]int{4, 2, 1}, func(s stretch) {
			number := k.position(seg.begin)
			k.SHRQ(operand.U8(2), number)
			s.each(func(v int) { k.zero(k.v(v)) })
			store := k.label("store")
			k.CMPQ(seg.begin, seg.end)
			k.JEQ(k.ref(store))
			first := k.source(seg.begin, x, stride)
			s.each(func(v int) { s.load(s.at(first, v), k.v(v)) })
			k.integer(number, k.v(8), reg.X8)
			s.each(func(v int) { k.VMOVAPS(k.v(8), k.v(4+v)) })
			k.edges(seg, func(e reg.GPVirtual) {
				s.touch(k.ahead(e, x, stride))
				r := k.source(e, x, stride)
				k.integer(number, k.v(8), reg.X8)
				s.each(func(v int) {
					s.load(s.at(r, v), k.v(9))
					k.either(modeMin,
						func() { k.choose(cmpLT, k.v(9), k.v(v), k.v(8), k.v(4+v), k.v(10)) },
						func() { k.choose(cmpGT, k.v(9), k.v(v), k.v(8), k.v(4+v), k.v(10)) })
				})
				k.INCQ(number)
			})
			s.each(func(v int) { s.store(k.v(4+v), s.at(arg, v)) })
			k.Label(store)
			s.each(func(v int) { s.store(k.v(v), s.at(dst, v)) })
		})
		k.ADDQ(stride, dst)
		k.ADDQ(stride, arg)
	})
}

// segmentMaxBack gives a source the gradients of those cells that came along its edges.
func (k *kern) segmentMaxBack() {
	dst := k.pointer(0)
	stride := k.bytes(k.number(numCols))
	k.segments(func(seg segment, _ reg.GPVirtual) {
		k.columns([]int{4, 2, 1}, func(s stretch) {
			k.start(s, dst, 0)
			k.edges(seg, func(e reg.GPVirtual) {
				number := k.position(e)
				k.ADDQ(k.pointerAt(4), number)
				k.MOVLQSX(operand.Mem{Base: number}, number)
				k.integer(number, k.v(8), reg.X8)
				r := k.GP64()
				k.MOVLQSX(operand.Mem{Base: e}, r)
				k.IMULQ(stride, r)
				s.each(func(v int) {
					cells := k.pointer(5)
					k.ADDQ(r, cells)
					s.load(s.at(cells, v), k.v(9))
					k.MOVQ(k.pointerAt(1), cells)
					k.ADDQ(r, cells)
					s.load(s.at(cells, v), k.v(10))
					if k.width == 16 {
						k.VPCMPEQD(k.v(8), k.v(9), reg.K2)
						k.VADDPS(k.v(10), k.v(v), reg.K2, k.v(v))
					} else {
						k.VPCMPEQD(k.v(8), k.v(9), k.v(9))
						k.VANDPS(k.v(9), k.v(10), k.v(10))
						k.VADDPS(k.v(10), k.v(v), k.v(v))
					}
				})
			})
			s.each(func(v int) { s.store(k.v(v), s.at(dst, v)) })
		})
		k.ADDQ(stride, dst)
	})
}
