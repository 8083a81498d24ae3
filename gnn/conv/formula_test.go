package conv_test

import (
	"math"
	"testing"

	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/internal/convtest"
)

// twin is a layer with random parameters, and plain arithmetic in float64 to compute its
// formula row by row.
type twin struct {
	set    *nn.Set
	layer  conv.Layer
	stream *tensor.Stream
}

func newTwin(t *testing.T, layer string, c conv.Config) *twin {
	t.Helper()
	w := &twin{set: nn.NewSet(5), stream: tensor.NewStream(2)}
	var err error
	if w.layer, err = conv.New(layer, c, w.set); err != nil {
		t.Fatal(err)
	}
	for _, p := range w.set.All() {
		w.fill(p.Value)
	}
	return w
}

func (w *twin) fill(m tensor.Mat) tensor.Mat {
	for i := range m.Data {
		m.Data[i] = tensor.Real(2*w.stream.Float64() - 1)
	}
	return m
}

// times is row x times the named parameter, plus the bias of that name where there is one.
func (w *twin) times(t *testing.T, x []float64, name, bias string) []float64 {
	t.Helper()
	p := w.set.Get(name)
	if p == nil {
		t.Fatalf("no parameter %q", name)
	}
	out := make([]float64, p.Value.Cols)
	for j := range out {
		if bias != "" {
			out[j] = float64(w.set.Get(bias).Value.At(0, j))
		}
		for k, v := range x {
			out[j] += v * float64(p.Value.At(k, j))
		}
	}
	return out
}

func plain(row []tensor.Real) []float64 {
	out := make([]float64, len(row))
	for i, v := range row {
		out[i] = float64(v)
	}
	return out
}

func plus(a, b []float64) []float64 {
	out := make([]float64, len(a))
	for i := range a {
		out[i] = a[i] + b[i]
	}
	return out
}

// The destinations of type d read facts f over one edge type, whose other foreign keys name
// rows of type s, with ages, and of type d itself.
func TestRelGNN_formula(t *testing.T) {
	const in, width, heads = 3, 4, 2
	w := newTwin(t, "relgnn", conv.Config{Name: "l", In: in, Out: width, Heads: heads, Types: []string{"d", "f", "s"}, Computes: []bool{true, false, false},
		Edges:  []conv.EdgeType{{Name: "facts", Src: 1, Dst: 0}, {Name: "notes", Src: 2, Dst: 0}, {Name: "parent", Src: 2, Dst: 0, Functional: true}},
		Routes: []conv.Route{{Name: "to s", Edge: 0, Src: 2}, {Name: "to d", Edge: 0, Src: 0}}})
	facts := tensor.CSR{Ptr: []int32{0, 3, 3, 4}, Src: []int32{1, 3, 0, 2}}
	notes := tensor.CSR{Ptr: []int32{0, 1, 1, 3}, Src: []int32{0, 1, 0}}
	parent := tensor.CSR{Ptr: []int32{0, 0, 1, 2}, Src: []int32{1, 0}}
	x := []tensor.Mat{w.fill(tensor.NewMat(3, in)), w.fill(tensor.NewMat(4, in)), w.fill(tensor.NewMat(2, in))}
	farX, ages, ageMap := w.fill(tensor.NewMat(5, in)), w.fill(tensor.NewMat(4, 2)), w.fill(tensor.NewMat(2, in))
	farD := w.fill(tensor.NewMat(2, in))
	toS, toD := []int32{4, -1, 0, 4}, []int32{1, 1, -1, 0}

	tape := tensor.NewTape(tensor.NewPool(1))
	vars := []*tensor.Var{tape.Const(x[0]), tape.Const(x[1]), tape.Const(x[2])}
	block := &conv.Block{Dst: []int{3, 0, 0}, Edges: []conv.Edge{{CSR: facts}, {CSR: notes}, {CSR: parent}}, Routes: []conv.Far{
		{X: tape.Const(farX), Of: toS, Te: tape.Const(ages), TeOf: []int32{0, -1, 2, 3}, T: tape.Const(ageMap)}, {X: tape.Const(farD), Of: toD}}}
	got := w.layer.Forward(tape, block, vars)[0]

	far := func(route string, u int) []float64 { // x0 of the far end of fact u; nil for none
		switch {
		case route == "to s" && toS[u] >= 0:
			at := plain(farX.Row(int(toS[u])))
			for j := range at {
				at[j] += float64(ages.At(u, 0))*float64(ageMap.At(0, j)) + float64(ages.At(u, 1))*float64(ageMap.At(1, j))
			}
			return at
		case route == "to d" && toD[u] >= 0:
			return plain(farD.Row(int(toD[u])))
		}
		return nil
	}
	want := tensor.NewMat(3, width)
	for v := range 3 {
		sum := w.times(t, plain(x[0].Row(v)), `l.root."d"`, `l.bias."d"`)
		if at := parent.Src[parent.Ptr[v]:parent.Ptr[v+1]]; len(at) > 0 {
			sum = plus(sum, w.times(t, plain(x[2].Row(int(at[0]))), `l.edge."parent"`, ""))
		}
		for _, way := range []struct {
			name string
			csr  tensor.CSR
			x    tensor.Mat
		}{{"to s", facts, x[1]}, {"to d", facts, x[1]}, {"notes", notes, x[2]}} {
			q := w.times(t, plain(x[0].Row(v)), `l.ask."`+way.name+`".weight`, `l.ask."`+way.name+`".bias`)
			var sent [][]float64 // keys, then values
			for _, u := range way.csr.Src[way.csr.Ptr[v]:way.csr.Ptr[v+1]] {
				kv := w.times(t, plain(way.x.Row(int(u))), `l.send."`+way.name+`".weight`, `l.send."`+way.name+`".bias`)
				if s := far(way.name, int(u)); s != nil {
					kv = plus(kv, w.times(t, s, `l.fuse."`+way.name+`"`, ""))
				}
				sent = append(sent, kv)
			}
			sum = plus(sum, attended(q, sent, heads))
		}
		for j := range sum {
			want.Set(v, j, tensor.Real(sum[j]))
		}
	}
	convtest.WantNear(t, "result", got.Val, want)
}

// attended is dot-product attention of one destination.
func attended(q []float64, sent [][]float64, heads int) []float64 {
	out := make([]float64, len(q))
	d := len(q) / heads
	for h := range heads {
		total, score := 0.0, make([]float64, len(sent))
		for u, kv := range sent {
			for j := h * d; j < (h+1)*d; j++ {
				score[u] += q[j] * kv[j] / math.Sqrt(float64(d))
			}
			score[u] = math.Exp(score[u])
			total += score[u]
		}
		for u, kv := range sent {
			for j := h * d; j < (h+1)*d; j++ {
				out[j] += score[u] / total * kv[len(q)+j]
			}
		}
	}
	return out
}

func TestGREAD_formula(t *testing.T) {
	const in, width = 3, 2
	w := newTwin(t, "gread", conv.Config{Name: "l", In: in, Out: width, Types: []string{"d", "s"}, Computes: []bool{true, false},
		Edges: []conv.EdgeType{{Name: "many", Src: 1, Dst: 0}, {Name: "own", Src: 0, Dst: 0}, {Name: "parent", Src: 1, Dst: 0, Functional: true}}})
	edges := map[string]tensor.CSR{"many": {Ptr: []int32{0, 3, 3, 4}, Src: []int32{1, 3, 3, 0}}, "own": {Ptr: []int32{0, 1, 1, 2}, Src: []int32{2, 3}},
		"parent": {Ptr: []int32{0, 0, 0, 1}, Src: []int32{2}}}
	x := []tensor.Mat{w.fill(tensor.NewMat(4, in)), w.fill(tensor.NewMat(4, in))}
	tape := tensor.NewTape(tensor.NewPool(1))
	block := &conv.Block{Dst: []int{3, 0}, Edges: []conv.Edge{{CSR: edges["many"]}, {CSR: edges["own"]}, {CSR: edges["parent"]}}}
	got := w.layer.Forward(tape, block, []*tensor.Var{tape.Const(x[0]), tape.Const(x[1])})[0]

	h := func(typ, u int) []float64 {
		name := []string{`l.embed."d"`, `l.embed."s"`}[typ]
		return w.times(t, plain(x[typ].Row(u)), name+".weight", name+".bias")
	}
	want := tensor.NewMat(3, width)
	for v := range 3 {
		own := h(0, v)
		for j, hv := range own {
			sum := hv + float64(w.set.Get(`l.beta."d"`).Value.At(0, j))*math.Tanh(hv-hv*hv*hv)
			for name, csr := range edges {
				from := map[string]int{"many": 1, "own": 0, "parent": 1}[name]
				near := csr.Src[csr.Ptr[v]:csr.Ptr[v+1]]
				if len(near) == 0 {
					continue
				}
				mean := 0.0
				for _, u := range near {
					mean += h(from, int(u))[j] / float64(len(near))
				}
				a := 1 / (1 + math.Exp(-float64(w.set.Get(`l.alpha."`+name+`"`).Value.At(0, j))))
				sum += a * (mean - hv) / 3
			}
			want.Set(v, j, tensor.Real(sum))
		}
	}
	convtest.WantNear(t, "result", got.Val, want)
}
