// Package emulate runs the generator's functions instruction by instruction, for
// tests: machine code for vectors that this CPU lacks can be tried, and every access
// to memory outside of what the test allowed is an error. It knows the instructions
// of the kernels; an unknown one is an error too.
package emulate

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Machine is the state of a processor, and the memory that a function may touch.
type Machine struct {
	Steps int // instructions run by the last Call

	general [16]uint64
	vector  [32][16]uint32
	opmask  [8]uint64
	less    bool // of the last result: signed, x < y
	equal   bool
	above   bool // unsigned, x > y
	regions []region
	labels  map[ir.Label]int
}

// region is memory of this process that may be touched.
type region struct {
	at    unsafe.Pointer
	size  uintptr
	write bool
}

// Allow lets the function read the elements of x, and with write also change them.
func Allow[T any](m *Machine, x []T, write bool) {
	var zero T
	m.regions = append(m.regions, region{unsafe.Pointer(unsafe.SliceData(x)), uintptr(len(x)) * unsafe.Sizeof(zero), write})
}

// AllowAt is Allow for size bytes at an address.
func AllowAt(m *Machine, at unsafe.Pointer, size uintptr, write bool) {
	m.regions = append(m.regions, region{at, size, write})
}

// endless is more steps than any test needs.
const endless = 100_000_000

// fault is an error of the running function.
type fault string

// Call runs a function whose arguments are words of eight bytes.
func (m *Machine) Call(f *ir.Function, args ...uint64) (err error) {
	words, locals := len(m.regions), make([]byte, f.LocalSize)
	Allow(m, args, false)
	Allow(m, locals, true)
	defer func() { m.regions = m.regions[:words] }()
	code := m.load(f)
	var at int
	defer func() {
		if what := recover(); what != nil {
			why, ok := what.(fault)
			if !ok {
				panic(what)
			}
			err = fmt.Errorf("%s, instruction %d, %s: %s", f.Name, at, text(code[at]), why)
		}
	}()
	frame := frame{args: uint64(uintptr(unsafe.Pointer(unsafe.SliceData(args)))), locals: uint64(uintptr(unsafe.Pointer(unsafe.SliceData(locals))))}
	for m.Steps = 0; code[at].Opcode != "RET"; m.Steps++ {
		if m.Steps == endless {
			panic(fault("the function does not end"))
		}
		at = m.step(code[at], frame, at)
	}
	return nil
}

// frame is where the arguments and the local variables of the call lie.
type frame struct{ args, locals uint64 }

// load lists the instructions and the labels, and forgets the registers: a function
// that reads what it did not write shall not find the last call's values.
func (m *Machine) load(f *ir.Function) []*ir.Instruction {
	var code []*ir.Instruction
	m.labels = map[ir.Label]int{}
	for _, n := range f.Nodes {
		switch n := n.(type) {
		case ir.Label:
			m.labels[n] = len(code)
		case *ir.Instruction:
			code = append(code, n)
		}
	}
	for i := range m.general {
		m.general[i] = 0xdead0000dead0000
	}
	for i := range m.vector {
		for l := range m.vector[i] {
			m.vector[i][l] = 0x7fc0dead // not a number
		}
	}
	for i := range m.opmask {
		m.opmask[i] = 0xdeaddeaddeaddead
	}
	return code
}

func text(i *ir.Instruction) string {
	s := i.OpcodeWithSuffixes()
	for _, op := range i.Operands {
		s += " " + op.Asm()
	}
	return s
}

// step runs one instruction and returns the number of the next.
func (m *Machine) step(i *ir.Instruction, f frame, at int) int {
	if i.IsBranch {
		if m.taken(i.Opcode) {
			return m.labels[*i.TargetLabel()]
		}
		return at + 1
	}
	ops := make([]operand.Op, len(i.Operands))
	for k, op := range i.Operands {
		ops[k] = m.resolve(op, f)
	}
	if run := scalar[i.Opcode]; run != nil {
		run(m, ops)
	} else if run := rows[i.Opcode]; run != nil {
		run(m, ops)
	} else if run := vectors[i.Opcode]; run != nil {
		m.masked(i, ops, run)
	} else if run := rowVectors[i.Opcode]; run != nil {
		m.masked(i, ops, run)
	} else {
		panic(fault("unknown instruction"))
	}
	return at + 1
}

func (m *Machine) taken(opcode string) bool {
	switch opcode {
	case "JMP":
		return true
	case "JLT":
		return m.less
	case "JLE":
		return m.less || m.equal
	case "JGE":
		return !m.less
	case "JEQ":
		return m.equal
	case "JNE":
		return !m.equal
	}
	panic(fault("unknown branch"))
}

// place is an operand in memory, its address being known.
type place uint64

// Asm makes place an operand.
func (p place) Asm() string { return fmt.Sprintf("%#x", uint64(p)) }

// resolve computes the address of an operand in memory.
func (m *Machine) resolve(op operand.Op, f frame) operand.Op {
	mem, ok := op.(operand.Mem)
	if !ok {
		return op
	}
	at := uint64(mem.Disp)
	switch {
	case mem.Base == reg.FramePointer:
		at += f.args
	case mem.Base == reg.StackPointer:
		at += f.locals
	default:
		at += m.general[mem.Base.ID().Index()]
	}
	if mem.Index != nil {
		at += m.general[mem.Index.ID().Index()] * uint64(mem.Scale)
	}
	return place(at)
}

// bytes returns n bytes of memory.
func (m *Machine) bytes(p place, n uintptr, write bool) []byte {
	for _, r := range m.regions {
		if off := uintptr(p) - uintptr(r.at); off < r.size && off+n <= r.size && (r.write || !write) {
			return unsafe.Slice((*byte)(unsafe.Add(r.at, off)), n)
		}
	}
	what := "reads"
	if write {
		what = "writes"
	}
	panic(fault(fmt.Sprintf("%s %d bytes outside of the memory that was allowed", what, n)))
}

func (m *Machine) word(op operand.Op) uint64 {
	switch op := op.(type) {
	case place:
		return binary.LittleEndian.Uint64(m.bytes(op, 8, false))
	case reg.Register:
		if op.Size() == 8 && op.Kind() == reg.KindGP {
			return m.general[op.ID().Index()]
		}
	case operand.Constant:
		return constant(op)
	}
	panic(fault("operand is no word"))
}

func (m *Machine) setWord(op operand.Op, v uint64) {
	switch op := op.(type) {
	case place:
		binary.LittleEndian.PutUint64(m.bytes(op, 8, true), v)
		return
	case reg.Register:
		if op.Size() == 8 && op.Kind() == reg.KindGP {
			m.general[op.ID().Index()] = v
			return
		}
	}
	panic(fault("operand is no word"))
}

// constant extends an immediate by its sign.
func constant(c operand.Constant) uint64 {
	switch c := c.(type) {
	case operand.I8:
		return uint64(int64(c))
	case operand.I32:
		return uint64(int64(c))
	case operand.U8:
		return uint64(int64(int8(c)))
	case operand.U32:
		return uint64(int64(int32(c)))
	}
	panic(fault("unknown immediate"))
}
