//go:build amd64 && !noasm && !real64

package kernel

import (
	"testing"
	"unsafe"

	"github.com/mmcloughlin/avo/ir"

	"github.com/rowlink/rowlink/gnn/tensor/internal/kernel/emulate"
	"github.com/rowlink/rowlink/gnn/tensor/internal/kernel/gen"
)

// rowEmulator runs the kernels over rows of one instruction set instruction by
// instruction. Any access to memory outside of the arguments fails the test.
type rowEmulator struct {
	t         *testing.T
	set       rowVectors
	functions map[string]*ir.Function
}

func newRowEmulator(t *testing.T, set rowVectors) *rowEmulator {
	t.Helper()
	file := map[rowVectors]string{false: "rows_avx2_amd64.s", true: "rows_avx512_amd64.s"}[set]
	f, err := gen.Compile(file)
	if err != nil {
		t.Fatal(err)
	}
	e := &rowEmulator{t, set, map[string]*ir.Function{}}
	for _, fn := range f.Functions() {
		e.functions[fn.Name] = fn
	}
	return e
}

// call runs a kernel; out are the lists that it may write, in those that it may read.
func (e *rowEmulator) call(name string, fill func(a *rowArgs), out, in []any) {
	e.t.Helper()
	args := make([]rowArgs, 1)
	fill(&args[0])
	m := &emulate.Machine{}
	emulate.Allow(m, args, true)
	emulate.Allow(m, unsafe.Slice((*byte)(e.set.table()), len(constants[0])*64), false)
	for _, s := range out {
		allow(m, s, true)
	}
	for _, s := range in {
		allow(m, s, false)
	}
	name += map[rowVectors]string{false: "AVX2", true: "AVX512"}[e.set]
	if err := m.Call(e.functions[name], word(&args[0])); err != nil {
		e.t.Fatal(err)
	}
}

func allow(m *emulate.Machine, list any, write bool) {
	switch s := list.(type) {
	case []Real:
		emulate.Allow(m, s, write)
	case []int32:
		emulate.Allow(m, s, write)
	case []uint16:
		emulate.Allow(m, s, write)
	case []Term:
		emulate.Allow(m, s, write)
		for _, t := range s { // what is read beyond the matrix shows in the result
			emulate.AllowAt(m, t.rows, termBytes, write)
			if t.index != nil {
				emulate.AllowAt(m, t.index, termBytes, write)
			}
			if t.by != nil {
				emulate.AllowAt(m, t.by, termBytes, write)
			}
		}
	default:
		panic("list of another type")
	}
}

// termBytes is more than the matrices of all tests have, whose sizes a term hides.
const termBytes = 1 << 20

// path returns plain Go with the emulated kernels.
func (e *rowEmulator) path() *Path {
	p, v := plain, e.set
	p.Name = "emulated"
	list := func(s ...any) []any { return s }
	p.Rows = Rows{
		SegmentSum: func(dst, x []Real, cols int, ptr, src []int32, mode Mode) {
			e.call("segmentSum", func(a *rowArgs) { a.segmentSum(v, dst, x, cols, ptr, src, mode) }, list(dst), list(x, ptr, src))
		},
		SegmentMix: func(dst, x []Real, cols int, ptr, src []int32, w []Real, heads int, mode Mode) {
			e.call("segmentMix", func(a *rowArgs) { a.segmentMix(v, dst, x, cols, ptr, src, w, heads, mode) }, list(dst), list(x, ptr, src, w))
		},
		SegmentUnmix: func(dst, g []Real, cols int, ptr, to, edge []int32, w []Real, heads int, mode Mode) {
			e.call("segmentUnmix", func(a *rowArgs) { a.segmentUnmix(v, dst, g, cols, ptr, to, edge, w, heads, mode) }, list(dst), list(g, ptr, to, edge, w))
		},
		SegmentMax: func(dst []Real, arg []int32, x []Real, cols int, ptr, src []int32, mode Mode) {
			e.call("segmentMax", func(a *rowArgs) { a.segmentMax(v, dst, arg, x, cols, ptr, src, mode) }, list(dst, arg), list(x, ptr, src))
		},
		SegmentMaxBack: func(dst, g []Real, arg []int32, cols int, ptr, to, edge []int32, mode Mode) {
			e.call("segmentMaxBack", func(a *rowArgs) { a.segmentMaxBack(v, dst, g, arg, cols, ptr, to, edge, mode) }, list(dst), list(g, arg, ptr, to, edge))
		},
		GatherRows: func(dst, x []Real, cols int, idx []int32, mode Mode) {
			e.call("gatherRows", func(a *rowArgs) { a.gatherRows(v, dst, x, cols, idx, mode) }, list(dst), list(x, idx))
		},
		SumTerms: func(dst []Real, cols, lo int, terms []Term) {
			e.call("sumTerms", func(a *rowArgs) { a.sumTerms(v, dst, cols, lo, terms) }, list(dst), list(terms))
		},
		ColumnSums: func(dst, x, y []Real) {
			e.call("columnSums", func(a *rowArgs) { a.columnSums(v, dst, x, y) }, list(dst), list(x, y))
		},
		NormRows: func(n Norm) {
			e.call("normRows", func(a *rowArgs) { a.normRows(v, n) }, list(n.Dst, n.Stats), list(n.X, n.Gamma, n.Beta, n.Residual))
		},
		NormBack: func(n Norm) {
			both := unsafe.Slice(unsafe.SliceData(n.DGamma), 2*n.Cols)
			e.call("normBack", func(a *rowArgs) { a.normBack(v, n) }, list(n.DX, both), list(n.X, n.Gamma, n.Beta, n.Stats, n.G))
		},
		Scan: func(s Scan) {
			e.call("scanRows", func(a *rowArgs) { a.scan(s) }, list(s.Dst), list(s.X, s.A))
		},
	}
	p.Flat = Flat{
		Scale: func(dst []Real, r Real, x []Real) {
			e.call("scale", func(a *rowArgs) { a.scale(v, dst, r, x) }, list(dst), list(x))
		},
		Product: func(dst, x, y []Real, mode Mode) {
			e.call("product", func(a *rowArgs) { a.product(v, dst, x, y, mode) }, list(dst), list(x, y))
		},
		ReLU: func(dst, x []Real) { e.call("relu", func(a *rowArgs) { a.relu(v, dst, x) }, list(dst), list(x)) },
		ReLUBack: func(dst, g, y []Real, mode Mode) {
			e.call("reluBack", func(a *rowArgs) { a.reluBack(v, dst, g, y, mode) }, list(dst), list(g, y))
		},
		Exp:     func(dst, x []Real) { e.call("exp", func(a *rowArgs) { a.exp(v, dst, x) }, list(dst), list(x)) },
		Log1p:   func(dst, x []Real) { e.call("log1p", func(a *rowArgs) { a.exp(v, dst, x) }, list(dst), list(x)) },
		Sigmoid: func(dst, x []Real) { e.call("sigmoid", func(a *rowArgs) { a.sigmoid(v, dst, x) }, list(dst), list(x)) },
		SiLU:    func(dst, x []Real) { e.call("sigmoid", func(a *rowArgs) { a.silu(v, dst, x) }, list(dst), list(x)) },
		Dropout: func(dst, x []Real, d Dropout, mode Mode) {
			e.call("dropout", func(a *rowArgs) { a.dropout(v, dst, x, d, mode) }, list(dst), list(x))
		},
	}
	p.Halves = Halves{
		FromHalf:  func(dst []float32, src []uint16) { e.convert("fromHalf", dst, src, plainFromHalf) },
		FromBrain: func(dst []float32, src []uint16) { e.convert("fromBrain", dst, src, plainFromBrain) },
		ToHalf: func(dst []uint16, src []float32) {
			n := len(src) &^ 15
			e.call("toHalf", func(a *rowArgs) {
				a.n[argCols], a.p[0], a.p[1] = v.whole(n), addr(dst), addr(src)
			}, list(dst), list(src))
			plainToHalf(dst[n:], src[n:])
		},
		GatherHalf: func(dst []float32, x []uint16, cols int, idx []int32) {
			e.gather("gatherHalf", dst, x, cols, idx, plainFromHalf)
		},
		GatherBrain: func(dst []float32, x []uint16, cols int, idx []int32) {
			e.gather("gatherBrain", dst, x, cols, idx, plainFromBrain)
		},
	}
	p.Add = func(dst, x []Real) { e.call("add", func(a *rowArgs) { a.add(v, dst, x) }, list(dst), list(x)) }
	p.Axpy = func(dst []Real, r Real, x []Real) {
		e.call("axpy", func(a *rowArgs) { a.axpy(v, dst, r, x) }, list(dst), list(x))
	}
	p.Adam = func(w, g, m, u []Real, s AdamStep) {
		e.call("adam", func(a *rowArgs) { a.adam(v, w, g, m, u, s) }, list(w, m, u), list(g))
	}
	p.Dot = func(x, y []Real) Real {
		var sum [1]Real
		e.call("dot", func(a *rowArgs) {
			a.start(len(x), 1, Store)
			a.p[0], a.p[1], a.p[2] = addr(sum[:]), addr(x), addr(y)
		}, list(sum[:]), list(x, y))
		return sum[0]
	}
	return &p
}

func (e *rowEmulator) convert(name string, dst []float32, src []uint16, rest func([]float32, []uint16)) {
	n := len(dst) &^ 15
	e.call(name, func(a *rowArgs) {
		a.n[argCols], a.p[0], a.p[1] = e.set.whole(n), addr(dst), addr(src)
	}, []any{dst}, []any{src})
	rest(dst[n:], src[n:])
}

func (e *rowEmulator) gather(name string, dst []float32, x []uint16, cols int, idx []int32, convert func([]float32, []uint16)) {
	if cols%16 != 0 {
		gather16(dst, x, cols, idx, convert)
		return
	}
	e.call(name, func(a *rowArgs) { a.gather16(dst, x, cols, idx) }, []any{dst}, []any{x, idx})
}

// rowResults runs the self-check's problem on rows of several widths.
func rowResults(p *Path) []Real {
	var all []Real
	for _, cols := range []int{1, 5, 16, 33, 50, 100, 139, 300} {
		all = append(all, rowSample(p, cols)...)
	}
	return all
}

// The emulator must give the bits of the hardware, sums and approximations alike.
func TestRowEmulator_givesTheBitsOfTheHardware(t *testing.T) {
	if what := lacksAVX2(); what != "" {
		t.Skip("this CPU lacks " + what)
	}
	hardware := plain
	rowsAVX2(&hardware)
	got, want := rowResults(newRowEmulator(t, false).path()), rowResults(&hardware)
	for i, w := range want {
		if got[i] != w {
			t.Fatalf("result %d is %v, the hardware has %v", i, got[i], w)
		}
	}
}

// No CPU with AVX-512 is needed: the tests of the kernels, run on emulated ones.
func TestRowsAVX512_emulated(t *testing.T) {
	e := newRowEmulator(t, true)
	p := e.path()
	d := draws(9)
	for _, cols := range rowWidths {
		for _, mode := range []Mode{Store, AddTo, MeanOf, Least} {
			newRowCase(&d, cols, mode).check(t, p)
		}
	}
	for _, cols := range []int{5, 50, 139} {
		if what := checkRows(p); what != "" {
			t.Fatalf("%d columns: %s", cols, what)
		}
	}
	got, want := rowResults(p), rowResults(&plain)
	near(t, "results", got, want, 100)
}

func TestHalfAVX512_emulated(t *testing.T) {
	p := newRowEmulator(t, true).path()
	checkRoundTrip(t, p)
	checkRounding(t, p)
	checkGather16(t, p)
}

func TestLog1pAVX512_emulated(t *testing.T) { checkLog1p(t, newRowEmulator(t, true).path()) }

func TestExpAVX512_emulated(t *testing.T) {
	p := newRowEmulator(t, true).path()
	var x []Real
	for v := Real(-106); v < 92; v += 0.61 {
		x = append(x, v)
	}
	got, want := make([]Real, len(x)), make([]Real, len(x))
	p.Exp(got, x)
	plainExp(want, x)
	for i, w := range want {
		if d := ulps(float64(got[i]), float64(w)); !(d <= 2) {
			t.Fatalf("exp(%v) is %v, want %v", x[i], got[i], w)
		}
	}
}
