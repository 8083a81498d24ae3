package tensor

import (
	"math"
	"testing"

	"github.com/rowlink/rowlink/gnn/tensor/internal/kernel"
)

// wide says that the engine is built with the tag real64.
const wide = kernel.Epsilon < 1e-10

// tolerance picks a bound for float32 or float64.
func tolerance(narrow, double float64) float64 {
	if wide {
		return double
	}
	return narrow
}

// trial runs one case with a scalar loss that weighs every output differently.
type trial struct {
	tape  *Tape
	op    opFunc
	in    []Mat
	grads []Mat
	vars  []*Var
	mix   []Real // weights of the outputs
}

func newTrial(c opCase, n, threads int) *trial {
	in, op := c.make(n)
	tr := &trial{tape: NewTape(NewPool(threads)), op: op, in: in, vars: make([]*Var, len(in))}
	for _, m := range in {
		tr.grads = append(tr.grads, NewMat(m.Rows, m.Cols))
	}
	return tr
}

// forward returns the scalar and the operator's own result.
func (tr *trial) forward() (loss, out *Var) {
	t := tr.tape
	t.Reset()
	for i, m := range tr.in {
		tr.vars[i] = t.Leaf(m, tr.grads[i])
	}
	out = tr.op(t, tr.vars)
	for len(tr.mix) < out.Val.Len() {
		tr.mix = append(tr.mix, Real(Normal(77, uint64(len(tr.mix)))))
	}
	mix := t.Const(Mat{out.Rows(), out.Cols(), tr.mix[:out.Val.Len()]})
	return t.SumAll(t.Mul(out, mix)), out
}

func (tr *trial) backward() (loss, out *Var) {
	for _, g := range tr.grads {
		clear(g.Data)
	}
	loss, out = tr.forward()
	tr.tape.Backward(loss)
	return loss, out
}

func TestOps_gradientMatchesFiniteDifferences(t *testing.T) {
	h, tol := tolerance(1e-2, 1e-5), tolerance(3e-2, 1e-7)
	for _, c := range opCases() {
		t.Run(c.name, func(t *testing.T) {
			checkGradient(t, newTrial(c, 8, 1), h, tol)
		})
	}
}

// checkGradient compares all gradients of a trial with central differences of width 2h.
func checkGradient(t *testing.T, tr *trial, h, tol float64) {
	t.Helper()
	tr.backward()
	for k, m := range tr.in {
		for i := range m.Data {
			x, at := m.Data[i], func(v Real) float64 {
				m.Data[i] = v
				loss, _ := tr.forward()
				return float64(loss.Val.Data[0])
			}
			want := (at(x+Real(h)) - at(x-Real(h))) / (2 * h)
			m.Data[i] = x
			got := float64(tr.grads[k].Data[i])
			if !(math.Abs(got-want) <= tol*max(1, math.Abs(want))) {
				t.Fatalf("gradient of input %d at %d is %v, finite difference %v", k, i, got, want)
			}
		}
	}
}

func TestOps_equalBitsAtAnyThreadCount(t *testing.T) {
	const n = 3000
	for _, c := range opCases() {
		t.Run(c.name, func(t *testing.T) {
			first := newTrial(c, n, 1)
			_, want := first.backward()
			for _, threads := range []int{1, 2, 4, 8} {
				tr := newTrial(c, n, threads)
				tr.backward()
				_, got := tr.backward() // the second step runs in used memory
				wantBits(t, "result", got.Val, want.Val)
				for k := range tr.grads {
					wantBits(t, "gradient", tr.grads[k], first.grads[k])
				}
			}
		})
	}
}

func wantBits(t *testing.T, what string, got, want Mat) {
	t.Helper()
	if got.Rows != want.Rows || got.Cols != want.Cols {
		t.Fatalf("%s of %s, want %s", what, got.shape(), want.shape())
	}
	for i, v := range want.Data {
		if math.Float64bits(float64(got.Data[i])) != math.Float64bits(float64(v)) || math.IsNaN(float64(v)) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, got.Data[i], v)
		}
	}
}

func TestOps_noAllocationInSteadyState(t *testing.T) {
	if racing {
		t.Skip("the race detector makes pools forget")
	}
	for _, c := range opCases() {
		if c.name == "custom" { // its closure is the caller's
			continue
		}
		for _, threads := range []int{1, 2} {
			tr := newTrial(c, 300, threads)
			for range 3 {
				tr.backward()
			}
			if n := testing.AllocsPerRun(10, func() { tr.backward() }); n != 0 {
				t.Errorf("%s: %v allocations per step at %d threads", c.name, n, threads)
			}
		}
	}
}

func TestOps_inferenceGivesTheSameValues(t *testing.T) {
	for _, c := range opCases() {
		if c.name == "dropout" {
			continue
		}
		a, b := newTrial(c, 40, 1), newTrial(c, 40, 1)
		b.tape.Train = false
		_, want := a.forward()
		_, got := b.forward()
		wantBits(t, c.name, got.Val, want.Val)
		if len(b.tape.order) != 0 {
			t.Errorf("%s: inference recorded %d operators", c.name, len(b.tape.order))
		}
	}
}

// An operator must cope with no rows at all.
func TestOps_emptyInputs(t *testing.T) {
	for _, c := range opCases() {
		if c.name == "slice rows" { // the case itself has no empty form
			continue
		}
		tr := newTrial(c, 0, 2)
		_, out := tr.backward()
		for _, v := range out.Val.Data {
			if math.IsNaN(float64(v)) {
				t.Errorf("%s: NaN for empty inputs", c.name)
			}
		}
	}
}

func TestDropout_rate(t *testing.T) {
	tape := NewTape(NewPool(1))
	ones := NewMat(1000, 101)
	for i := range ones.Data {
		ones.Data[i] = 1
	}
	x := tape.Const(ones)
	y := tape.Dropout(x, 0.3, 5)
	zeros := 0
	for _, v := range y.Val.Data {
		switch {
		case v == 0:
			zeros++
		case math.Abs(float64(v)-1/0.7) > 1e-6:
			t.Fatalf("kept element is %v, want 1/0.7", v)
		}
	}
	// 101,000 draws: standard deviation of the share 0.0015
	if share := float64(zeros) / float64(len(ones.Data)); math.Abs(share-0.3) > 0.006 {
		t.Fatalf("dropped %v of the elements, want 0.3", share)
	}
	again := tape.Dropout(x, 0.3, 5)
	wantBits(t, "same key", again.Val, y.Val)
	tape.Train = false
	if tape.Dropout(x, 0.3, 5) != x {
		t.Fatal("dropout outside training must return its input")
	}
}

func TestMatMul_wideAndDeep(t *testing.T) {
	// 600 columns need two column tiles; 70,000 rows need longer stretches of rows.
	for _, s := range [][3]int{{300, 5, 600}, {70000, 2, 3}, {5, 700, 5}} {
		x, w := random(1, s[0], s[1]), random(2, s[1], s[2])
		dw := NewMat(s[1], s[2])
		tape := NewTape(NewPool(2))
		y := tape.MatMul(tape.Const(x), tape.Leaf(w, dw))
		tape.Backward(tape.SumAll(y))
		for _, at := range [][2]int{{0, 0}, {s[0] - 1, s[2] - 1}, {s[0] / 2, s[2] / 3}} {
			var want float64
			for k := range s[1] {
				want += float64(x.At(at[0], k)) * float64(w.At(k, at[1]))
			}
			if got := float64(y.Val.At(at[0], at[1])); math.Abs(got-want) > 1e-3 {
				t.Fatalf("%v: element %v is %v, want %v", s, at, got, want)
			}
		}
		for k := range s[1] { // the gradient of a sum: column sums of x
			var want float64
			for i := range s[0] {
				want += float64(x.At(i, k))
			}
			if got := float64(dw.At(k, s[2]-1)); math.Abs(got-want) > 2e-5*math.Max(float64(s[0]), 100) {
				t.Fatalf("%v: gradient of weight %d is %v, want %v", s, k, got, want)
			}
		}
	}
}

func TestShapes_panicNamesThem(t *testing.T) {
	tape := NewTape(NewPool(1))
	defer func() {
		want := "tensor: linear step of 2x3 by 4x5: inner sizes differ"
		if got := recover(); got != want {
			t.Fatalf("panic %v, want %s", got, want)
		}
	}()
	tape.MatMul(tape.Const(NewMat(2, 3)), tape.Const(NewMat(4, 5)))
}

func TestCSR_Check(t *testing.T) {
	for _, c := range []struct {
		csr  CSR
		want string
	}{
		{CSR{Ptr: []int32{0, 1, 2}, Src: []int32{0, 2}}, ""},
		{CSR{Ptr: []int32{0, 2}}, ""},
		{CSR{}, "edge pointers must start with 0"},
		{CSR{Ptr: []int32{0, 2, 1}}, "edge pointer of destination 2 is 1, want at least 2"},
		{CSR{Ptr: []int32{0, 2}, Src: []int32{0}}, "1 sources for 2 edges"},
		{CSR{Ptr: []int32{0, 1}, Src: []int32{3}}, "source of edge 0 is row 3, want 0 to 2"},
	} {
		got := ""
		if err := c.csr.Check(3); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("Check of %v: %q, want %q", c.csr, got, c.want)
		}
	}
}
