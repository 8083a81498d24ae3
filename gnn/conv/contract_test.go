package conv

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
)

// trial is a layer with a random block to run it on.
type trial struct {
	layer  Layer
	set    *nn.Set
	config Config
	block  *Block
	x      []tensor.Mat
	grad   []tensor.Mat // of x, after backward
}

// Node types of the trials: the copies of c are missing, so that edge types from it
// have no source at all.
const a, b, c = 0, 1, 2

func trialConfig(aggregate string) Config {
	return Config{Name: "l", In: 5, Out: 4, Types: []string{"a", "b", "c"}, Aggregate: aggregate, HalfLives: []float64{3, 40},
		Edges: []EdgeType{{Name: "a to b", Src: a, Dst: b}, {Name: "b of a", Src: b, Dst: a, Functional: true}, {Name: "a to a", Src: a, Dst: a},
			{Name: "c to a", Src: c, Dst: a}, {Name: "c of b", Src: c, Dst: b, Functional: true}, {Name: "b to c", Src: b, Dst: c},
			{Name: "a of b", Src: a, Dst: b, Functional: true}}}
}

// newTrial returns a block with n destinations of a and half as many of b.
func newTrial(t *testing.T, layer, aggregate string, n int) *trial {
	t.Helper()
	tr := &trial{config: trialConfig(aggregate), set: nn.NewSet(3)}
	var err error
	if tr.layer, err = New(layer, tr.config, tr.set); err != nil {
		t.Fatal(err)
	}
	s := tensor.NewStream(7)
	tr.block = &Block{Dst: []int{n, n / 2, 0}}
	copies := []int{n + 3, n/2 + 2, 0}
	for _, m := range copies {
		x := tensor.NewMat(m, tr.config.In)
		for i := range x.Data { // at least 0.05 apart, so that no small step changes a maximum
			x.Data[i] = tensor.Real(i-len(x.Data)/2) * 0.05
		}
		s.Shuffle(len(x.Data), func(i, j int) { x.Data[i], x.Data[j] = x.Data[j], x.Data[i] })
		tr.x = append(tr.x, x)
	}
	for _, e := range tr.config.Edges {
		tr.block.Edges = append(tr.block.Edges, randomEdge(s, e, tr.block.Dst[e.Dst], copies[e.Src]))
	}
	return tr
}

// randomEdge gives destinations 0 to 5 sources, at most one over a functional edge type;
// every fourth destination has none over any edge type.
func randomEdge(s *tensor.Stream, e EdgeType, dst, src int) Edge {
	most := 6
	if e.Functional {
		most = 2
	}
	out := Edge{CSR: tensor.CSR{Ptr: make([]int32, 1)}}
	for v := range dst {
		if src > 0 && v%4 != 0 {
			for range s.IntN(most) {
				out.CSR.Src = append(out.CSR.Src, int32(s.IntN(src)))
				out.Age = append(out.Age, tensor.Real(100*s.Float64()))
			}
		}
		out.CSR.Ptr = append(out.CSR.Ptr, int32(len(out.CSR.Src)))
	}
	if e.Functional {
		out.Age = nil
	}
	return out
}

// forward runs the layer and returns the sum of its results times fixed numbers.
func (tr *trial) forward(tape *tensor.Tape) (loss *tensor.Var, out []*tensor.Var) {
	tape.Reset()
	x := make([]*tensor.Var, len(tr.x))
	tr.grad = make([]tensor.Mat, len(tr.x))
	for i, m := range tr.x {
		tr.grad[i] = tensor.NewMat(m.Rows, m.Cols)
		if m.Rows > 0 {
			x[i] = tape.Leaf(m, tr.grad[i])
		}
	}
	out = tr.layer.Forward(tape, tr.block, x)
	var parts []*tensor.Var
	for i, o := range out {
		if o == nil {
			continue
		}
		mix := tape.Alloc(o.Rows(), o.Cols())
		for k := range mix.Data {
			mix.Data[k] = tensor.Real(math.Sin(float64(k*k%97 + i)))
		}
		parts = append(parts, tape.Mul(o, tape.Const(mix)))
	}
	return sum(tape, parts), out
}

// values runs the layer on one thread and copies its results.
func (tr *trial) values() []tensor.Mat {
	_, out := tr.forward(tensor.NewTape(tensor.NewPool(1)))
	vals := make([]tensor.Mat, len(out))
	for i, o := range out {
		if o != nil {
			vals[i] = o.Val
		}
	}
	return vals
}

func TestEveryLayer(t *testing.T) {
	for _, layer := range Names() {
		for _, aggregate := range Aggregators() {
			t.Run(layer+"/"+aggregate, func(t *testing.T) {
				for name, check := range map[string]func(*testing.T, *trial){
					"shape": checkShape, "edge order": checkEdgeOrder, "node order": checkNodeOrder, "alone": checkAlone,
					"empty": checkEmpty, "gradient": checkGradient, "parameters": checkParameters,
				} {
					t.Run(name, func(t *testing.T) { check(t, newTrial(t, layer, aggregate, 8)) })
				}
				t.Run("threads", func(t *testing.T) { checkThreads(t, newTrial(t, layer, aggregate, 1500)) })
			})
		}
	}
}

func checkShape(t *testing.T, tr *trial) {
	out := tr.values()
	for i, n := range tr.block.Dst {
		if n == 0 && out[i].Data != nil || n > 0 && (out[i].Rows != n || out[i].Cols != tr.config.Out) {
			t.Errorf("type %d has a result of %dx%d for %d destinations", i, out[i].Rows, out[i].Cols, n)
		}
		for _, v := range out[i].Data {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				t.Fatalf("type %d has the result %v", i, v)
			}
		}
	}
	if s := tr.layer.String(); !strings.Contains(s, fmt.Sprint(tr.config.Out)) {
		t.Errorf("String() is %q, which does not say the width", s)
	}
}

// checkEdgeOrder turns the neighbours of every destination around.
func checkEdgeOrder(t *testing.T, tr *trial) {
	want := tr.values()
	for i := range tr.block.Edges {
		e := &tr.block.Edges[i]
		for v := range e.CSR.Rows() {
			slices.Reverse(e.CSR.Src[e.CSR.Ptr[v]:e.CSR.Ptr[v+1]])
			if e.Age != nil {
				slices.Reverse(e.Age[e.CSR.Ptr[v]:e.CSR.Ptr[v+1]])
			}
		}
	}
	for i, got := range tr.values() {
		wantNear(t, tr.config.Types[i], got, want[i])
	}
}

// checkNodeOrder renumbers the copies: those within the destinations and those behind.
func checkNodeOrder(t *testing.T, tr *trial) {
	want := tr.values()
	s := tensor.NewStream(99)
	number := make([][]int, len(tr.x)) // new number of each copy
	for i, x := range tr.x {
		number[i] = make([]int, x.Rows)
		for k := range number[i] {
			number[i][k] = k
		}
		n := tr.block.Dst[i]
		s.Shuffle(n, func(j, k int) { number[i][j], number[i][k] = number[i][k], number[i][j] })
		s.Shuffle(x.Rows-n, func(j, k int) { number[i][n+j], number[i][n+k] = number[i][n+k], number[i][n+j] })
		moved := tensor.NewMat(x.Rows, x.Cols)
		for k, to := range number[i] {
			copy(moved.Row(to), x.Row(k))
		}
		tr.x[i] = moved
	}
	for i, e := range tr.config.Edges {
		tr.block.Edges[i] = renumber(tr.block.Edges[i], number[e.Src], number[e.Dst])
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

func renumber(e Edge, src, dst []int) Edge {
	rows := make([]int, e.CSR.Rows()) // old destination of each new one
	for v := range rows {
		rows[dst[v]] = v
	}
	out := Edge{CSR: tensor.CSR{Ptr: make([]int32, 1)}}
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
func checkAlone(t *testing.T, tr *trial) {
	want := tr.values()
	whole, x := tr.block, tr.x
	for typ, n := range whole.Dst {
		for v := range n {
			tr.block, tr.x = alone(tr.config, whole, x, typ, v)
			got := tr.values()
			if !slices.Equal(got[typ].Data, want[typ].Row(v)) {
				t.Errorf("destination %d of type %d alone gets %v, among others %v", v, typ, got[typ].Data, want[typ].Row(v))
			}
		}
	}
}

// alone is the block of one destination with its sources and nothing else.
func alone(c Config, whole *Block, x []tensor.Mat, typ, v int) (*Block, []tensor.Mat) {
	block := &Block{Dst: make([]int, len(x))}
	block.Dst[typ] = 1
	rows := make([][]int32, len(x))
	rows[typ] = []int32{int32(v)}
	for i, e := range c.Edges {
		out := Edge{CSR: tensor.CSR{Ptr: []int32{0}}}
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
	picked := make([]tensor.Mat, len(x))
	for i := range x {
		picked[i] = tensor.NewMat(len(rows[i]), c.In)
		for k, r := range rows[i] {
			copy(picked[i].Row(k), x[i].Row(int(r)))
		}
	}
	return block, picked
}

// checkEmpty runs a block without any edge and one without any destination.
func checkEmpty(t *testing.T, tr *trial) {
	for i := range tr.block.Edges {
		e := &tr.block.Edges[i]
		clear(e.CSR.Ptr)
		e.CSR.Src, e.Age = nil, nil
	}
	checkShape(t, tr)
	loss, _ := tr.forward(tensor.NewTape(tensor.NewPool(1)))
	if math.IsNaN(float64(loss.Val.Data[0])) {
		t.Error("a block without edges gives NaN")
	}
	none := &Block{Dst: make([]int, len(tr.x)), Edges: make([]Edge, len(tr.config.Edges))}
	for i := range none.Edges {
		none.Edges[i].CSR = tensor.CSR{Ptr: []int32{0}}
	}
	for i, o := range tr.layer.Forward(tensor.NewTape(tensor.NewPool(1)), none, make([]*tensor.Var, len(tr.x))) {
		if o != nil {
			t.Errorf("type %d has a result in a block without destinations", i)
		}
	}
}

func checkGradient(t *testing.T, tr *trial) {
	tape := tensor.NewTape(tensor.NewPool(1))
	tr.set.ZeroGrad()
	loss, _ := tr.forward(tape)
	tape.Backward(loss)
	grads := slices.Clone(tr.grad)
	values := slices.Clone(tr.x)
	names := slices.Clone(tr.config.Types)
	for _, p := range tr.set.All() {
		if p.Trained() {
			values, grads, names = append(values, p.Value), append(grads, p.Grad.Clone()), append(names, p.Name)
		}
	}
	h := tolerance(2e-2, 1e-5)
	for k, m := range values {
		for i, x := range m.Data {
			at := func(v float64) float64 {
				m.Data[i] = tensor.Real(v)
				loss, _ := tr.forward(tape)
				return float64(loss.Val.Data[0])
			}
			want := (at(float64(x)+h) - at(float64(x)-h)) / (2 * h)
			m.Data[i] = x
			if got := float64(grads[k].Data[i]); !(math.Abs(got-want) <= tolerance(1e-2, 1e-7)*max(1, math.Abs(want))) {
				t.Fatalf("gradient of %s at %d is %v, finite difference %v", names[k], i, got, want)
			}
		}
	}
}

// checkParameters holds that names carry the layer's prefix, that no parameter is
// without use, and that a node type that is not computed costs none.
func checkParameters(t *testing.T, tr *trial) {
	tr.block.Dst[c] = 2 // now that c has copies, every parameter has a part
	tr.x[c] = tensor.NewMat(2, tr.config.In)
	for i := range tr.x[c].Data {
		tr.x[c].Data[i] = tensor.Real(math.Cos(float64(i)))
	}
	s := tensor.NewStream(8)
	for i, e := range tr.config.Edges {
		tr.block.Edges[i] = randomEdge(s, e, tr.block.Dst[e.Dst], tr.x[e.Src].Rows)
	}
	tape := tensor.NewTape(tensor.NewPool(1))
	tr.set.ZeroGrad()
	loss, _ := tr.forward(tape)
	tape.Backward(loss)
	for _, p := range tr.set.All() {
		if !strings.HasPrefix(p.Name, "l.") {
			t.Errorf("parameter %q lacks the layer's prefix", p.Name)
		}
		if p.Trained() && !slices.ContainsFunc(p.Grad.Data, func(v tensor.Real) bool { return v != 0 }) {
			t.Errorf("parameter %q gets no gradient", p.Name)
		}
	}
	less := tr.config
	less.Computes = []bool{true, true, false}
	less.Edges = slices.DeleteFunc(slices.Clone(less.Edges), func(e EdgeType) bool { return e.Dst == c })
	set := nn.NewSet(3)
	if _, err := New(strings.Split(t.Name(), "/")[1], less, set); err != nil {
		t.Fatal(err)
	}
	if set.Count() >= tr.set.Count() {
		t.Errorf("%d parameters without destinations of c, %d with them", set.Count(), tr.set.Count())
	}
}

func checkThreads(t *testing.T, tr *trial) {
	var want []tensor.Mat
	for _, threads := range []int{1, 2, 4} {
		tape := tensor.NewTape(tensor.NewPool(threads))
		tr.set.ZeroGrad()
		loss, out := tr.forward(tape)
		tape.Backward(loss)
		var got []tensor.Mat
		for _, o := range out {
			if o != nil {
				got = append(got, o.Val)
			}
		}
		got = append(got, tr.grad...)
		for _, p := range tr.set.All() {
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

func TestNew_errors(t *testing.T) {
	for _, tc := range []struct {
		layer, aggregate string
		halfLives        []float64
		want             string
	}{
		{"sgae", "mean", nil, "sage"},
		{"sage", "men", nil, "decay"},
		{"sage", "decay", nil, "at least one"},
		{"sage", "decay", []float64{2, 0}, "more than 0"},
		{"sage", "decay", []float64{math.NaN()}, "more than 0"},
	} {
		cfg := trialConfig(tc.aggregate)
		cfg.HalfLives = tc.halfLives
		if _, err := New(tc.layer, cfg, nn.NewSet(1)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s with %s %v: error %v, want one with %q", tc.layer, tc.aggregate, tc.halfLives, err, tc.want)
		}
	}
}

// A small case by hand: messages 2, 10 days old, and 4, 20 days old. At a half-life of
// 10 days they weigh 1/2 and 1/4, at one of 5 days 1/4 and 1/16.
func TestDecay_byHand(t *testing.T) {
	agg, err := (&Config{Aggregate: "decay", HalfLives: []float64{10, 5}}).aggregator()
	if err != nil {
		t.Fatal(err)
	}
	tape := tensor.NewTape(tensor.NewPool(1))
	e := &Edge{CSR: tensor.CSR{Ptr: []int32{0, 2, 2}, Src: []int32{1, 0}}, Age: []tensor.Real{10, 20}}
	got := agg.Reduce(tape, e, tape.Const(tensor.MatOf(2, 1, 4, 2)))
	want := tensor.NewMat(2, 5)
	for i, v := range []float64{
		(0.5*2 + 0.25*4) / 1.75, (0.25*2 + 0.0625*4) / 1.3125, math.Log(0.8), math.Log(0.3625), math.Log1p(10) / 4,
		0, 0, math.Log(0.05), math.Log(0.05), math.Log1p(10_000) / 4,
	} {
		want.Data[i] = tensor.Real(v)
	}
	wantNear(t, "decay", got.Val, want)
}
