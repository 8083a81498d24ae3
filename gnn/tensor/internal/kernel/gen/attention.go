package gen

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func init() {
	families.Add("attention_avx2_amd64.s", func(c *build.Context) { attentionKernels(c, ymm) })
	families.Add("attention_avx512_amd64.s", func(c *build.Context) { attentionKernels(c, zmm) })
}

// Pointers and numbers of the attention kernels beyond those of segments; columns are
// those of one head.
const (
	ptrRow     = 0 // a row per destination that is written; moves on
	ptrX       = 1
	ptrWeights = 4 // edges x heads
	ptrQuery   = 5 // a row per destination that is read; moves on
	ptrAtt     = 6
	ptrAttSum  = 7

	numXStep   = 4
	numQStep   = 5
	numRowStep = 6
)

func attentionKernels(c *build.Context, w lanes) {
	for _, f := range []struct {
		name string
		body func(*kern)
	}{
		{"headDots", func(k *kern) { k.headScores(false) }},
		{"leakyDots", func(k *kern) { k.headScores(true) }},
		{"gatherHeads", (*kern).gatherHeads},
		{"leakySlopes", (*kern).leakySlopes},
		{"gelu", func(k *kern) { k.gelu(false) }},
		{"geluBack", func(k *kern) { k.gelu(true) }},
	} {
		k := &kern{Context: c, lanes: w}
		k.Function(f.name + w.name)
		k.Attributes(attr.NOSPLIT)
		k.SignatureExpr("func(s uintptr)")
		k.args = k.Load(k.Param("s"), k.GP64()).(reg.GPVirtual)
		f.body(k)
		k.VZEROUPPER()
		k.RET()
	}
}

// advance moves pointers by the width of a head.
func (k *kern) advance(pointers ...reg.GPVirtual) {
	width := k.bytes(k.number(numCols))
	for _, p := range pointers {
		k.ADDQ(width, p)
	}
}

// forward moves a pointer in memory by a step.
func (k *kern) forward(pointer, step int) {
	k.ADDQ(k.bytes(k.number(step)), k.pointerAt(pointer))
}

// weightsOf is the address of the first edge's weights of s.
func (k *kern) weightsOf(s segment) reg.GPVirtual {
	w := k.position(s.begin)
	k.IMULQ(k.numberAt(numHeads), w)
	k.ADDQ(k.pointerAt(ptrWeights), w)
	return w
}

// headScores stores for every edge and head the inner product of the destination's and
// the source's head or, leaky, of att and leaky of their sum. Four sums per head run
// side by side.
func (k *kern) headScores(leaky bool) {
	stride := k.bytes(k.number(numXStep))
	if leaky {
		k.spread(0, k.v(14))
	}
	k.segments(func(seg segment, _ reg.GPVirtual) {
		out := k.weightsOf(seg)
		k.edges(seg, func(e reg.GPVirtual) {
			k.touchRow(e, stride)
			r, q, att := k.source(e, k.pointer(ptrX), stride), k.pointer(ptrQuery), k.pointer(ptrAtt)
			k.times(k.number(numHeads), func() {
				for i := range 4 {
					k.zero(k.v(i))
				}
				k.columns([]int{4, 2, 1}, func(s stretch) {
					s.each(func(v int) { s.load(s.at(q, v), k.v(4+v)) })
					s.each(func(v int) { s.load(s.at(r, v), k.v(8+v)) })
					if !leaky {
						s.each(func(v int) { k.VFMADD231PS(k.v(4+v), k.v(8+v), k.v(v)) })
						return
					}
					s.each(func(v int) {
						k.VADDPS(k.v(8+v), k.v(4+v), k.v(4+v))
						k.VMULPS(k.v(4+v), k.v(14), k.v(8+v))
						k.VMAXPS(k.v(8+v), k.v(4+v), k.v(4+v))
						s.load(s.at(att, v), k.v(8+v))
						k.VFMADD231PS(k.v(4+v), k.v(8+v), k.v(v))
					})
				})
				k.four(0)
				k.total(0, 1)
				k.VMOVSS(reg.X0, operand.Mem{Base: out})
				k.ADDQ(operand.U8(4), out)
				if leaky {
					k.advance(r, q, att)
				} else {
					k.advance(r, q)
				}
			})
		})
		k.forward(ptrQuery, numQStep)
	})
}

// touchRow asks for the first bytes of the row of a coming edge; the hardware goes on
// from there.
func (k *kern) touchRow(e, stride reg.GPVirtual) {
	later := k.ahead(e, k.pointer(ptrX), stride)
	for b := 0; b < 512; b += 64 {
		k.PREFETCHT0(operand.Mem{Base: later, Disp: b})
	}
}

// gatherHeads adds the weighted rows of each destination's sources to its row, head by
// head.
func (k *kern) gatherHeads() {
	stride := k.bytes(k.number(numXStep))
	k.segments(func(seg segment, _ reg.GPVirtual) {
		dst, x, first := k.pointer(ptrRow), k.pointer(ptrX), k.weightsOf(seg)
		k.times(k.number(numHeads), func() {
			k.columns([]int{8, 4, 2, 1}, func(s stretch) {
				s.each(func(v int) { s.load(s.at(dst, v), k.v(v)) })
				w := k.copy(first)
				k.edges(seg, func(e reg.GPVirtual) {
					s.touch(k.ahead(e, x, stride))
					r := k.source(e, x, stride)
					k.VBROADCASTSS(operand.Mem{Base: w}, k.v(8))
					s.each(func(v int) {
						if s.cut {
							s.load(s.at(r, v), k.v(9))
							k.VFMADD231PS(k.v(9), k.v(8), k.v(v))
						} else {
							k.VFMADD231PS(s.at(r, v), k.v(8), k.v(v))
						}
					})
					k.stepHeads(w)
				})
				s.each(func(v int) { s.store(k.v(v), s.at(dst, v)) })
			})
			k.advance(dst, x)
			k.ADDQ(operand.U8(4), first)
		})
		k.forward(ptrRow, numRowStep)
	})
}

// leakySlopes is the way back of leakyDots. With z the sum of a destination's and a
// source's head and g the gradient of the score, sums 0 to 3 collect g leaky'(z) and 4
// to 7 collect g leaky(z).
func (k *kern) leakySlopes() {
	stride := k.bytes(k.number(numXStep))
	k.segments(func(seg segment, _ reg.GPVirtual) {
		x, first, off := k.pointer(ptrX), k.weightsOf(seg), k.zeroInt()
		k.times(k.number(numHeads), func() {
			k.columns([]int{4, 2, 1}, func(s stretch) {
				k.slopesOf(seg, s, slopeArgs{x, first, off, stride})
			})
			k.advance(x, off)
			k.ADDQ(operand.U8(4), first)
		})
		k.forward(ptrQuery, numQStep)
		k.forward(ptrRow, numRowStep)
	})
}

// slopeArgs: off is the distance of the head from the start of a row.
type slopeArgs struct{ x, first, off, stride reg.GPVirtual }

func (k *kern) slopesOf(seg segment, s stretch, a slopeArgs) {
	head := func(pointer int) reg.GPVirtual {
		p := k.pointer(pointer)
		k.ADDQ(a.off, p)
		return p
	}
	sum := head(ptrAttSum)
	s.each(func(v int) {
		k.zero(k.v(v))
		s.load(s.at(sum, v), k.v(4+v))
	})
	w, q := k.copy(a.first), head(ptrQuery)
	k.edges(seg, func(e reg.GPVirtual) {
		s.touch(k.ahead(e, a.x, a.stride))
		r := k.source(e, a.x, a.stride)
		k.VBROADCASTSS(operand.Mem{Base: w}, k.v(8))
		k.VBROADCASTSS(k.real(0), k.v(9))
		k.VMULPS(k.v(8), k.v(9), k.v(9))
		s.each(func(v int) {
			s.load(s.at(q, v), k.v(10))
			s.add(s.at(r, v), k.v(10), k.v(11))
			k.pick(k.v(10), k.v(8), k.v(9), k.v(11))
			k.VADDPS(k.v(11), k.v(v), k.v(v))
			k.VFMADD231PS(k.v(11), k.v(10), k.v(4+v))
		})
		k.stepHeads(w)
	})
	sum = head(ptrAttSum)
	s.each(func(v int) { s.store(k.v(4+v), s.at(sum, v)) })
	att, row := head(ptrAtt), head(ptrRow)
	s.each(func(v int) {
		s.load(s.at(att, v), k.v(8))
		s.load(s.at(row, v), k.v(9))
		k.VFMADD231PS(k.v(v), k.v(8), k.v(9))
		s.store(k.v(9), s.at(row, v))
	})
}

// pick is to = high in the lanes where z > 0, else low; the spill vector holds zeros.
func (k *kern) pick(z, high, low, to reg.VecPhysical) {
	if k.width == 16 {
		k.VCMPPS(operand.U8(cmpGT), k.field(argSpill), z, reg.K2)
		k.VMOVAPS(low, to)
		k.VMOVAPS(high, reg.K2, to)
		return
	}
	k.VCMPPS(operand.U8(cmpGT), k.field(argSpill), z, to)
	k.VBLENDVPS(to, high, low, to)
}
