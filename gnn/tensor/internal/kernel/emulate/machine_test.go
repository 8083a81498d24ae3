package emulate

import (
	"math"
	"math/big"
	"strings"
	"testing"
	"unsafe"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/pass"
	"pgregory.net/rapid"
)

// compile returns the one function that describe builds.
func compile(t *testing.T, describe func(*build.Context)) *ir.Function {
	t.Helper()
	c := build.NewContext()
	c.Function("f")
	c.SignatureExpr("func(at uintptr)")
	describe(c)
	c.RET()
	f, err := c.Result()
	if err == nil {
		err = pass.Compile.Execute(f)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f.Functions()[0]
}

func pointer(x []float32) uint64 { return uint64(uintptr(unsafe.Pointer(&x[0]))) }

// copyEight copies eight numbers to the eight behind them.
func copyEight(c *build.Context) {
	at := c.Load(c.Param("at"), c.GP64())
	v := c.YMM()
	c.VMOVUPS(operand.Mem{Base: at}, v)
	c.ADDQ(operand.I8(32), at)
	c.VMOVUPS(v, operand.Mem{Base: at})
}

func TestCall_memoryOutside(t *testing.T) {
	f := compile(t, copyEight)
	for _, c := range []struct {
		cells int
		write bool
		want  string
	}{{16, true, ""}, {16, false, "writes"}, {15, true, "writes"}, {7, true, "reads"}} {
		x := make([]float32, 16)
		for i := range x {
			x[i] = float32(i)
		}
		m := &Machine{}
		Allow(m, x[:c.cells], c.write)
		err := m.Call(f, pointer(x))
		if c.want == "" && (err != nil || x[15] != 7) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want+" 4 bytes outside")) {
			t.Errorf("%d cells: error %v, last cell %v; want %q", c.cells, err, x[15], c.want)
		}
	}
}

func TestCall_unknownInstruction(t *testing.T) {
	err := new(Machine).Call(compile(t, func(c *build.Context) { c.CPUID() }))
	if err == nil || !strings.Contains(err.Error(), "CPUID: unknown instruction") {
		t.Fatalf("error %v", err)
	}
}

// FMA against arithmetic of 200 bits, also where the sum cancels.
func TestFMA(t *testing.T) {
	number := rapid.Custom(func(t *rapid.T) float32 {
		return float32(math.Ldexp(float64(rapid.Int32Range(-1<<24, 1<<24).Draw(t, "mantissa")), rapid.IntRange(-40, 20).Draw(t, "exponent")))
	})
	rapid.Check(t, func(t *rapid.T) {
		x, y := number.Draw(t, "x"), number.Draw(t, "y")
		z := rapid.OneOf(number, rapid.Just(-x*y)).Draw(t, "z")
		exact := func(v float32) *big.Float { return new(big.Float).SetPrec(200).SetFloat64(float64(v)) }
		want, _ := exact(z).Add(exact(z), new(big.Float).SetPrec(200).Mul(exact(x), exact(y))).Float32()
		if got := FMA(x, y, z); got != want {
			t.Fatalf("fma(%v, %v, %v) = %v, want %v", x, y, z, got, want)
		}
	})
}
