//go:build amd64 && !noasm && !real64

package kernel

import (
	"math"
	"testing"
	"unsafe"

	"github.com/mmcloughlin/avo/ir"
	"pgregory.net/rapid"

	"github.com/rowlink/rowlink/gnn/tensor/internal/kernel/emulate"
	"github.com/rowlink/rowlink/gnn/tensor/internal/kernel/gen"
)

// emulator runs the functions of the assembly files instruction by instruction.
type emulator struct {
	functions map[string]*ir.Function
	steps     int // instructions run so far
}

func newEmulator(t *testing.T) *emulator {
	t.Helper()
	e := &emulator{functions: map[string]*ir.Function{}}
	for _, file := range []string{"gemm_avx2_amd64.s", "gemm_avx512_amd64.s", "pack_avx2_amd64.s"} {
		f, err := gen.Compile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, fn := range f.Functions() {
			e.functions[fn.Name] = fn
		}
	}
	return e
}

func word[T any](p *T) uint64 { return uint64(uintptr(unsafe.Pointer(p))) }

// strip computes one strip, as [vectors.strip] does. Nothing but the product's own
// slices may be touched.
func (e *emulator) strip(w vectors, s *strip, x *Product, i, p, j int, copied []Real) error {
	name := map[vectors]string{ymm: "stripAVX2", zmm: "stripAVX512"}[w]
	if w.place(s, x, i, p, j) {
		name += "Half"
	}
	args := []strip{*s}
	m := &emulate.Machine{}
	emulate.Allow(m, args, false)
	emulate.Allow(m, x.A, false)
	emulate.Allow(m, x.B, false)
	emulate.Allow(m, x.Bias, false)
	emulate.Allow(m, zeros[:], false)
	emulate.Allow(m, copied, false)
	emulate.Allow(m, x.C, true)
	if s.mask != nil {
		emulate.Allow(m, s.mask[:], false)
	}
	return e.call(m, name, word(&args[0]))
}

func (e *emulator) call(m *emulate.Machine, name string, args ...uint64) error {
	err := m.Call(e.functions[name], args...)
	e.steps += m.Steps
	return err
}

// mul is [vectors.mul] with emulated strips and copies.
func (e *emulator) mul(w vectors, x Product) error {
	for i := 0; i < x.M && x.N > 0; i += blockRows {
		for p := 0; p == 0 || p < x.K; p += deepest {
			s := w.block(&x, i, p)
			var copied []Real
			if w.copiesA(&x) {
				copied = make([]Real, ceil(s.rows, w.tall())*w.tall()*s.k)
				if err := e.packA(w, copied, from(x.A, p*x.ACol+i), s.rows, s.k, x.ACol); err != nil {
					return err
				}
				w.readCopy(&s, copied)
			}
			for j := 0; j < x.N; j += int(w) {
				if err := e.strip(w, &s, &x, i, p, j, copied); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// packA compares the emulated copy of whole panels with [vectors.packA], which also
// copies the last one.
func (e *emulator) packA(w vectors, dst, a []Real, rows, k, col int) error {
	w.packA(dst, a, rows, k, col)
	tall := w.tall()
	name := map[vectors]string{ymm: "copySix", zmm: "copyTwelve"}[w]
	for i := 0; i+tall <= rows && k > 0; i += tall {
		panel := dst[i*k:][:tall*k]
		clear(panel)
		if err := e.copy(name, panel, tall, a[i:], col, k); err != nil {
			return err
		}
	}
	return nil
}

func (e *emulator) copy(name string, to []Real, toStep int, from []Real, fromStep, rows int, more ...uint64) error {
	m := &emulate.Machine{}
	emulate.Allow(m, from, false)
	emulate.Allow(m, to, true)
	emulate.Allow(m, columnMasks[:], false)
	return e.call(m, name, append([]uint64{word(&to[0]), uint64(toStep * size), word(&from[0]), uint64(fromStep * size), uint64(rows)}, more...)...)
}

// drawProduct draws a shape with odd sizes, rows longer than they need be, and any
// start; B is packed for w.
func drawProduct(t *rapid.T, w vectors) (x Product, b []Real, row, col int) {
	side := rapid.OneOf(rapid.IntRange(0, 40), rapid.SampledFrom([]int{1, 6, 8, 12, 16, 32, 64}))
	x = Product{M: side.Draw(t, "m"), N: side.Draw(t, "n"), K: side.Draw(t, "k")}
	if rapid.IntRange(0, 9).Draw(t, "deep") == 0 {
		x.K += deepest
	}
	gap := rapid.IntRange(0, 3)
	x.ARow, x.ACol = x.K+gap.Draw(t, "gap of A"), 1
	if rapid.Bool().Draw(t, "transposed A") {
		x.ARow, x.ACol = 1, x.M+gap.Draw(t, "gap of A")
		if rapid.Bool().Draw(t, "far") {
			x.ACol += farRows
		}
	}
	x.CRow = x.N + gap.Draw(t, "gap of C")
	x.A, x.C = make([]Real, reach(x.M, x.ARow, x.K, x.ACol)), make([]Real, reach(x.M, x.CRow, x.N, 1))
	fill(x.A, 1)
	fill(x.C, 2)
	row, col = x.N, 1
	if rapid.Bool().Draw(t, "transposed B") {
		row, col = 1, x.K
	}
	b = make([]Real, x.K*x.N)
	fill(b, 3)
	x.B = make([]Real, w.packedLen(x.K, x.N))
	w.pack(x.B, x.K, x.N, b, row, col)
	switch rapid.IntRange(0, 2).Draw(t, "start") {
	case 1:
		x.Add = true
	case 2:
		x.Bias = make([]Real, x.N)
		fill(x.Bias, 4)
	}
	x.ReLU = rapid.Bool().Draw(t, "relu")
	return x, b, row, col
}

// reach is the least length of a slice that holds a matrix.
func reach(rows, row, cols, col int) int {
	if rows == 0 || cols == 0 {
		return 0
	}
	return (rows-1)*row + (cols-1)*col + 1
}

// The emulator must give the bits of the hardware before it may judge machine code
// that this hardware cannot run.
func TestEmulator_givesTheBitsOfTheHardware(t *testing.T) {
	if what := lacksAVX2(); what != "" {
		t.Skip("this CPU lacks " + what)
	}
	e := newEmulator(t)
	rapid.Check(t, func(t *rapid.T) {
		x, _, _, _ := drawProduct(t, ymm)
		emulated := x
		emulated.C = append([]Real(nil), x.C...)
		ymm.mul(x)
		if err := e.mul(ymm, emulated); err != nil {
			t.Fatal(err)
		}
		sameBits(t, emulated.C, x.C)
	})
}

func sameBits(t *rapid.T, got, want []Real) {
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			t.Fatalf("element %d is %v, want %v", i, got[i], want[i])
		}
	}
}

// No CPU with AVX-512 is needed: its strips, emulated, against plain Go, every access
// outside of the operands being an error; and since both paths add up in one order,
// bit by bit against the fused sums written as a loop.
func TestStripAVX512_emulated(t *testing.T) {
	e := newEmulator(t)
	rapid.Check(t, func(t *rapid.T) {
		x, b, row, col := drawProduct(t, zmm)
		twin, exact := x, x
		twin.C, exact.C = append([]Real(nil), x.C...), append([]Real(nil), x.C...)
		twin.B = make([]Real, plain.PackedLen(x.K, x.N))
		plain.Pack(twin.B, x.K, x.N, b, row, col)
		plain.Mul(twin)
		fusedSums(exact, b, row, col)
		if err := e.mul(zmm, x); err != nil {
			t.Fatal(err)
		}
		for i := range x.C {
			if d := math.Abs(float64(x.C[i] - twin.C[i])); !(d <= 8*Epsilon*math.Max(float64(x.K), 4)) {
				t.Fatalf("element %d is %v, plain Go has %v", i, x.C[i], twin.C[i])
			}
		}
		sameBits(t, x.C, exact.C)
	})
}

// fusedSums is the product as the strips promise it.
func fusedSums(x Product, b []Real, row, col int) {
	for i := range x.M {
		for j := range x.N {
			c := &x.C[i*x.CRow+j]
			var sum Real
			switch {
			case x.Add:
				sum = *c
			case x.Bias != nil:
				sum = x.Bias[j]
			}
			for p := range x.K {
				sum = emulate.FMA(x.A[i*x.ARow+p*x.ACol], b[p*row+j*col], sum)
			}
			if x.ReLU {
				sum = max(sum, 0)
			}
			*c = sum
		}
	}
}

// The hardware path, too, must add up in that order: then the paths agree bit by bit.
func TestStripAVX2_addsUpInOrder(t *testing.T) {
	if what := lacksAVX2(); what != "" {
		t.Skip("this CPU lacks " + what)
	}
	rapid.Check(t, func(t *rapid.T) {
		x, b, row, col := drawProduct(t, ymm)
		exact := x
		exact.C = append([]Real(nil), x.C...)
		ymm.mul(x)
		fusedSums(exact, b, row, col)
		sameBits(t, x.C, exact.C)
	})
}

// The copies, emulated and on the hardware.
func TestCopies(t *testing.T) {
	if what := lacksAVX2(); what != "" {
		t.Skip("this CPU lacks " + what)
	}
	e := newEmulator(t)
	rapid.Check(t, func(t *rapid.T) {
		rows, cols := rapid.IntRange(1, 20).Draw(t, "rows"), rapid.IntRange(1, 16).Draw(t, "cols")
		from := make([]Real, rows*cols)
		fill(from, 1)
		got, emulated, want := make([]Real, rows*16), make([]Real, rows*16), make([]Real, rows*16)
		for i := range rows {
			copy(want[i*16:], from[i*cols:][:cols])
		}
		copyColumns(&got[0], 16*size, &from[0], cols*size, rows, &columnMasks[cols])
		if err := e.copy("copyColumns", emulated, 16, from, cols, rows, word(&columnMasks[cols])); err != nil {
			t.Fatal(err)
		}
		sameBits(t, got, want)
		sameBits(t, emulated, want)

		squares := rapid.IntRange(1, 3).Draw(t, "squares")
		long := make([]Real, 8*(8*squares+rows))
		fill(long, 2)
		step := 8*squares + rows
		got, emulated, want = make([]Real, squares*64), make([]Real, squares*64), make([]Real, squares*64)
		for p := range 8 * squares {
			for j := range 8 {
				want[p*8+j] = long[j*step+p]
			}
		}
		transposeRows(&got[0], 8*size, &long[0], step*size, squares)
		if err := e.copy("transposeRows", emulated, 8, long, step, squares); err != nil {
			t.Fatal(err)
		}
		sameBits(t, got, want)
		sameBits(t, emulated, want)
	})
}

// The instructions per operation of a product of 128 x 128 weights, a regression of
// which no clock is needed to see: a tile of 6 x 16 has 12 fused steps of 16
// operations in about 22 instructions, one of 12 x 32 has 24 of 32 in 40.
func TestStrips_instructionsPerOperation(t *testing.T) {
	e := newEmulator(t)
	for w, most := range map[vectors]float64{ymm: 0.1208, zmm: 0.0547} {
		x := Product{M: 24, N: 128, K: 128, A: make([]Real, 24*128), ARow: 128, ACol: 1, C: make([]Real, 24*128), CRow: 128}
		x.B = make([]Real, w.packedLen(x.K, x.N))
		e.steps = 0
		if err := e.mul(w, x); err != nil {
			t.Fatal(err)
		}
		if per := float64(e.steps) / float64(2*x.M*x.N*x.K); per > most || per < most*0.9 {
			t.Errorf("panels of %d columns: %.4f instructions per operation, want %.4f at most; write the new figure here and in docs/log.md", w, per, most)
		} else {
			t.Logf("panels of %d columns: %.4f instructions per operation", w, per)
		}
	}
}
