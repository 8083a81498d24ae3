package convtest

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/tensor"
)

// rowTrial is a trial whose copies are copies of rows, with ages.
type rowTrial struct {
	*Trial
	rows, ages, maps []tensor.Mat // X, Te and T of each node type; ages of type b are missing
	of               [][]int32
}

func newRowTrial(t *testing.T, layer, aggregate string, n int) *rowTrial {
	tr := &rowTrial{Trial: NewTrial(t, layer, aggregate, n, 7)}
	s := tensor.NewStream(21)
	random := func(rows, cols int) tensor.Mat {
		m := tensor.NewMat(rows, cols)
		for i := range m.Data {
			m.Data[i] = tensor.Real(2*s.Float64() - 1)
		}
		return m
	}
	for typ, x := range tr.X {
		rows := x.Rows/2 + 1 // so that some row has several copies
		of := make([]int32, x.Rows)
		for i := range of {
			of[i] = int32(s.IntN(rows))
		}
		tr.of = append(tr.of, of)
		tr.rows = append(tr.rows, random(rows, tr.Config.In))
		terms := 3
		if typ == b {
			terms = 0
		}
		tr.ages, tr.maps = append(tr.ages, random(x.Rows, terms)), append(tr.maps, random(terms, tr.Config.In))
	}
	return tr
}

// run computes the layer from rows or from copies and returns its results, and the
// gradients of rows, age maps and parameters.
func (tr *rowTrial) run(t *testing.T, threads int, factored, projected bool) (all []tensor.Mat) {
	t.Helper()
	tape := tensor.NewTape(tensor.NewPool(threads))
	tr.Set.ZeroGrad()
	in := make([]*conv.Rows, len(tr.X))
	var grads []tensor.Mat
	leaf := func(m tensor.Mat) *tensor.Var {
		grads = append(grads, tensor.NewMat(m.Rows, m.Cols))
		return tape.Leaf(m, grads[len(grads)-1])
	}
	for typ := range in {
		in[typ] = &conv.Rows{X: leaf(tr.rows[typ]), Of: tr.of[typ]}
		if tr.ages[typ].Cols > 0 {
			in[typ].Te, in[typ].T = tape.Const(tr.ages[typ]), leaf(tr.maps[typ])
		}
		if projected {
			in[typ].Projected = make([]*tensor.Var, len(tr.X)+len(tr.Config.Edges))
			layer := tr.Layer.(conv.RowLayer)
			for _, k := range layer.Projections(typ) {
				in[typ].Projected[k] = layer.Project(tape, k, in[typ].X)
			}
		}
	}
	var out []*tensor.Var
	if factored {
		for typ, terms := range tr.Layer.(conv.RowLayer).RowTerms(tape, tr.Block, in) {
			var o *tensor.Var
			if len(terms) > 0 {
				o = tape.GatherSum(tr.Block.Dst[typ], terms...)
			}
			out = append(out, o)
		}
	} else {
		x := make([]*tensor.Var, len(in))
		for typ, r := range in {
			x[typ] = r.Copies(tape, len(r.Of))
		}
		out = tr.Layer.Forward(tape, tr.Block, x)
	}
	var parts []*tensor.Var
	for i, o := range out {
		if o == nil {
			continue
		}
		all = append(all, o.Val.Clone())
		mix := tape.Alloc(o.Rows(), o.Cols())
		for k := range mix.Data {
			mix.Data[k] = tensor.Real(math.Sin(float64(k*k%89 + i)))
		}
		parts = append(parts, tape.Mul(o, tape.Const(mix)))
	}
	tape.Backward(sum(tape, parts))
	all = append(all, grads...)
	for _, p := range tr.Set.All() {
		all = append(all, p.Grad.Clone())
	}
	return all
}

// checkRows holds a layer that takes rows to the same values and gradients as from
// copies, up to rounding, at any number of threads to the bit.
func checkRows(t *testing.T, layer, aggregate string) {
	for _, n := range []int{1, 2, 9, 200} {
		tr := newRowTrial(t, layer, aggregate, n)
		want := tr.run(t, 1, false, false)
		for _, projected := range []bool{false, true} {
			for i, got := range tr.run(t, 1, true, projected) {
				wantClose(t, fmt.Sprintf("%d destinations, projected %v: matrix %d", n, projected, i), got, want[i])
			}
		}
	}
	tr := newRowTrial(t, layer, aggregate, 1500)
	want := tr.run(t, 1, true, false)
	for _, threads := range []int{2, 4} {
		for i, got := range tr.run(t, threads, true, false) {
			if !slices.Equal(got.Data, want[i].Data) {
				t.Fatalf("matrix %d differs at %d threads", i, threads)
			}
		}
	}
}

// wantClose compares two matrices by the largest element of the wanted one.
func wantClose(t *testing.T, what string, got, want tensor.Mat) {
	t.Helper()
	largest := 1.0
	for _, v := range want.Data {
		largest = math.Max(largest, math.Abs(float64(v)))
	}
	for k, w := range want.Data {
		if g := got.Data[k]; !(math.Abs(float64(g-w)) <= tolerance(1e-5, 1e-13)*largest) {
			t.Fatalf("%s is %v at %d, from copies %v", what, g, k, w)
		}
	}
}
