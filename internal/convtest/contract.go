// Package convtest owns the contract of message-passing layers: what every registered
// layer is held to, whatever package it comes from, and the random heterogeneous blocks
// that it is held to it on. It is for tests.
package convtest

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
)

// Run holds the named layer to the contract, with every aggregator.
func Run(t *testing.T, layer string) {
	for _, aggregate := range conv.Aggregators() {
		t.Run(aggregate, func(t *testing.T) {
			for name, check := range map[string]func(*testing.T, *Trial){
				"shape": checkShape, "edge order": checkEdgeOrder, "node order": checkNodeOrder, "alone": checkAlone,
				"empty": checkEmpty, "gradient": checkGradient, "parameters": checkParameters,
			} {
				t.Run(name, func(t *testing.T) { check(t, NewTrial(t, layer, aggregate, 8, 7)) })
			}
			if _, ok := NewTrial(t, layer, aggregate, 1, 7).Layer.(conv.RowLayer); ok {
				t.Run("rows", func(t *testing.T) { checkRows(t, layer, aggregate) })
			}
			t.Run("threads", func(t *testing.T) { checkThreads(t, NewTrial(t, layer, aggregate, 1500, 7)) })
		})
	}
}

func checkShape(t *testing.T, tr *Trial) {
	out := tr.values()
	for i, n := range tr.Block.Dst {
		if n == 0 && out[i].Data != nil || n > 0 && (out[i].Rows != n || out[i].Cols != tr.Config.Out) {
			t.Errorf("type %d has a result of %dx%d for %d destinations", i, out[i].Rows, out[i].Cols, n)
		}
		for _, v := range out[i].Data {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				t.Fatalf("type %d has the result %v", i, v)
			}
		}
	}
	if s := tr.Layer.String(); !strings.Contains(s, fmt.Sprint(tr.Config.Out)) {
		t.Errorf("String() is %q, which does not say the width", s)
	}
}

// checkEdgeOrder turns the neighbours of every destination around.
func checkEdgeOrder(t *testing.T, tr *Trial) {
	want := tr.values()
	for i := range tr.Block.Edges {
		e := &tr.Block.Edges[i]
		for v := range e.CSR.Rows() {
			slices.Reverse(e.CSR.Src[e.CSR.Ptr[v]:e.CSR.Ptr[v+1]])
			if e.Age != nil {
				slices.Reverse(e.Age[e.CSR.Ptr[v]:e.CSR.Ptr[v+1]])
			}
		}
	}
	for i, got := range tr.values() {
		WantNear(t, tr.Config.Types[i], got, want[i])
	}
}

// checkNodeOrder renumbers the copies: those within the destinations and those behind.
func checkNodeOrder(t *testing.T, tr *Trial) {
	want := tr.values()
	s := tensor.NewStream(99)
	number := make([][]int, len(tr.X)) // new number of each copy
	for i, x := range tr.X {
		number[i] = make([]int, x.Rows)
		for k := range number[i] {
			number[i][k] = k
		}
		n := tr.Block.Dst[i]
		s.Shuffle(n, func(j, k int) { number[i][j], number[i][k] = number[i][k], number[i][j] })
		s.Shuffle(x.Rows-n, func(j, k int) { number[i][n+j], number[i][n+k] = number[i][n+k], number[i][n+j] })
		moved := tensor.NewMat(x.Rows, x.Cols)
		for k, to := range number[i] {
			copy(moved.Row(to), x.Row(k))
		}
		tr.X[i] = moved
	}
	for i, e := range tr.Config.Edges {
		tr.Block.Edges[i] = renumber(tr.Block.Edges[i], number[e.Src], number[e.Dst])
	}
	for i, r := range tr.Config.Routes {
		old := make([]int32, len(tr.Far[i].Of)) // old number of each new copy
		for k, to := range number[tr.Config.Edges[r.Edge].Src] {
			old[to] = int32(k)
		}
		tr.Far[i] = tr.Far[i].of(old)
	}
	got := tr.values()
	for i := range want {
		for v := range want[i].Rows {
			if w, g := want[i].Row(v), got[i].Row(number[i][v]); !slices.Equal(w, g) {
				t.Errorf("copy %d of type %d is %v, renumbered %v", v, i, w, g)
			}
		}
	}
}

func renumber(e conv.Edge, src, dst []int) conv.Edge {
	rows := make([]int, e.CSR.Rows()) // old destination of each new one
	for v := range rows {
		rows[dst[v]] = v
	}
	out := conv.Edge{CSR: tensor.CSR{Ptr: make([]int32, 1)}}
	for _, v := range rows {
		for k := e.CSR.Ptr[v]; k < e.CSR.Ptr[v+1]; k++ {
			out.CSR.Src = append(out.CSR.Src, int32(src[e.CSR.Src[k]]))
			if e.Age != nil {
				out.Age = append(out.Age, e.Age[k])
			}
		}
		out.CSR.Ptr = append(out.CSR.Ptr, int32(len(out.CSR.Src)))
	}
	return out
}

// checkAlone holds that a destination gets the same whether it stands alone in a block
// or not: what is predicted must not depend on the rest of a batch.
func checkAlone(t *testing.T, tr *Trial) {
	want := tr.values()
	whole, x, far := tr.Block, tr.X, tr.Far
	for typ, n := range whole.Dst {
		for v := range n {
			var rows [][]int32
			tr.Block, tr.X, rows = alone(tr.Config, whole, x, typ, v)
			tr.Far = nil
			for i, r := range tr.Config.Routes {
				tr.Far = append(tr.Far, far[i].of(rows[tr.Config.Edges[r.Edge].Src]))
			}
			got := tr.values()
			if !slices.Equal(got[typ].Data, want[typ].Row(v)) {
				t.Errorf("destination %d of type %d alone gets %v, among others %v", v, typ, got[typ].Data, want[typ].Row(v))
			}
		}
	}
}

// alone is the block of one destination with its sources and nothing else; rows are the old
// numbers of its copies.
func alone(c conv.Config, whole *conv.Block, x []tensor.Mat, typ, v int) (one *conv.Block, picked []tensor.Mat, rows [][]int32) {
	block := &conv.Block{Dst: make([]int, len(x))}
	block.Dst[typ] = 1
	rows = make([][]int32, len(x))
	rows[typ] = []int32{int32(v)}
	for i, e := range c.Edges {
		out := conv.Edge{CSR: tensor.CSR{Ptr: []int32{0}}}
		if e.Dst == typ {
			in := whole.Edges[i]
			from, to := in.CSR.Ptr[v], in.CSR.Ptr[v+1]
			for _, u := range in.CSR.Src[from:to] {
				out.CSR.Src = append(out.CSR.Src, int32(len(rows[e.Src])))
				rows[e.Src] = append(rows[e.Src], u)
			}
			if in.Age != nil {
				out.Age = in.Age[from:to]
			}
			out.CSR.Ptr = append(out.CSR.Ptr, int32(len(out.CSR.Src)))
		}
		block.Edges = append(block.Edges, out)
	}
	picked = make([]tensor.Mat, len(x))
	for i := range x {
		picked[i] = tensor.NewMat(len(rows[i]), c.In)
		for k, r := range rows[i] {
			copy(picked[i].Row(k), x[i].Row(int(r)))
		}
	}
	return block, picked, rows
}

// checkEmpty runs a block without any edge and one without any destination.
func checkEmpty(t *testing.T, tr *Trial) {
	for i := range tr.Block.Edges {
		e := &tr.Block.Edges[i]
		clear(e.CSR.Ptr)
		e.CSR.Src, e.Age = nil, nil
	}
	checkShape(t, tr)
	loss, _ := tr.Forward(tensor.NewTape(tensor.NewPool(1)))
	if math.IsNaN(float64(loss.Val.Data[0])) {
		t.Error("a block without edges gives NaN")
	}
	none := &conv.Block{Dst: make([]int, len(tr.X)), Edges: make([]conv.Edge, len(tr.Config.Edges))}
	for i := range none.Edges {
		none.Edges[i].CSR = tensor.CSR{Ptr: []int32{0}}
	}
	for i, o := range tr.Layer.Forward(tensor.NewTape(tensor.NewPool(1)), none, make([]*tensor.Var, len(tr.X))) {
		if o != nil {
			t.Errorf("type %d has a result in a block without destinations", i)
		}
	}
}

func checkGradient(t *testing.T, tr *Trial) {
	tape := tensor.NewTape(tensor.NewPool(1))
	tr.Set.ZeroGrad()
	loss, _ := tr.Forward(tape)
	tape.Backward(loss)
	grads := slices.Clone(tr.Grad)
	values := slices.Clone(tr.X)
	names := slices.Clone(tr.Config.Types)
	if conv.ReadsParents(tr.name) {
		for i, f := range tr.Far {
			values, grads = append(values, f.X, f.T), append(grads, f.gradX, f.gradT)
			names = append(names, "far ends of "+tr.Config.Routes[i].Name, "age map of "+tr.Config.Routes[i].Name)
		}
	}
	for _, p := range tr.Set.All() {
		if p.Trained() {
			values, grads, names = append(values, p.Value), append(grads, p.Grad.Clone()), append(names, p.Name)
		}
	}
	tape.Train = false // what follows needs values only
	first := tolerance(2e-2, 1e-5)
	for k, m := range values {
		for i, x := range m.Data {
			at := func(v float64) float64 {
				m.Data[i] = tensor.Real(v)
				loss, _ := tr.Forward(tape)
				return float64(loss.Val.Data[0])
			}
			got, want, agrees := float64(grads[k].Data[i]), 0.0, false
			for h := first; h > first/20 && !agrees; h /= 4 { // a long step may cross the kink of an activation
				want = (at(float64(x)+h) - at(float64(x)-h)) / (2 * h)
				agrees = math.Abs(got-want) <= tolerance(2e-2, 1e-7)*max(1, math.Abs(want))
			}
			m.Data[i] = x
			if !agrees {
				t.Fatalf("gradient of %s at %d is %v, finite difference %v", names[k], i, got, want)
			}
		}
	}
}

// checkParameters holds that names carry the layer's prefix, that no parameter is
// without use, and that a node type that is not computed costs none.
func checkParameters(t *testing.T, tr *Trial) {
	tr.Block.Dst[c] = 2 // now that c has copies, every parameter has a part
	tr.X[c] = tensor.NewMat(2, tr.Config.In)
	for i := range tr.X[c].Data {
		tr.X[c].Data[i] = tensor.Real(math.Cos(float64(i)))
	}
	s := tensor.NewStream(8)
	for i, e := range tr.Config.Edges {
		tr.Block.Edges[i] = randomEdge(s, e, tr.Block.Dst[e.Dst], tr.X[e.Src].Rows)
	}
	tape := tensor.NewTape(tensor.NewPool(1))
	tr.Set.ZeroGrad()
	loss, _ := tr.Forward(tape)
	tape.Backward(loss)
	for _, p := range tr.Set.All() {
		if !strings.HasPrefix(p.Name, "l.") {
			t.Errorf("parameter %q lacks the layer's prefix", p.Name)
		}
		if p.Trained() && !slices.ContainsFunc(p.Grad.Data, func(v tensor.Real) bool { return v != 0 }) {
			t.Errorf("parameter %q gets no gradient", p.Name)
		}
	}
	less := tr.Config
	less.Computes = []bool{true, true, false}
	less.Edges = slices.DeleteFunc(slices.Clone(less.Edges), func(e conv.EdgeType) bool { return e.Dst == c })
	less.Routes = slices.DeleteFunc(slices.Clone(less.Routes), func(r conv.Route) bool { return r.Edge == throughC }) // the only one; those before it stay in place
	set := nn.NewSet(3)
	if _, err := conv.New(tr.name, less, set); err != nil {
		t.Fatal(err)
	}
	if set.Count() >= tr.Set.Count() {
		t.Errorf("%d parameters without destinations of c, %d with them", set.Count(), tr.Set.Count())
	}
}

func checkThreads(t *testing.T, tr *Trial) {
	var want []tensor.Mat
	for _, threads := range []int{1, 2, 4} {
		tape := tensor.NewTape(tensor.NewPool(threads))
		tr.Set.ZeroGrad()
		loss, out := tr.Forward(tape)
		tape.Backward(loss)
		var got []tensor.Mat
		for _, o := range out {
			if o != nil {
				got = append(got, o.Val)
			}
		}
		got = append(got, tr.Grad...)
		for _, f := range tr.Far {
			got = append(got, f.gradX, f.gradT)
		}
		for _, p := range tr.Set.All() {
			got = append(got, p.Grad.Clone())
		}
		if want == nil {
			want = got
		}
		for i := range want {
			if !slices.Equal(got[i].Data, want[i].Data) {
				t.Fatalf("result or gradient %d differs at %d threads", i, threads)
			}
		}
	}
}

// single says that the engine computes in single precision; real64 builds do not.
var single = tensor.Real(1)+1e-10 == 1

// tolerance picks by precision.
func tolerance(in32, in64 float64) float64 {
	if single {
		return in32
	}
	return in64
}

// WantNear demands equality up to the rounding of a layer.
func WantNear(t *testing.T, what string, got, want tensor.Mat) {
	t.Helper()
	if got.Rows != want.Rows || got.Cols != want.Cols {
		t.Fatalf("%s is %dx%d, want %dx%d", what, got.Rows, got.Cols, want.Rows, want.Cols)
	}
	for i, w := range want.Data {
		if !(math.Abs(float64(got.Data[i]-w)) <= tolerance(1e-4, 1e-7)*math.Max(1, math.Abs(float64(w)))) {
			t.Errorf("%s: element %d is %v, want %v", what, i, got.Data[i], w)
		}
	}
}

func sum(t *tensor.Tape, parts []*tensor.Var) *tensor.Var {
	total := t.SumAll(parts[0])
	for _, p := range parts[1:] {
		total = t.Add(total, t.SumAll(p))
	}
	return total
}
