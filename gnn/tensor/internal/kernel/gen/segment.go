package gen

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Bits of the mode argument, as in package kernel.
const (
	modeAdd  = 1
	modeMean = 2
	modeMin  = 4
)

// segment is the edges of one destination: addresses of 32-bit integers.
type segment struct{ begin, end reg.GPVirtual }

// Pointers that all functions over segments find at the same place.
const (
	ptrBegins  = 2 // one number more than there are destinations; moves on
	ptrSources = 3
)

// segments repeats body for every destination; n is its number of edges.
func (k *kern) segments(body func(s segment, n reg.GPVirtual)) {
	k.rows(func() {
		ptr, lo, n := k.pointer(ptrBegins), k.GP64(), k.GP64()
		k.MOVLQSX(operand.Mem{Base: ptr}, lo)
		k.MOVLQSX(operand.Mem{Base: ptr, Disp: 4}, n)
		k.ADDQ(operand.U8(4), k.pointerAt(ptrBegins))
		k.SUBQ(lo, n)
		s := segment{k.pointer(ptrSources), k.GP64()}
		k.LEAQ(operand.Mem{Base: s.begin, Index: lo, Scale: 4}, s.begin)
		k.LEAQ(operand.Mem{Base: s.begin, Index: n, Scale: 4}, s.end)
		body(s, n)
	})
}

// position is 4 times the edge's number.
func (k *kern) position(e reg.GPVirtual) reg.GPVirtual {
	p := k.copy(e)
	k.SUBQ(k.pointerAt(ptrSources), p)
	return p
}

// edges repeats body with the address of every edge of s.
func (k *kern) edges(s segment, body func(e reg.GPVirtual)) {
	top, done := k.label("edge"), k.label("edges")
	e := k.copy(s.begin)
	k.CMPQ(e, s.end)
	k.JEQ(k.ref(done))
	k.Label(top)
	body(e)
	k.ADDQ(operand.U8(4), e)
	k.CMPQ(e, s.end)
	k.JNE(k.ref(top))
	k.Label(done)
}

// source is the address of the row of x that the integer at e names.
func (k *kern) source(e, x, stride reg.GPVirtual) reg.GPVirtual {
	r := k.GP64()
	k.MOVLQSX(operand.Mem{Base: e}, r)
	k.IMULQ(stride, r)
	k.ADDQ(x, r)
	return r
}

// start sets the sums of a stretch to 0 or to what dst holds.
func (k *kern) start(s stretch, dst reg.GPVirtual, first int) {
	k.either(modeAdd,
		func() { s.each(func(v int) { s.load(s.at(dst, v), k.v(first+v)) }) },
		func() { s.each(func(v int) { k.zero(k.v(first + v)) }) })
}

// prefetchEdges is how far ahead of the sums the rows of coming edges are asked for.
// On an EPYC with AVX2, 2026-11-25, sums of ten rows of 128 from tables of 1, 16 and
// 512 MB ran at 1.2, 1.6 and 1.3 times the speed without; 8 edges gave less.
const prefetchEdges = 16

// ahead is the address of the row that a later edge names. Pointer 9 is to the last
// source of all.
func (k *kern) ahead(e, x, stride reg.GPVirtual) reg.GPVirtual {
	later := k.GP64()
	k.LEAQ(operand.Mem{Base: e, Disp: 4 * prefetchEdges}, later)
	k.CMPQ(later, k.pointerAt(9))
	k.CMOVQHI(k.pointerAt(9), later)
	return k.source(later, x, stride)
}

// touch asks for a stretch of the row at r.
func (s stretch) touch(r reg.GPVirtual) {
	if s.cut {
		return
	}
	for b := 0; b < 4*s.k.width*s.n; b += 64 {
		s.k.PREFETCHT0(operand.Mem{Base: r, Index: s.off, Scale: 1, Disp: b})
	}
}

// segmentSum adds up the rows of each destination's sources. With the widest stretch
// all vector registers are sums, so the factor of a mean waits in memory.
func (k *kern) segmentSum() {
	dst, x := k.pointer(0), k.pointer(1)
	stride := k.bytes(k.number(numCols))
	k.segments(func(seg segment, n reg.GPVirtual) {
		k.when(modeMean, func() { k.reciprocal(n) })
		k.columns([]int{16, 8, 4, 2, 1}, func(s stretch) {
			k.start(s, dst, 0)
			k.edges(seg, func(e reg.GPVirtual) {
				s.touch(k.ahead(e, x, stride))
				r := k.source(e, x, stride)
				s.each(func(v int) { s.add(s.at(r, v), k.v(v), k.v(1)) })
			})
			k.when(modeMean, func() {
				s.each(func(v int) { k.VMULPS(k.field(argSpill), k.v(v), k.v(v)) })
			})
			s.each(func(v int) { s.store(k.v(v), s.at(dst, v)) })
		})
		k.ADDQ(stride, dst)
	})
}

// reciprocal stores 1/max(n, 1) in all lanes of the spill vector.
func (k *kern) reciprocal(n reg.GPVirtual) {
	some := k.label("some")
	count := k.copy(n)
	k.CMPQ(count, operand.U8(1))
	k.JGE(k.ref(some))
	k.MOVQ(operand.U32(1), count)
	k.Label(some)
	k.VCVTSI2SSQ(count, reg.X1, reg.X1)
	k.VMOVSS(k.real(0), reg.X0) // 1
	k.VDIVSS(reg.X1, reg.X0, reg.X0)
	k.VBROADCASTSS(reg.X0, k.v(0))
	k.VMOVUPS(k.v(0), k.field(argSpill))
}

// segmentMix adds up the rows of each destination's sources under several weights per
// edge at once: the row of a source is read once for up to four of them.
func (k *kern) segmentMix() {
	dst, x := k.pointer(0), k.pointer(1)
	stride := k.bytes(k.number(numCols))
	k.segments(func(seg segment, _ reg.GPVirtual) {
		first := k.position(seg.begin) // of the segment's weights
		k.IMULQ(k.numberAt(numHeads), first)
		k.ADDQ(k.pointerAt(4), first)
		left := k.number(numHeads)
		for heads := 4; heads >= 1; heads-- {
			top, next := k.label("heads"), k.label("fewer")
			k.Label(top)
			k.CMPQ(left, operand.U8(uint8(heads)))
			k.JLT(k.ref(next))
			k.mixHeads(seg, heads, first, mixArgs{dst, x, stride})
			k.ADDQ(operand.U32(uint32(4*heads)), first)
			for range heads {
				k.ADDQ(stride, dst)
			}
			k.SUBQ(operand.U8(uint8(heads)), left)
			if heads == 4 {
				k.JMP(k.ref(top))
			}
			k.Label(next)
		}
	})
}

type mixArgs struct{ dst, x, stride reg.GPVirtual }

// mixHeads collects a few heads: sum number h*n+v is vector v of head h, then follow
// the weights and the source's vector.
func (k *kern) mixHeads(seg segment, heads int, first reg.GPVirtual, a mixArgs) {
	sizes := map[int][]int{1: {8, 4, 2, 1}, 2: {4, 2, 1}, 3: {4, 2, 1}, 4: {2, 1}}[heads]
	k.columns(sizes, func(s stretch) {
		at := k.copy(a.dst)
		for h := range heads {
			k.start(s, at, h*s.n)
			if h+1 < heads {
				k.ADDQ(a.stride, at)
			}
		}
		w := k.copy(first)
		k.edges(seg, func(e reg.GPVirtual) {
			s.touch(k.ahead(e, a.x, a.stride))
			r := k.source(e, a.x, a.stride)
			weight, x := heads*s.n, heads*s.n+heads
			if s.cut {
				x = 14 - heads // the mask has the last register
			}
			for h := range heads {
				k.VBROADCASTSS(operand.Mem{Base: w, Disp: 4 * h}, k.v(weight+h))
			}
			s.each(func(v int) {
				s.load(s.at(r, v), k.v(x))
				for h := range heads {
					k.VFMADD231PS(k.v(x), k.v(weight+h), k.v(h*s.n+v))
				}
			})
			k.stepHeads(w)
		})
		k.MOVQ(a.dst, at)
		for h := range heads {
			s.each(func(v int) { s.store(k.v(h*s.n+v), s.at(at, v)) })
			if h+1 < heads {
				k.ADDQ(a.stride, at)
			}
		}
	})
}

// stepHeads moves w to the weights of the next edge.
func (k *kern) stepHeads(w reg.GPVirtual) {
	n := k.number(numHeads)
	k.LEAQ(operand.Mem{Base: w, Index: n, Scale: 4}, w)
}

// segmentUnmix is the way back of segmentMix: every source collects the gradients of
// its destinations' heads under the weights of its edges.
func (k *kern) segmentUnmix() {
	dst := k.pointer(0)
	stride := k.bytes(k.number(numCols))
	k.segments(func(seg segment, _ reg.GPVirtual) {
		k.columns([]int{8, 4, 2, 1}, func(s stretch) {
			k.start(s, dst, 0)
			k.edges(seg, func(e reg.GPVirtual) {
				// pointer 4 is to the edges' numbers, 5 to their weights
				w := k.position(e)
				k.ADDQ(k.pointerAt(4), w)
				k.MOVLQSX(operand.Mem{Base: w}, w)
				heads := k.number(numHeads)
				k.IMULQ(heads, w)
				k.SHLQ(operand.U8(2), w)
				k.ADDQ(k.pointerAt(5), w)
				r := k.GP64()
				k.MOVLQSX(operand.Mem{Base: e}, r)
				k.IMULQ(heads, r)
				k.IMULQ(stride, r)
				k.ADDQ(k.pointerAt(1), r)
				k.times(heads, func() {
					k.VBROADCASTSS(operand.Mem{Base: w}, k.v(8))
					s.each(func(v int) {
						if s.cut {
							s.load(s.at(r, v), k.v(9))
							k.VFMADD231PS(k.v(9), k.v(8), k.v(v))
						} else {
							k.VFMADD231PS(s.at(r, v), k.v(8), k.v(v))
						}
					})
					k.ADDQ(operand.U8(4), w)
					k.ADDQ(stride, r)
				})
			})
			s.each(func(v int) { s.store(k.v(v), s.at(dst, v)) })
		})
		k.ADDQ(stride, dst)
	})
}

// gatherRows copies or adds rows by index; -1 stands for a zero row.
func (k *kern) gatherRows() {
	dst, x, idx := k.pointer(0), k.pointer(1), k.pointer(2)
	stride := k.bytes(k.number(numCols))
	k.rows(func() {
		none, done := k.label("none"), k.label("gathered")
		later := k.ahead(idx, x, stride)
		r := k.source(idx, x, stride)
		k.CMPL(operand.Mem{Base: idx}, operand.U8(0))
		k.JLT(k.ref(none))
		k.columns([]int{8, 4, 2, 1}, func(s stretch) {
			s.touch(later)
			s.each(func(v int) { s.load(s.at(r, v), k.v(v)) })
			k.when(modeAdd, func() {
				s.each(func(v int) { s.add(s.at(dst, v), k.v(v), k.v(8)) })
			})
			s.each(func(v int) { s.store(k.v(v), s.at(dst, v)) })
		})
		k.JMP(k.ref(done))
		k.Label(none)
		keep := k.label("keep")
		k.TESTQ(operand.U32(modeAdd), k.numberAt(numMode))
		k.JNE(k.ref(keep))
		k.zero(k.v(0))
		k.columns([]int{8, 4, 2, 1}, func(s stretch) {
			s.each(func(v int) { s.store(k.v(0), s.at(dst, v)) })
		})
		k.Label(keep)
		k.Label(done)
		k.ADDQ(operand.U8(4), idx)
		k.ADDQ(stride, dst)
	})
}
