package gen

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func init() {
	families.Add("rows_avx2_amd64.s", func(c *build.Context) { rowKernels(c, ymm) })
	families.Add("rows_avx512_amd64.s", func(c *build.Context) { rowKernels(c, zmm) })
}

// lanes is a vector width, in floats.
type lanes struct {
	name  string
	width int
}

var (
	ymm = lanes{"AVX2", 8}
	zmm = lanes{"AVX512", 16}
)

// Offsets in bytes of the fields of kernel's type rowArgs.
const (
	argPointers = 0
	argNumbers  = 8 * 10
	argReals    = argNumbers + 8*8
	argMask     = argReals + 4*16 // vector mask of the last columns, for AVX2
	argBits     = argMask + 4*8   // the same as bits, for AVX-512
	argSpill    = argBits + 8     // one vector that does not fit the registers
)

// Numbers that all functions find at the same place. Registers are few: what is used
// once per row stays in memory.
const (
	numCols = iota
	numRows // counted down
	numMode
	numHeads
)

// kern prints one function over rows.
type kern struct {
	*build.Context
	lanes
	args   reg.GPVirtual
	consts reg.GPVirtual // the table of constants, where a function needs it
	labels int
}

// rowKernels prints all functions of the family.
func rowKernels(c *build.Context, w lanes) {
	for _, f := range []struct {
		name string
		body func(*kern)
	}{
		{"segmentSum", (*kern).segmentSum},
		{"segmentMix", (*kern).segmentMix},
		{"segmentUnmix", (*kern).segmentUnmix},
		{"segmentMax", (*kern).segmentMax},
		{"segmentMaxBack", (*kern).segmentMaxBack},
		{"gatherRows", (*kern).gatherRows},
		{"sumTerms", (*kern).sumTerms},
		{"add", (*kern).add},
		{"axpy", (*kern).axpy},
		{"scale", (*kern).scale},
		{"product", (*kern).product},
		{"relu", (*kern).relu},
		{"reluBack", (*kern).reluBack},
		{"dot", (*kern).dot},
		{"columnSums", (*kern).columnSums},
		{"adam", (*kern).adam},
		{"dropout", (*kern).dropout},
		{"exp", (*kern).exp},
		{"log1p", (*kern).log1p},
		{"sigmoid", (*kern).sigmoid},
		{"normRows", (*kern).normRows},
		{"normBack", (*kern).normBack},
		{"scanRows", (*kern).scanRows},
		{"fromHalf", (*kern).fromHalf},
		{"toHalf", (*kern).toHalf},
		{"fromBrain", (*kern).fromBrain},
		{"gatherHalf", (*kern).gatherHalf},
		{"gatherBrain", (*kern).gatherBrain},
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

func (k *kern) field(offset int) operand.Mem { return operand.Mem{Base: k.args, Disp: offset} }

func (k *kern) load64(m operand.Mem) reg.GPVirtual {
	r := k.GP64()
	k.MOVQ(m, r)
	return r
}

func (k *kern) pointer(i int) reg.GPVirtual { return k.load64(k.field(argPointers + 8*i)) }
func (k *kern) number(i int) reg.GPVirtual  { return k.load64(k.numberAt(i)) }
func (k *kern) numberAt(i int) operand.Mem  { return k.field(argNumbers + 8*i) }
func (k *kern) pointerAt(i int) operand.Mem { return k.field(argPointers + 8*i) }
func (k *kern) real(i int) operand.Mem      { return k.field(argReals + 4*i) }

// bytes is 4 r: the distance of r floats.
func (k *kern) bytes(r reg.GPVirtual) reg.GPVirtual {
	b := k.copy(r)
	k.SHLQ(operand.U8(2), b)
	return b
}

func (k *kern) copy(r reg.GPVirtual) reg.GPVirtual {
	c := k.GP64()
	k.MOVQ(r, c)
	return c
}

func (k *kern) zeroInt() reg.GPVirtual {
	r := k.GP64()
	k.XORQ(r, r)
	return r
}

// label returns a name that no other place of the function has.
func (k *kern) label(what string) string {
	k.labels++
	return fmt.Sprintf("%s%d", what, k.labels)
}

func (k *kern) ref(l string) operand.LabelRef { return operand.LabelRef(l) }

// v is vector register number i; the numbers are given out by hand because a VEX
// instruction reaches only 16.
func (k *kern) v(i int) reg.VecPhysical {
	if k.width == 16 {
		return [...]reg.VecPhysical{reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7,
			reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15}[i]
	}
	return [...]reg.VecPhysical{reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7,
		reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15}[i]
}

func (k *kern) zero(v reg.VecPhysical) {
	if k.width == 16 {
		k.VPXORD(v, v, v)
	} else {
		k.VXORPS(v, v, v)
	}
}

// times repeats body as often as n says, a register or memory that is counted down.
func (k *kern) times(n operand.Op, body func()) {
	top, done := k.label("times"), k.label("done")
	k.CMPQ(n, operand.U8(0))
	k.JLE(k.ref(done))
	k.Label(top)
	body()
	k.DECQ(n)
	k.JNE(k.ref(top))
	k.Label(done)
}

// rows repeats body for every row.
func (k *kern) rows(body func()) { k.times(k.numberAt(numRows), body) }

// when prints body when that bit of the mode is set.
func (k *kern) when(bit int32, body func()) {
	skip := k.label("skip")
	k.TESTQ(operand.U32(uint32(bit)), k.numberAt(numMode))
	k.JEQ(k.ref(skip))
	body()
	k.Label(skip)
}

// either prints yes for a set bit of the mode and no for a clear one.
func (k *kern) either(bit int32, yes, no func()) {
	other, done := k.label("clear"), k.label("set")
	k.TESTQ(operand.U32(uint32(bit)), k.numberAt(numMode))
	k.JEQ(k.ref(other))
	yes()
	k.JMP(k.ref(done))
	k.Label(other)
	no()
	k.Label(done)
}

// A stretch is some neighbouring columns that a loop's body works on: n whole
// vectors or, under the mask, the first columns of one.
type stretch struct {
	k   *kern
	n   int
	cut bool
	off reg.GPVirtual // bytes before the stretch
}

// wholeColumns is columns for rows of whole vectors.
func (k *kern) wholeColumns(body func(s stretch)) { k.stretches([]int{4, 2, 1}, body) }

// columns calls body for stretches that cover all columns, the widest first; sizes
// are numbers of vectors, each at most half of the one before, and the last is 1.
func (k *kern) columns(sizes []int, body func(s stretch)) {
	off, left := k.stretches(sizes, body)
	done := k.label("done")
	k.TESTQ(left, left)
	k.JEQ(k.ref(done))
	if k.width == 16 {
		k.KMOVW(k.field(argBits), reg.K1)
	} else {
		k.VMOVUPS(k.field(argMask), k.mask())
	}
	body(stretch{k, 1, true, off})
	k.Label(done)
}

// stretches prints the stretches of whole vectors.
func (k *kern) stretches(sizes []int, body func(s stretch)) (off, left reg.GPVirtual) {
	off, left = k.zeroInt(), k.number(numCols)
	for i, n := range sizes {
		top, next := k.label("stretch"), k.label("narrower")
		k.Label(top)
		k.CMPQ(left, operand.U32(uint32(n*k.width)))
		k.JLT(k.ref(next))
		body(stretch{k, n, false, off})
		k.ADDQ(operand.U32(uint32(4*n*k.width)), off)
		k.SUBQ(operand.U32(uint32(n*k.width)), left)
		if i == 0 || sizes[i-1] > 2*n {
			k.JMP(k.ref(top))
		}
		k.Label(next)
	}
	return off, left
}

// mask is the vector register that a cut stretch needs under AVX2.
func (k *kern) mask() reg.VecPhysical { return k.v(15) }

// at is the address of vector v of the stretch in the row at base.
func (s stretch) at(base reg.Register, v int) operand.Mem {
	return operand.Mem{Base: base, Index: s.off, Scale: 1, Disp: 4 * s.k.width * v}
}

func (s stretch) load(m operand.Mem, to reg.VecPhysical) {
	switch {
	case !s.cut:
		s.k.VMOVUPS(m, to)
	case s.k.width == 16:
		s.k.VMOVUPS_Z(m, reg.K1, to)
	default:
		s.k.VMASKMOVPS(m, s.k.mask(), to)
	}
}

func (s stretch) store(from reg.VecPhysical, m operand.Mem) {
	switch {
	case !s.cut:
		s.k.VMOVUPS(from, m)
	case s.k.width == 16:
		s.k.VMOVUPS(from, reg.K1, m)
	default:
		s.k.VMASKMOVPS(from, s.k.mask(), m)
	}
}

// add adds the vector in memory to sum; tmp is used for a cut stretch only.
func (s stretch) add(m operand.Mem, sum, tmp reg.VecPhysical) {
	if s.cut {
		s.load(m, tmp)
		s.k.VADDPS(tmp, sum, sum)
		return
	}
	s.k.VADDPS(m, sum, sum)
}

// each calls body for every vector of the stretch.
func (s stretch) each(body func(v int)) {
	for v := range s.n {
		body(v)
	}
}
