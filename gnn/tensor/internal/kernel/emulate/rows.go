package emulate

import (
	"encoding/binary"
	"math"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// rows are the instructions of the kernels over rows that are no plain vector
// instructions: on words, on one number, with a mask register or memory of another
// width as the result.
var rows = map[string]func(*Machine, []operand.Op){
	"MOVLQSX": func(m *Machine, op []operand.Op) { m.setWord(op[1], uint64(int64(int32(m.lane(op[0], 0))))) },
	"IMULQ":   func(m *Machine, op []operand.Op) { m.setWord(op[1], m.word(op[1])*m.word(op[0])) },
	"SHLQ":    func(m *Machine, op []operand.Op) { m.setWord(op[1], m.word(op[1])<<m.word(op[0])) },
	"SHRQ":    func(m *Machine, op []operand.Op) { m.setWord(op[1], m.word(op[1])>>m.word(op[0])) },
	"XORQ":    func(m *Machine, op []operand.Op) { m.result(op[1], m.word(op[1])^m.word(op[0])) },
	"INCQ":    func(m *Machine, op []operand.Op) { m.result(op[0], m.word(op[0])+1) },
	"CMPL": func(m *Machine, op []operand.Op) {
		m.compare(uint64(int64(int32(m.lane(op[0], 0)))), constant(op[1].(operand.Constant)))
	},
	"CMOVQHI": func(m *Machine, op []operand.Op) {
		if v := m.word(op[0]); m.above {
			m.setWord(op[1], v)
		}
	},
	"PREFETCHT0": func(*Machine, []operand.Op) {},

	"VMOVSS": func(m *Machine, op []operand.Op) { m.setSingle(op[1], m.lane(op[0], 0)) },
	"VADDSS": singles(func(x, y float32) float32 { return x + y }),
	"VMULSS": singles(func(x, y float32) float32 { return x * y }),
	"VDIVSS": singles(func(x, y float32) float32 { return x / y }),
	"VSQRTSS": singles(func(_, y float32) float32 {
		return float32(math.Sqrt(float64(y)))
	}),
	"VCVTSI2SSQ": func(m *Machine, op []operand.Op) {
		m.setSingle(op[2], math.Float32bits(float32(int64(m.word(op[0])))))
	},
	"VMOVD": func(m *Machine, op []operand.Op) { m.setSingle(op[1], m.low(op[0])) },

	"VCMPPS": func(m *Machine, op []operand.Op) {
		by := constant(op[0].(operand.Constant))
		m.mark(op, func(y, x uint32) bool {
			fx, fy := math.Float32frombits(x), math.Float32frombits(y)
			switch by {
			case 0x11:
				return fx < fy
			case 0x1e:
				return fx > fy
			}
			panic(fault("unknown predicate"))
		})
	},
	"VPCMPEQD": func(m *Machine, op []operand.Op) {
		m.mark(op, func(y, x uint32) bool { return x == y })
	},
	"VBLENDVPS": func(m *Machine, op []operand.Op) { // mask, where set, where clear, result
		by, set, clear := m.all(op[0], 8), m.all(op[1], 8), m.all(op[2], 8)
		for l := range by {
			if by[l]>>31 != 0 {
				clear[l] = set[l]
			}
		}
		m.store(op[3], clear, every, false)
	},
	"VCVTPS2PH":     toHalf,
	"VEXTRACTF128":  func(m *Machine, op []operand.Op) { m.upper(op, 4) },
	"VEXTRACTF64X4": func(m *Machine, op []operand.Op) { m.upper(op, 8) },
	"VCVTPH2PS":     widen(halfBits),
	"VPMOVZXWD":     widen(func(h uint16) uint32 { return uint32(h) }),
	"VPBROADCASTD": func(m *Machine, op []operand.Op) {
		v, out := m.low(op[0]), make([]uint32, lanesOf(op[1]))
		for l := range out {
			out[l] = v
		}
		m.store(op[1], out, every, false)
	},
	"VPBROADCASTQ": func(m *Machine, op []operand.Op) {
		v, out := m.word(op[0]), make([]uint32, lanesOf(op[1]))
		for l := 0; l < len(out); l += 2 {
			out[l], out[l+1] = uint32(v), uint32(v>>32)
		}
		m.store(op[1], out, every, false)
	},
}

func every(int) bool { return true }

func lanesOf(op operand.Op) int { return int(op.(reg.Register).Size()) / 4 }

// low is the lowest 32 bits of a register or of memory.
func (m *Machine) low(op operand.Op) uint32 {
	if r, ok := op.(reg.Register); ok && r.Kind() == reg.KindGP {
		return uint32(m.general[r.ID().Index()])
	}
	return m.lane(op, 0)
}

// setSingle stores one number; the rest of a register becomes 0.
func (m *Machine) setSingle(op operand.Op, v uint32) {
	if p, ok := op.(place); ok {
		binary.LittleEndian.PutUint32(m.bytes(p, 4, true), v)
		return
	}
	m.store(op, []uint32{v}, every, false)
}

// singles is the lowest lane of f(second source, first source); the next three are the
// second source's.
func singles(f func(x, y float32) float32) func(*Machine, []operand.Op) {
	return func(m *Machine, op []operand.Op) {
		y, out := m.lane(op[0], 0), m.all(op[1], 4)
		out[0] = math.Float32bits(f(math.Float32frombits(out[0]), math.Float32frombits(y)))
		m.store(op[2], out, every, false)
	}
}

// mark compares lane by lane; the last two sources are those compared. The result is a
// mask register or lanes of all bits.
func (m *Machine) mark(op []operand.Op, holds func(y, x uint32) bool) {
	n := len(op)
	dst := op[n-1].(reg.Register)
	lanes := lanesOf(op[n-2])
	y, x := m.all(op[n-3], lanes), m.all(op[n-2], lanes)
	var bits uint64
	out := make([]uint32, lanes)
	for l := range out {
		if holds(y[l], x[l]) {
			bits |= 1 << l
			out[l] = 1<<32 - 1
		}
	}
	if dst.Kind() == reg.KindOpmask {
		m.opmask[dst.ID().Index()] = bits
		return
	}
	m.store(dst, out, every, false)
}

// upper stores the upper lanes of a vector twice as wide.
func (m *Machine) upper(op []operand.Op, lanes int) {
	m.store(op[2], m.all(op[1], 2*lanes)[lanes:], every, false)
}

func widen(f func(uint16) uint32) func(*Machine, []operand.Op) {
	return func(m *Machine, op []operand.Op) {
		out := make([]uint32, lanesOf(op[1]))
		from := m.bytes(op[0].(place), uintptr(2*len(out)), false)
		for l := range out {
			out[l] = f(binary.LittleEndian.Uint16(from[2*l:]))
		}
		m.store(op[1], out, every, false)
	}
}

// halfBits is a number of half precision, by arithmetic: no bits are shared with what
// it judges.
func halfBits(h uint16) uint32 {
	exponent, fraction := int(h>>10&31), float64(h&0x3ff)
	var v float64
	switch exponent {
	case 0:
		v = math.Ldexp(fraction, -24)
	case 31:
		v = math.Inf(1)
		if fraction != 0 {
			v = math.NaN()
		}
	default:
		v = math.Ldexp(1024+fraction, exponent-25)
	}
	if h>>15 != 0 {
		v = -v
	}
	return math.Float32bits(float32(v))
}

// rowVectors are the vector instructions of the kernels over rows.
var rowVectors = map[string]vectorRun{
	"VMOVAPS":      move,
	"VMOVDQA32":    move,
	"VADDPS":       numbers(func(x, y float32) float32 { return x + y }),
	"VSUBPS":       numbers(func(x, y float32) float32 { return x - y }),
	"VMULPS":       numbers(func(x, y float32) float32 { return x * y }),
	"VDIVPS":       numbers(func(x, y float32) float32 { return x / y }),
	"VMINPS":       lanes2(minimum),
	"VANDPS":       lanes2(func(x, y uint32) uint32 { return x & y }),
	"VPXOR":        lanes2(func(x, y uint32) uint32 { return x ^ y }),
	"VPXORQ":       lanes2(func(x, y uint32) uint32 { return x ^ y }),
	"VPADDD":       lanes2(func(x, y uint32) uint32 { return x + y }),
	"VPSUBD":       lanes2(func(x, y uint32) uint32 { return x - y }),
	"VPMAXUD":      lanes2(func(x, y uint32) uint32 { return max(x, y) }),
	"VPADDQ":       words(func(x, y uint64) uint64 { return x + y }),
	"VPMULUDQ":     words(func(x, y uint64) uint64 { return x & (1<<32 - 1) * (y & (1<<32 - 1)) }),
	"VPSRLQ":       shifts(func(x uint64, n uint) uint64 { return x >> n }),
	"VPSLLQ":       shifts(func(x uint64, n uint) uint64 { return x << n }),
	"VPSRAD":       shift32(func(x uint32, n uint) uint32 { return uint32(int32(x) >> n) }),
	"VPSLLD":       shift32(func(x uint32, n uint) uint32 { return x << n }),
	"VSQRTPS":      each(func(x float32) float32 { return float32(math.Sqrt(float64(x))) }),
	"VCVTDQ2PS":    each32(func(x uint32) uint32 { return math.Float32bits(float32(int32(x))) }),
	"VCVTPS2DQ":    each32(toInteger),
	"VHADDPS":      quads(sumPairs),
	"VFMADD213PS":  fused(func(y, x, z float32) float32 { return FMA(x, z, y) }),
	"VFNMADD231PS": fused(func(y, x, z float32) float32 { return FMA(-x, y, z) }),
}

func numbers(f func(x, y float32) float32) vectorRun {
	return lanes2(func(x, y uint32) uint32 {
		return math.Float32bits(f(math.Float32frombits(x), math.Float32frombits(y)))
	})
}

// minimum returns y if the two are not ordered.
func minimum(x, y uint32) uint32 {
	if math.Float32frombits(x) < math.Float32frombits(y) {
		return x
	}
	return y
}

// words works on lanes of 64 bits.
func words(f func(x, y uint64) uint64) vectorRun {
	return func(m *Machine, op []operand.Op, out []uint32, _ func(int) bool) {
		y, x := m.all(op[0], len(out)), m.all(op[1], len(out))
		for l := 0; l < len(out); l += 2 {
			v := f(uint64(x[l+1])<<32|uint64(x[l]), uint64(y[l+1])<<32|uint64(y[l]))
			out[l], out[l+1] = uint32(v), uint32(v>>32)
		}
	}
}

func shifts(f func(x uint64, n uint) uint64) vectorRun {
	return func(m *Machine, op []operand.Op, out []uint32, live func(int) bool) {
		n := uint(constant(op[0].(operand.Constant)))
		words(func(x, _ uint64) uint64 { return f(x, n) })(m, []operand.Op{op[1], op[1]}, out, live)
	}
}

func shift32(f func(x uint32, n uint) uint32) vectorRun {
	return func(m *Machine, op []operand.Op, out []uint32, live func(int) bool) {
		n := uint(constant(op[0].(operand.Constant)))
		each32(func(x uint32) uint32 { return f(x, n) })(m, op[1:], out, live)
	}
}

func each(f func(x float32) float32) vectorRun {
	return each32(func(x uint32) uint32 { return math.Float32bits(f(math.Float32frombits(x))) })
}

func each32(f func(x uint32) uint32) vectorRun {
	return func(m *Machine, op []operand.Op, out []uint32, _ func(int) bool) {
		for l, x := range m.all(op[0], len(out)) {
			out[l] = f(x)
		}
	}
}

// toInteger rounds to the nearest, ties to even; what does not fit is the least integer.
func toInteger(x uint32) uint32 {
	v := math.RoundToEven(float64(math.Float32frombits(x)))
	if !(v >= math.MinInt32 && v <= math.MaxInt32) {
		return 1 << 31
	}
	return uint32(int32(v))
}

func sumPairs(q, y, x []uint32) {
	add := func(a, b uint32) uint32 {
		return math.Float32bits(math.Float32frombits(a) + math.Float32frombits(b))
	}
	copy(q, []uint32{add(x[0], x[1]), add(x[2], x[3]), add(y[0], y[1]), add(y[2], y[3])})
}

// fused gives f the first source, the second and the result's old value.
func fused(f func(y, x, z float32) float32) vectorRun {
	return func(m *Machine, op []operand.Op, out []uint32, _ func(int) bool) {
		y, x := m.all(op[0], len(out)), m.all(op[1], len(out))
		for l := range out {
			out[l] = math.Float32bits(f(math.Float32frombits(y[l]), math.Float32frombits(x[l]), math.Float32frombits(out[l])))
		}
	}
}

// toHalf stores numbers rounded to half precision, to the nearest and ties to even.
func toHalf(m *Machine, op []operand.Op) {
	if constant(op[0].(operand.Constant)) != 0 {
		panic(fault("unknown rounding"))
	}
	lanes := lanesOf(op[1])
	to := m.bytes(op[2].(place), uintptr(2*lanes), true)
	for l, x := range m.all(op[1], lanes) {
		binary.LittleEndian.PutUint16(to[2*l:], roundHalf(math.Float32frombits(x)))
	}
}

func roundHalf(x float32) uint16 {
	var sign uint16
	v := float64(x)
	if math.Signbit(v) {
		sign, v = 0x8000, -v
	}
	if v != v {
		return sign | 0x7e00 | uint16(math.Float32bits(x)>>13&0x3ff)
	}
	_, e := math.Frexp(v)
	e = max(e-1, -14) // v = f 2^e with f < 2
	steps := math.RoundToEven(math.Ldexp(v, 10-e))
	switch {
	case e > 15 || math.Ldexp(steps, e-10) >= 65536:
		return sign | 0x7c00
	case v == 0 || steps < 1024: // below 2^-14
		return sign | uint16(steps)
	}
	return sign | uint16(e+14)<<10 + uint16(steps) // a carry moves into the exponent
}
