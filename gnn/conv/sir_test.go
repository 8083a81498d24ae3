package conv_test

import (
	"testing"

	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/internal/convtest"
)

// The layer of one edge type against its formula, edge by edge.
func TestSIR_formula(t *testing.T) {
	set := nn.NewSet(5)
	const in, hidden, out = 3, 4, 2
	layer, err := conv.New("sir", conv.Config{Name: "l", In: in, Out: out, Hidden: hidden, Aggregate: "sum", Types: []string{"x"},
		Edges: []conv.EdgeType{{Name: "e"}}}, set)
	if err != nil {
		t.Fatal(err)
	}
	s := tensor.NewStream(2)
	fill := func(m tensor.Mat) tensor.Mat {
		for i := range m.Data {
			m.Data[i] = tensor.Real(s.Float64() - 0.5)
		}
		return m
	}
	value := func(name string) tensor.Mat { return fill(set.Get("l." + name).Value) }
	wq, bq, wk, wr := value(`ask."e".weight`), value(`ask."e".bias`), value(`send."e"`), value(`read."e"`)
	root, bias, x := value(`root."x"`), value(`bias."x"`), fill(tensor.NewMat(4, in))
	csr := tensor.CSR{Ptr: []int32{0, 3, 3, 4}, Src: []int32{1, 3, 3, 0}}

	want := tensor.NewMat(3, out)
	for v := range want.Rows {
		for j := range out {
			want.Set(v, j, bias.At(0, j)+dot(x, v, root, j))
		}
		for _, u := range csr.Src[csr.Ptr[v]:csr.Ptr[v+1]] {
			for h := range hidden {
				m := max(0, bq.At(0, h)+dot(x, v, wq, h)+dot(x, int(u), wk, h))
				for j := range out {
					want.Set(v, j, want.At(v, j)+m*wr.At(h, j))
				}
			}
		}
	}
	tape := tensor.NewTape(tensor.NewPool(1))
	got := layer.Forward(tape, &conv.Block{Dst: []int{3}, Edges: []conv.Edge{{CSR: csr}}}, []*tensor.Var{tape.Const(x)})
	convtest.WantNear(t, "result", got[0].Val, want)
}

// dot is row i of a times column j of b.
func dot(a tensor.Mat, i int, b tensor.Mat, j int) (sum tensor.Real) {
	for k := range a.Cols {
		sum += a.At(i, k) * b.At(k, j)
	}
	return sum
}
