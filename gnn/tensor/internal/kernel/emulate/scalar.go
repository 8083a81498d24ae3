package emulate

import (
	"encoding/binary"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// scalar are the instructions on words; the flags kept are those of signed
// comparisons, which need no overflow here.
var scalar = map[string]func(*Machine, []operand.Op){
	"MOVQ": func(m *Machine, op []operand.Op) { m.setWord(op[1], m.word(op[0])) },
	"LEAQ": func(m *Machine, op []operand.Op) { m.setWord(op[1], uint64(op[0].(place))) },
	"ADDQ": func(m *Machine, op []operand.Op) { m.result(op[1], m.word(op[1])+m.word(op[0])) },
	"DECQ": func(m *Machine, op []operand.Op) { m.result(op[0], m.word(op[0])-1) },
	"SUBQ": func(m *Machine, op []operand.Op) {
		x, y := m.word(op[1]), m.word(op[0])
		m.setWord(op[1], x-y)
		m.compare(x, y)
	},
	"CMPQ": func(m *Machine, op []operand.Op) { m.compare(m.word(op[0]), m.word(op[1])) },
	"TESTQ": func(m *Machine, op []operand.Op) {
		m.compare(m.word(op[0])&m.word(op[1]), 0)
	},
	"KMOVW": func(m *Machine, op []operand.Op) {
		m.opmask[op[1].(reg.Register).ID().Index()] = uint64(binary.LittleEndian.Uint16(m.bytes(op[0].(place), 2, false)))
	},
	"PREFETCHT0": func(*Machine, []operand.Op) {}, // a hint
	"VZEROUPPER": func(m *Machine, _ []operand.Op) {
		for i := range 16 {
			clear(m.vector[i][4:])
		}
	},
}

func (m *Machine) compare(x, y uint64) {
	m.less, m.equal, m.above = int64(x) < int64(y), x == y, x > y
}

func (m *Machine) result(op operand.Op, v uint64) {
	m.setWord(op, v)
	m.compare(v, 0)
}
