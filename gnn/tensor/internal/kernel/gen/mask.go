package gen

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// masks moves rows of a strip whose last columns do not exist.
type masks interface {
	load(s *strip) // once per strip
	// transfer prints body, once or, with a branch, once for whole and once for cut rows.
	transfer(s *strip, label string, body func(mover))
	zero(s *strip, v reg.VecVirtual)
}

// mover prints the move of vector number v of a row.
type mover interface {
	load(m operand.Mem, v int, to reg.VecVirtual)
	store(from reg.VecVirtual, v int, m operand.Mem)
}

// wholeRows moves vectors without looking at the mask.
type wholeRows struct{ *build.Context }

func (w wholeRows) load(m operand.Mem, _ int, to reg.VecVirtual)    { w.VMOVUPS(m, to) }
func (w wholeRows) store(from reg.VecVirtual, _ int, m operand.Mem) { w.VMOVUPS(from, m) }

// ymmMasks reads the mask from memory where it is needed, since the tile leaves no
// register free, and branches around it for whole rows: a masked store is slow.
type ymmMasks struct{ *build.Context }

func avx2Masks(c *build.Context) masks { return ymmMasks{c} }

func (m ymmMasks) load(*strip) {}

func (m ymmMasks) zero(_ *strip, v reg.VecVirtual) { m.VXORPS(v, v, v) }

func (m ymmMasks) transfer(s *strip, label string, body func(mover)) {
	at := s.get(stripMask)
	m.TESTQ(at, at)
	m.JNE(operand.LabelRef(label + "cut"))
	body(wholeRows(m))
	m.JMP(operand.LabelRef(label + "done"))
	m.Label(label + "cut")
	cut := cutRows{m.Context, nil}
	for v := range s.vectors {
		r := m.YMM()
		m.VMOVUPS(s.vec(at, v), r)
		cut.mask = append(cut.mask, r)
	}
	body(cut)
	m.Label(label + "done")
}

type cutRows struct {
	*build.Context
	mask []reg.VecVirtual
}

func (c cutRows) load(m operand.Mem, v int, to reg.VecVirtual)    { c.VMASKMOVPS(m, c.mask[v], to) }
func (c cutRows) store(from reg.VecVirtual, v int, m operand.Mem) { c.VMASKMOVPS(from, c.mask[v], m) }

// kMasks keeps the masks in mask registers; whole rows are those with all bits set.
type kMasks struct {
	*build.Context
	k []reg.OpmaskVirtual
}

func avx512Masks(c *build.Context) masks { return &kMasks{Context: c} }

// load reads 16 bits per vector.
func (m *kMasks) load(s *strip) {
	for v := range s.vectors {
		k := m.K()
		m.KMOVW(operand.Mem{Base: s.args, Disp: stripBits + 2*v}, k)
		m.k = append(m.k, k)
	}
}

func (m *kMasks) zero(_ *strip, v reg.VecVirtual) { m.VPXORD(v, v, v) }

func (m *kMasks) transfer(_ *strip, _ string, body func(mover)) { body(zmmRows{m.Context, m.k}) }

type zmmRows struct {
	*build.Context
	k []reg.OpmaskVirtual
}

func (z zmmRows) load(m operand.Mem, v int, to reg.VecVirtual)    { z.VMOVUPS_Z(m, z.k[v], to) }
func (z zmmRows) store(from reg.VecVirtual, v int, m operand.Mem) { z.VMOVUPS(from, z.k[v], m) }
