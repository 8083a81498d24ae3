package gen

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func init() {
	families.Add("gemm_avx2_amd64.s", func(c *build.Context) { gemm(c, avx2) })
	families.Add("gemm_avx512_amd64.s", func(c *build.Context) { gemm(c, avx512) })
}

// Offsets of the fields of kernel's type strip, in bytes.
const (
	stripRows = 8 * iota
	stripK
	stripA
	stripARow
	stripACol
	stripATile
	stripB
	stripStart
	stripStartRow
	stripC
	stripCRow
	stripMask
	stripBits
	stripReLU
)

// isa is what the product needs to know of an instruction set.
type isa struct {
	name   string
	lanes  int   // floats of a vector
	rows   []int // heights of tiles, tallest first; the last is 1
	vector func(*build.Context) reg.VecVirtual
	masked func(c *build.Context) masks
}

var (
	avx2   = isa{"AVX2", 8, []int{6, 4, 2, 1}, func(c *build.Context) reg.VecVirtual { return c.YMM() }, avx2Masks}
	avx512 = isa{"AVX512", 16, []int{12, 8, 4, 2, 1}, func(c *build.Context) reg.VecVirtual { return c.ZMM() }, avx512Masks}
)

// gemm prints one function per number of vectors that a strip is wide.
func gemm(c *build.Context, set isa) {
	for vectors := 2; vectors >= 1; vectors-- {
		newStrip(c, set, vectors).function()
	}
}

// strip prints the function that computes a strip of C, a few vectors wide and any
// number of rows high, tile by tile; see the declaration in package kernel.
type strip struct {
	*build.Context
	set     isa
	vectors int

	// What moves from tile to tile lies on the stack; the arguments stay as they are.
	leftRows, leftA, leftStart, leftC operand.Mem

	args, a, b, count, aCol reg.GPVirtual
	ahead                   reg.GPVirtual         // walks through the rows of the next tile
	aRow                    map[int]reg.GPVirtual // odd multiples of the distance between rows of A
	mask                    masks
}

func newStrip(c *build.Context, set isa, vectors int) *strip {
	return &strip{Context: c, set: set, vectors: vectors}
}

func (s *strip) function() {
	s.Function(fmt.Sprintf("strip%s%s", s.set.name, map[int]string{1: "Half", 2: ""}[s.vectors]))
	s.Attributes(attr.NOSPLIT)
	s.SignatureExpr("func(s uintptr)")
	s.args = s.Load(s.Param("s"), s.GP64()).(reg.GPVirtual)
	s.copyMoving()
	s.strides()
	s.mask = s.set.masked(s.Context)
	s.mask.load(s)
	for i, rows := range s.set.rows {
		s.height(rows, i == len(s.set.rows)-1)
	}
	s.VZEROUPPER()
	s.RET()
}

func (s *strip) field(offset int) operand.Mem { return operand.Mem{Base: s.args, Disp: offset} }

func (s *strip) get(offset int) reg.GPVirtual { return s.read(s.field(offset)) }

func (s *strip) read(m operand.Mem) reg.GPVirtual {
	r := s.GP64()
	s.MOVQ(m, r)
	return r
}

func (s *strip) copyMoving() {
	for _, m := range []struct {
		local *operand.Mem
		field int
	}{{&s.leftRows, stripRows}, {&s.leftA, stripA}, {&s.leftStart, stripStart}, {&s.leftC, stripC}} {
		*m.local = s.AllocLocal(8)
		s.MOVQ(s.get(m.field), *m.local)
	}
}

// strides loads the distances in A, and the odd multiples of the one between rows:
// every row of the tallest tile is then one address away from a single pointer.
func (s *strip) strides() {
	s.a, s.b, s.count = s.GP64(), s.GP64(), s.GP64()
	s.aCol = s.get(stripACol)
	s.aRow = map[int]reg.GPVirtual{1: s.get(stripARow)}
	for n := 3; n < s.set.rows[0]; n += 2 {
		s.aRow[n] = s.GP64()
		s.LEAQ(operand.Mem{Base: s.aRow[n-2], Index: s.aRow[1], Scale: 2}, s.aRow[n])
	}
}

// row returns the address n rows of A below the pointer.
func (s *strip) row(n int) operand.Mem {
	if n == 0 {
		return operand.Mem{Base: s.a}
	}
	scale := uint8(1)
	for n%2 == 0 {
		n, scale = n/2, scale*2
	}
	return operand.Mem{Base: s.a, Index: s.aRow[n], Scale: scale}
}

// height computes tiles of that many rows as long as there are as many left.
func (s *strip) height(rows int, last bool) {
	top, next := fmt.Sprintf("rows%d", rows), fmt.Sprintf("below%d", rows)
	s.Label(top)
	s.CMPQ(s.leftRows, operand.I8(int8(rows)))
	s.JLT(operand.LabelRef(next))
	s.SUBQ(operand.I8(int8(rows)), s.leftRows)
	sums := s.begin(rows)
	s.multiply(rows, sums)
	s.finish(rows, sums)
	s.JMP(operand.LabelRef(top))
	s.Label(next)
}

// begin loads the tile's first values, row by row: zeros, the bias or C itself.
func (s *strip) begin(rows int) [][]reg.VecVirtual {
	at, step := s.read(s.leftStart), s.get(stripStartRow)
	sums := make([][]reg.VecVirtual, rows)
	for i := range sums {
		for range s.vectors {
			sums[i] = append(sums[i], s.set.vector(s.Context))
		}
	}
	s.mask.transfer(s, fmt.Sprintf("begin%d", rows), func(move mover) {
		for i := range rows {
			for v := range s.vectors {
				move.load(s.vec(at, v), v, sums[i][v])
			}
			s.ADDQ(step, at)
		}
	})
	s.MOVQ(at, s.leftStart)
	return sums
}

func (s *strip) vec(base reg.Register, v int) operand.Mem {
	return operand.Mem{Base: base, Disp: 4 * s.set.lanes * v}
}

const unroll = 4 // steps of the summed dimension per turn of the loop

// multiply adds the products of all steps to the sums, one step after the other.
func (s *strip) multiply(rows int, sums [][]reg.VecVirtual) {
	s.MOVQ(s.leftA, s.a)
	s.MOVQ(s.field(stripB), s.b)
	s.MOVQ(s.field(stripK), s.count)
	tallest := rows == s.set.rows[0]
	if tallest {
		s.foresee(rows)
	}
	loop, tail, done := fmt.Sprintf("steps%d", rows), fmt.Sprintf("tail%d", rows), fmt.Sprintf("done%d", rows)
	s.SUBQ(operand.I8(unroll), s.count)
	s.JLT(operand.LabelRef(tail))
	s.Label(loop)
	for u := range unroll {
		s.step(u, rows, sums)
		if tallest {
			s.prefetch(u, rows)
		}
	}
	if tallest {
		s.ADDQ(operand.I32(int32(unroll*4*rows)), s.ahead)
	}
	s.ADDQ(operand.I32(int32(unroll*s.panel())), s.b)
	s.SUBQ(operand.I8(unroll), s.count)
	s.JGE(operand.LabelRef(loop))
	s.Label(tail)
	s.ADDQ(operand.I8(unroll), s.count)
	s.JEQ(operand.LabelRef(done))
	s.Label(tail + "step")
	s.step(0, rows, sums)
	s.ADDQ(operand.I32(int32(s.panel())), s.b)
	s.DECQ(s.count)
	s.JNE(operand.LabelRef(tail + "step"))
	s.Label(done)
	s.advance(rows)
}

// line is the size of a cache line.
const line = 64

// foresee asks for the tile's rows of C, which are stored at its end, and begins with
// the next tile's rows of A. Asking is no reading: an address may lie anywhere.
func (s *strip) foresee(rows int) {
	at, step := s.read(s.leftC), s.get(stripCRow)
	for range rows {
		s.PREFETCHT0(operand.Mem{Base: at})
		if s.vectors*4*s.set.lanes > line {
			s.PREFETCHT0(operand.Mem{Base: at, Disp: line})
		}
		s.ADDQ(step, at)
	}
	s.ahead = s.GP64()
	s.MOVQ(s.leftA, s.ahead)
	s.ADDQ(s.field(stripATile), s.ahead)
}

// prefetch asks, in the u-th step of a turn, for lines of the next tile's rows of A, as
// many per turn as it is going to read where they lie one behind the other.
func (s *strip) prefetch(u, rows int) {
	for at := 0; at < unroll*4*rows; at += line {
		if at/line%unroll == u {
			s.PREFETCHT0(operand.Mem{Base: s.ahead, Disp: at})
		}
	}
}

// advance moves on in A: behind the tallest tile to wherever the next one lies.
func (s *strip) advance(rows int) {
	s.MOVQ(s.leftA, s.a)
	if rows == s.set.rows[0] {
		s.ADDQ(s.field(stripATile), s.a)
	} else {
		s.LEAQ(s.row(rows), s.a)
	}
	s.MOVQ(s.a, s.leftA)
}

// panel is the size of one step of B: its vectors are two also in a narrow strip.
func (s *strip) panel() int { return 4 * s.set.lanes * 2 }

// step adds A(i,p) B(p,j) for one p, the u-th of an unrolled turn.
func (s *strip) step(u, rows int, sums [][]reg.VecVirtual) {
	b := make([]reg.VecVirtual, s.vectors)
	for v := range b {
		b[v] = s.set.vector(s.Context)
		m := s.vec(s.b, v)
		m.Disp += u * s.panel()
		s.VMOVUPS(m, b[v])
	}
	for i := range rows {
		a := s.set.vector(s.Context)
		s.VBROADCASTSS(s.row(i), a)
		for v := range b {
			s.VFMADD231PS(b[v], a, sums[i][v])
		}
	}
	s.ADDQ(s.aCol, s.a)
}

// finish applies the activation and stores the tile.
func (s *strip) finish(rows int, sums [][]reg.VecVirtual) {
	linear := fmt.Sprintf("linear%d", rows)
	s.CMPQ(s.field(stripReLU), operand.I8(0))
	s.JEQ(operand.LabelRef(linear))
	zero := s.set.vector(s.Context)
	s.mask.zero(s, zero)
	for i := range rows {
		for v := range s.vectors {
			s.VMAXPS(sums[i][v], zero, sums[i][v])
		}
	}
	s.Label(linear)
	at, step := s.read(s.leftC), s.get(stripCRow)
	s.mask.transfer(s, fmt.Sprintf("finish%d", rows), func(move mover) {
		for i := range rows {
			for v := range s.vectors {
				move.store(sums[i][v], v, s.vec(at, v))
			}
			s.ADDQ(step, at)
		}
	})
	s.MOVQ(at, s.leftC)
}
