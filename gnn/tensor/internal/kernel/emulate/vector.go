package emulate

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// vectorRun computes an instruction on vectors: the lanes of its result, given its
// operands without mask and result. A lane that live leaves out need not be computed,
// and nothing of it may be read from memory.
type vectorRun func(m *Machine, op []operand.Op, out []uint32, live func(lane int) bool)

// vectors are the instructions whose last operand is their result, in Go's order of
// operands: the reverse of the manuals'.
var vectors = map[string]vectorRun{
	"VMOVUPS":      move,
	"VBROADCASTSS": broadcast,
	"VMASKMOVPS":   maskMove,
	"VXORPS":       lanes2(func(x, y uint32) uint32 { return x ^ y }),
	"VPXORD":       lanes2(func(x, y uint32) uint32 { return x ^ y }),
	"VMAXPS":       lanes2(maximum),
	"VUNPCKLPS":    quads(func(q, y, x []uint32) { copy(q, []uint32{x[0], y[0], x[1], y[1]}) }),
	"VUNPCKHPS":    quads(func(q, y, x []uint32) { copy(q, []uint32{x[2], y[2], x[3], y[3]}) }),
	"VSHUFPS":      shuffle,
	"VPERM2F128":   permuteHalves,
	"VFMADD231PS":  fma231,
}

// masked runs an instruction and stores its result: lanes that a mask leaves out keep
// their value, or with suffix Z become 0, and so do lanes beyond a register's size.
func (m *Machine) masked(i *ir.Instruction, ops []operand.Op, run vectorRun) {
	dst, src := ops[len(ops)-1], ops[:len(ops)-1]
	live := func(int) bool { return true }
	if k, ok := src[len(src)-1].(reg.Register); ok && k.Kind() == reg.KindOpmask {
		bits := m.opmask[k.ID().Index()]
		live = func(l int) bool { return bits>>l&1 != 0 }
		src = src[:len(src)-1]
	}
	if i.Opcode == "VMASKMOVPS" {
		live = m.signs(src[1])
		if _, ok := dst.(place); !ok {
			defer m.zeroDead(dst, live)
		}
		src = src[:1]
	}
	size := size(dst, src)
	out := make([]uint32, size)
	if r, ok := dst.(reg.Register); ok {
		copy(out, m.vector[r.ID().Index()][:size]) // an input of some, and kept in dead lanes
	}
	run(m, append(slices.Clone(src), dst), out, live)
	m.store(dst, out, live, slices.Contains(i.Suffixes, "Z"))
}

// signs are the lanes of a vector whose sign is set.
func (m *Machine) signs(op operand.Op) func(int) bool {
	mask := m.vector[op.(reg.Register).ID().Index()]
	return func(l int) bool { return mask[l]>>31 != 0 }
}

func (m *Machine) zeroDead(op operand.Op, live func(int) bool) {
	v := &m.vector[op.(reg.Register).ID().Index()]
	for l := range v {
		if !live(l) {
			v[l] = 0
		}
	}
}

// size is the number of lanes: that of the result, or of what is stored.
func size(dst operand.Op, src []operand.Op) int {
	for _, op := range append([]operand.Op{dst}, src...) {
		if r, ok := op.(reg.Register); ok {
			return int(r.Size()) / 4
		}
	}
	panic(fault("no vector register"))
}

func (m *Machine) store(dst operand.Op, out []uint32, live func(int) bool, zeroing bool) {
	if p, ok := dst.(place); ok {
		for l, v := range out {
			if live(l) {
				binary.LittleEndian.PutUint32(m.bytes(p+place(4*l), 4, true), v)
			}
		}
		return
	}
	r := &m.vector[dst.(reg.Register).ID().Index()]
	for l := range r {
		switch {
		case l >= len(out):
			r[l] = 0
		case live(l):
			r[l] = out[l]
		case zeroing:
			r[l] = 0
		}
	}
}

// lane is lane l of a register or of memory.
func (m *Machine) lane(op operand.Op, l int) uint32 {
	if p, ok := op.(place); ok {
		return binary.LittleEndian.Uint32(m.bytes(p+place(4*l), 4, false))
	}
	return m.vector[op.(reg.Register).ID().Index()][l]
}

func (m *Machine) all(op operand.Op, n int) []uint32 {
	v := make([]uint32, n)
	for l := range v {
		v[l] = m.lane(op, l)
	}
	return v
}

func move(m *Machine, op []operand.Op, out []uint32, live func(int) bool) {
	for l := range out {
		if live(l) {
			out[l] = m.lane(op[0], l)
		}
	}
}

func maskMove(m *Machine, op []operand.Op, out []uint32, live func(int) bool) { move(m, op, out, live) }

func broadcast(m *Machine, op []operand.Op, out []uint32, _ func(int) bool) {
	v := m.lane(op[0], 0)
	for l := range out {
		out[l] = v
	}
}

// lanes2 is out = f(second source, first source), the manuals' order.
func lanes2(f func(x, y uint32) uint32) vectorRun {
	return func(m *Machine, op []operand.Op, out []uint32, _ func(int) bool) {
		y, x := m.all(op[0], len(out)), m.all(op[1], len(out))
		for l := range out {
			out[l] = f(x[l], y[l])
		}
	}
}

// maximum returns y if the two are not ordered.
func maximum(x, y uint32) uint32 {
	if math.Float32frombits(x) > math.Float32frombits(y) {
		return x
	}
	return y
}

// quads works on each four lanes apart.
func quads(f func(q, y, x []uint32)) vectorRun {
	return func(m *Machine, op []operand.Op, out []uint32, _ func(int) bool) {
		y, x := m.all(op[0], len(out)), m.all(op[1], len(out))
		for l := 0; l < len(out); l += 4 {
			f(out[l:l+4], y[l:], x[l:])
		}
	}
}

func shuffle(m *Machine, op []operand.Op, out []uint32, live func(int) bool) {
	by := constant(op[0].(operand.Constant))
	quads(func(q, y, x []uint32) {
		copy(q, []uint32{x[by&3], x[by>>2&3], y[by>>4&3], y[by>>6&3]})
	})(m, op[1:], out, live)
}

func permuteHalves(m *Machine, op []operand.Op, out []uint32, _ func(int) bool) {
	by := constant(op[0].(operand.Constant))
	both := append(m.all(op[2], 8), m.all(op[1], 8)...)
	for half := range 2 {
		copy(out[4*half:][:4], both[4*(by>>(4*half)&3):])
	}
}

func fma231(m *Machine, op []operand.Op, out []uint32, _ func(int) bool) {
	y, x := m.all(op[0], len(out)), m.all(op[1], len(out))
	for l := range out {
		out[l] = math.Float32bits(FMA(math.Float32frombits(x[l]), math.Float32frombits(y[l]), math.Float32frombits(out[l])))
	}
}

// FMA is x y + z, rounded once. The product is exact in double precision; the sum is
// rounded there to the odd neighbour, so that rounding it once more cannot err
// (Boldo and Melquiond, 2008).
func FMA(x, y, z float32) float32 {
	p, c := float64(x)*float64(y), float64(z)
	s := p + c
	if math.IsInf(s, 0) || math.IsNaN(s) {
		return float32(s)
	}
	back := s - p
	if e := (p - (s - back)) + (c - back); e != 0 {
		bits := math.Float64bits(s)
		if (e > 0) != (s > 0) {
			bits-- // s is beyond the exact sum
		}
		s = math.Float64frombits(bits | 1)
	}
	return float32(s)
}
