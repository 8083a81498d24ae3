package gorgonia_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/internal/convtest"
)

// Both layers of this package have the parameters of the built-in sage, which has the
// same name for each and so starts with the same numbers. What must agree are values and
// gradients: the tape's are written by hand, gorgonia's derived symbolically.
func TestOracle_sage(t *testing.T) {
	for _, layer := range []string{"gorgonia-sage", "gorgonia-rgcn"} {
		for _, aggregate := range []string{"sum", "mean", "max", "decay"} {
			for seed := range uint64(4) {
				for _, n := range []int{1, 2, 9, 40} {
					t.Run(fmt.Sprintf("%s/%s/%d/%d", layer, aggregate, seed, n), func(t *testing.T) {
						want := convtest.NewTrial(t, "sage", aggregate, n, seed)
						got := convtest.NewTrial(t, layer, aggregate, n, seed)
						if seed == 3 {
							dropEdges(want.Block)
							dropEdges(got.Block)
						}
						compare(t, got, want)
					})
				}
			}
		}
	}
}

// dropEdges leaves every second edge type without a message.
func dropEdges(b *conv.Block) {
	for i := range b.Edges {
		if i%2 == 0 {
			clear(b.Edges[i].CSR.Ptr)
			b.Edges[i].CSR.Src, b.Edges[i].Age = nil, nil
		}
	}
}

// compare runs both forward and back on equal inputs.
func compare(t *testing.T, got, want *convtest.Trial) {
	t.Helper()
	for _, p := range want.Set.All() {
		q := got.Set.Get(p.Name)
		if q == nil || q.Value.Len() != p.Value.Len() {
			t.Fatalf("no parameter %q of %d numbers", p.Name, p.Value.Len())
		}
		copy(q.Value.Data, p.Value.Data)
	}
	wantOut, gotOut := run(want), run(got)
	for i := range wantOut {
		near(t, fmt.Sprintf("result of type %d", i), gotOut[i], wantOut[i])
		near(t, fmt.Sprintf("gradient of type %d", i), got.Grad[i], want.Grad[i])
	}
	for _, p := range want.Set.All() {
		near(t, "gradient of "+p.Name, got.Set.Get(p.Name).Grad, p.Grad)
	}
}

// run returns copies of the results, and leaves the gradients in the trial.
func run(tr *convtest.Trial) []tensor.Mat {
	tape := tensor.NewTape(tensor.NewPool(2))
	tr.Set.ZeroGrad()
	loss, out := tr.Forward(tape)
	vals := make([]tensor.Mat, len(out))
	for i, o := range out {
		if o != nil {
			vals[i] = o.Val.Clone()
		}
	}
	tape.Backward(loss)
	return vals
}

// near demands equality up to the rounding of sums of some hundred terms.
func near(t *testing.T, what string, got, want tensor.Mat) {
	t.Helper()
	if got.Rows != want.Rows || got.Cols != want.Cols {
		t.Fatalf("%s is %dx%d, want %dx%d", what, got.Rows, got.Cols, want.Rows, want.Cols)
	}
	eps := math.Nextafter(1, 2) - 1
	if tensor.Real(1)+1e-10 == 1 {
		eps = float64(math.Nextafter32(1, 2) - 1)
	}
	var size float64
	for _, w := range want.Data {
		size = max(size, math.Abs(float64(w)))
	}
	for i, w := range want.Data {
		if !(math.Abs(float64(got.Data[i]-w)) <= 32*eps*max(1, size)) {
			t.Errorf("%s: element %d is %v, want %v", what, i, got.Data[i], w)
		}
	}
}

// Matrices of one row or one column, which gorgonia takes for vectors in places.
func TestOracle_narrow(t *testing.T) {
	for _, in := range []int{1, 2} {
		for _, out := range []int{1, 3} {
			for _, dst := range []int{1, 2} {
				t.Run(fmt.Sprintf("%d to %d, %d destinations", in, out, dst), func(t *testing.T) {
					var vals, grads [][]tensor.Real
					for _, name := range []string{"sage", "gorgonia-sage", "gorgonia-rgcn"} {
						v, g := narrow(t, name, in, out, dst)
						vals, grads = append(vals, v), append(grads, g)
					}
					for i := 1; i < 3; i++ {
						near(t, "results", tensor.MatOf(1, len(vals[i]), vals[i]...), tensor.MatOf(1, len(vals[0]), vals[0]...))
						near(t, "gradients", tensor.MatOf(1, len(grads[i]), grads[i]...), tensor.MatOf(1, len(grads[0]), grads[0]...))
					}
				})
			}
		}
	}
}

// narrow runs a layer with one node type, one edge type, and one message per destination.
func narrow(t *testing.T, name string, in, out, dst int) (vals, grads []tensor.Real) {
	t.Helper()
	set := nn.NewSet(5)
	layer, err := conv.New(name, conv.Config{Name: "l", In: in, Out: out, Types: []string{"x"}, Edges: []conv.EdgeType{{Name: "e"}}, Aggregate: "sum"}, set)
	if err != nil {
		t.Fatal(err)
	}
	x, dx := tensor.NewMat(dst, in), tensor.NewMat(dst, in)
	for i := range x.Data {
		x.Data[i] = tensor.Real(i + 1)
	}
	csr := tensor.CSR{Ptr: []int32{0}}
	for v := range dst {
		csr.Src = append(csr.Src, int32(dst-1-v))
		csr.Ptr = append(csr.Ptr, int32(v+1))
	}
	before := x.Clone()
	tape := tensor.NewTape(tensor.NewPool(1))
	y := layer.Forward(tape, &conv.Block{Dst: []int{dst}, Edges: []conv.Edge{{CSR: csr}}}, []*tensor.Var{tape.Leaf(x, dx)})[0]
	vals = append(vals, y.Val.Data...)
	tape.Backward(tape.SumAll(tape.Mul(y, y)))
	near(t, "input after the run", x, before)
	for _, p := range set.All() {
		grads = append(grads, p.Grad.Data...)
	}
	return vals, append(grads, dx.Data...)
}
