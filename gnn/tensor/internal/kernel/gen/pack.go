package gen

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func init() { families.Add("pack_avx2_amd64.s", pack) }

// pack prints the copies that bring operands of a product into the order in which
// the tiles read them. They are bound by memory, so AVX2 serves the wider path too.
func pack(c *build.Context) {
	copyColumns(c)
	transposeRows(c)
	gather(c, "copySix", func(p *mover2) { p.move(c.XMM(), 0); p.half(16) })
	gather(c, "copyTwelve", func(p *mover2) { p.move(c.YMM(), 0); p.move(c.XMM(), 32) })
}

// moving are the arguments that all copies share; distances are in bytes.
type moving struct{ to, toStep, from, fromStep, rows reg.GPVirtual }

const movingSignature = "to, toStep, from, fromStep, rows"

func newMoving(c *build.Context) moving {
	get := func(name string) reg.GPVirtual { return c.Load(c.Param(name), c.GP64()).(reg.GPVirtual) }
	return moving{get("to"), get("toStep"), get("from"), get("fromStep"), get("rows")}
}

func (m moving) advance(c *build.Context) {
	c.ADDQ(m.fromStep, m.from)
	c.ADDQ(m.toStep, m.to)
}

// loop prints body once per row; there is at least one.
func (m moving) loop(c *build.Context, body func()) {
	c.Label("row")
	body()
	c.DECQ(m.rows)
	c.JNE(operand.LabelRef("row"))
	c.VZEROUPPER()
	c.RET()
}

func copyColumns(c *build.Context) {
	c.Function("copyColumns")
	c.Attributes(attr.NOSPLIT)
	c.SignatureExpr("func(" + movingSignature + ", mask uintptr)")
	m := newMoving(c)
	mask := c.Load(c.Param("mask"), c.GP64()).(reg.GPVirtual)
	cut := []reg.VecVirtual{c.YMM(), c.YMM()}
	for v, r := range cut {
		c.VMOVUPS(operand.Mem{Base: mask, Disp: 32 * v}, r)
	}
	m.loop(c, func() {
		row := []reg.VecVirtual{c.YMM(), c.YMM()}
		for v, r := range row {
			c.VMASKMOVPS(operand.Mem{Base: m.from, Disp: 32 * v}, cut[v], r)
		}
		for v, r := range row {
			c.VMOVUPS(r, operand.Mem{Base: m.to, Disp: 32 * v})
		}
		m.advance(c)
	})
}

// mover2 moves the parts of a row that is not a whole number of vectors.
type mover2 struct {
	*build.Context
	moving
}

func (p *mover2) move(r reg.VecVirtual, at int) {
	p.VMOVUPS(operand.Mem{Base: p.from, Disp: at}, r)
	p.VMOVUPS(r, operand.Mem{Base: p.to, Disp: at})
}

// half moves eight bytes.
func (p *mover2) half(at int) {
	r := p.GP64()
	p.MOVQ(operand.Mem{Base: p.from, Disp: at}, r)
	p.MOVQ(r, operand.Mem{Base: p.to, Disp: at})
}

func gather(c *build.Context, name string, row func(*mover2)) {
	c.Function(name)
	c.Attributes(attr.NOSPLIT)
	c.SignatureExpr("func(" + movingSignature + " uintptr)")
	m := newMoving(c)
	m.loop(c, func() {
		row(&mover2{c, m})
		m.advance(c)
	})
}

// transposeRows turns eight rows into eight columns, eight steps per turn: pairs of
// rows are interleaved, then pairs of pairs, then the halves of the registers.
func transposeRows(c *build.Context) {
	c.Function("transposeRows")
	c.Attributes(attr.NOSPLIT)
	c.SignatureExpr("func(" + movingSignature + " uintptr)")
	m := newMoving(c)
	three := c.GP64()
	c.LEAQ(operand.Mem{Base: m.fromStep, Index: m.fromStep, Scale: 2}, three)
	toThree := c.GP64()
	c.LEAQ(operand.Mem{Base: m.toStep, Index: m.toStep, Scale: 2}, toThree)
	quad := func(base, step, three reg.GPVirtual) []operand.Mem {
		return []operand.Mem{{Base: base}, {Base: base, Index: step, Scale: 1}, {Base: base, Index: step, Scale: 2}, {Base: base, Index: three, Scale: 1}}
	}
	m.loop(c, func() {
		low := c.GP64()
		c.LEAQ(operand.Mem{Base: m.from, Index: m.fromStep, Scale: 4}, low)
		rows := append(quad(m.from, m.fromStep, three), quad(low, m.fromStep, three)...)
		columns := transpose8(c, rows)
		c.ADDQ(operand.Imm(32), m.from)
		for half := range 2 {
			for i, to := range quad(m.to, m.toStep, toThree) {
				c.VMOVUPS(columns[4*half+i], to)
			}
			c.LEAQ(operand.Mem{Base: m.to, Index: m.toStep, Scale: 4}, m.to)
		}
	})
}

func transpose8(c *build.Context, rows []operand.Mem) []reg.VecVirtual {
	var pair [8]reg.VecVirtual // pair[2i], pair[2i+1]: rows 2i and 2i+1 interleaved, low and high
	for i := 0; i < 8; i += 2 {
		x := c.YMM()
		c.VMOVUPS(rows[i], x)
		pair[i], pair[i+1] = c.YMM(), c.YMM()
		c.VUNPCKLPS(rows[i+1], x, pair[i])
		c.VUNPCKHPS(rows[i+1], x, pair[i+1])
	}
	var quad [8]reg.VecVirtual // quad[j], quad[4+j]: column j (and j+4) of rows 0-3, and of rows 4-7
	for h := range 2 {
		for j := range 4 {
			quad[4*h+j] = c.YMM()
			select2 := uint8(0x44 + 0xaa*(j%2)) // the first or the second pair of each
			c.VSHUFPS(operand.Imm(uint64(select2)), pair[4*h+2+j/2], pair[4*h+j/2], quad[4*h+j])
		}
	}
	columns := make([]reg.VecVirtual, 8)
	for j := range 4 {
		columns[j], columns[4+j] = c.YMM(), c.YMM()
		c.VPERM2F128(operand.Imm(0x20), quad[4+j], quad[j], columns[j])
		c.VPERM2F128(operand.Imm(0x31), quad[4+j], quad[j], columns[4+j])
	}
	return columns
}
