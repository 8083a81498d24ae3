package conv

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/internal/testdata"
)

// single says that the engine computes in single precision; real64 builds do not.
var single = tensor.Real(1)+1e-10 == 1

// tolerance picks by precision.
func tolerance(in32, in64 float64) float64 {
	if single {
		return in32
	}
	return in64
}

// goldenTensor is a tensor of the golden files; vectors become one column.
type goldenTensor struct {
	Shape []int     `json:"shape"`
	Data  []float64 `json:"data"`
}

func (g goldenTensor) mat() tensor.Mat {
	m := tensor.NewMat(g.Shape[0], len(g.Data)/g.Shape[0])
	for i, v := range g.Data {
		m.Data[i] = tensor.Real(v)
	}
	return m
}

// weight turns the stored [out, in] into [in, out].
func (g goldenTensor) weight() tensor.Mat {
	m := g.mat()
	w := tensor.NewMat(m.Cols, m.Rows)
	for i := range m.Rows {
		for k, v := range m.Row(i) {
			w.Set(k, i, v)
		}
	}
	return w
}

// row is a vector as one row.
func (g goldenTensor) row() tensor.Mat { return tensor.MatOf(1, len(g.Data), g.mat().Data...) }

type tensors map[string]goldenTensor

// golden is one case: a layer of PyTorch Geometric with its inputs, result, and the
// gradients of sum(result * upstream).
type golden struct {
	Inputs     tensors `json:"inputs"`
	Parameters tensors `json:"parameters"`
	Output     tensors `json:"output"`
	Upstream   tensors `json:"upstream_gradient"`
	GradIn     tensors `json:"grad_inputs"`
	GradPar    tensors `json:"grad_parameters"`
}

func readGolden(t *testing.T, name string) golden {
	t.Helper()
	text, err := os.ReadFile(testdata.Path(t, "golden", "layers", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var d golden
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// csr groups the edges [2, n] (sources, destinations) by destination.
func csr(edges goldenTensor, dst int) tensor.CSR {
	n := len(edges.Data) / 2
	c := tensor.CSR{Ptr: make([]int32, 1, dst+1), Src: []int32{}}
	for v := range dst {
		for e := range n {
			if int(edges.Data[n+e]) == v {
				c.Src = append(c.Src, int32(edges.Data[e]))
			}
		}
		c.Ptr = append(c.Ptr, int32(len(c.Src)))
	}
	return c
}

func wantNear(t *testing.T, what string, got, want tensor.Mat) {
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

// padded adds zero columns.
func padded(m tensor.Mat, cols int) tensor.Mat {
	out := tensor.NewMat(m.Rows, cols)
	for i := range m.Rows {
		copy(out.Row(i), m.Row(i))
	}
	return out
}

// columns keeps the first n columns.
func columns(m tensor.Mat, n int) tensor.Mat {
	out := tensor.NewMat(m.Rows, n)
	for i := range m.Rows {
		copy(out.Row(i), m.Row(i))
	}
	return out
}

// torchSAGE maps the convolutions of one golden case to our parameters: prefix of the
// parameters in the file -> edge type.
type torchSAGE struct {
	config Config
	prefix []string // per edge type
}

// load sets our parameters. The root weights of a node type, which torch holds once per
// edge type, are one matrix here: their sum.
func (s torchSAGE) load(set *nn.Set, p tensors) {
	for i, e := range s.config.Edges {
		w := p[s.prefix[i]+"lin_l.weight"].weight()
		copy(set.Get(`l.edge."`+e.Name+`"`).Value.Data, w.Data)
		root := set.Get(`l.root."` + s.config.Types[e.Dst] + `".weight`)
		bias := set.Get(`l.root."` + s.config.Types[e.Dst] + `".bias`)
		if !slices.ContainsFunc(s.config.Edges[:i], func(o EdgeType) bool { return o.Dst == e.Dst }) {
			clear(root.Value.Data)
			clear(bias.Value.Data)
		}
		for k, v := range p[s.prefix[i]+"lin_r.weight"].weight().Data {
			root.Value.Data[k] += v
		}
		for k, v := range p[s.prefix[i]+"lin_l.bias"].row().Data {
			bias.Value.Data[k] += v
		}
	}
}

func (s torchSAGE) checkGrads(t *testing.T, set *nn.Set, p tensors) {
	t.Helper()
	for i, e := range s.config.Edges {
		wantNear(t, e.Name+" weight gradient", set.Get(`l.edge."`+e.Name+`"`).Grad, p[s.prefix[i]+"lin_l.weight"].weight())
		typ := s.config.Types[e.Dst]
		root := p[s.prefix[i]+"lin_r.weight"].weight()
		grad := set.Get(`l.root."` + typ + `".weight`).Grad
		grad.Rows, grad.Data = root.Rows, grad.Data[:root.Len()] // rows of padded inputs meet zeros
		wantNear(t, typ+" root gradient", grad, root)
		wantNear(t, typ+" bias gradient", set.Get(`l.root."`+typ+`".bias`).Grad, p[s.prefix[i]+"lin_l.bias"].row())
	}
}

func sum(t *tensor.Tape, parts []*tensor.Var) *tensor.Var {
	total := t.SumAll(parts[0])
	for _, p := range parts[1:] {
		total = t.Add(total, t.SumAll(p))
	}
	return total
}

func TestGolden_sage(t *testing.T) {
	for name, aggregate := range map[string]string{"sage_mean": "mean", "sage_sum": "sum", "sage_max": "max"} {
		t.Run(name, func(t *testing.T) {
			d := readGolden(t, name)
			s := torchSAGE{Config{Name: "l", In: 4, Out: 6, Types: []string{"x"}, Edges: []EdgeType{{Name: "e"}}, Aggregate: aggregate}, []string{""}}
			set := nn.NewSet(1)
			layer, err := New("sage", s.config, set)
			if err != nil {
				t.Fatal(err)
			}
			s.load(set, d.Parameters)
			tape := tensor.NewTape(tensor.NewPool(1))
			x := d.Inputs["x"].mat()
			grad := tensor.NewMat(x.Rows, x.Cols)
			block := &Block{Dst: []int{x.Rows}, Edges: []Edge{{CSR: csr(d.Inputs["edge_index"], x.Rows)}}}
			out := layer.Forward(tape, block, []*tensor.Var{tape.Leaf(x, grad)})
			wantNear(t, "output", out[0].Val, d.Output["out"].mat())
			tape.Backward(tape.SumAll(tape.Mul(out[0], tape.Const(d.Upstream["out"].mat()))))
			wantNear(t, "input gradient", grad, d.GradIn["x"].mat())
			s.checkGrads(t, set, d.GradPar)
		})
	}
}

// The destinations of the bipartite case have 3 channels; a zero fourth one makes them
// as wide as the sources, which our layer wants.
func TestGolden_sageBipartite(t *testing.T) {
	d := readGolden(t, "sage_mean_bipartite")
	s := torchSAGE{Config{Name: "l", In: 4, Out: 6, Types: []string{"src", "dst"}, Computes: []bool{false, true},
		Edges: []EdgeType{{Name: "e", Src: 0, Dst: 1}}}, []string{""}}
	set := nn.NewSet(1)
	layer, err := New("sage", s.config, set)
	if err != nil {
		t.Fatal(err)
	}
	if set.Get(`l.root."src".weight`) != nil {
		t.Error("a node type without destinations has root weights")
	}
	s.load(set, d.Parameters)
	tape := tensor.NewTape(tensor.NewPool(1))
	src, dst := d.Inputs["x_src"].mat(), padded(d.Inputs["x_dst"].mat(), 4)
	dsrc, ddst := tensor.NewMat(src.Rows, 4), tensor.NewMat(dst.Rows, 4)
	block := &Block{Dst: []int{0, dst.Rows}, Edges: []Edge{{CSR: csr(d.Inputs["edge_index"], dst.Rows)}}}
	out := layer.Forward(tape, block, []*tensor.Var{tape.Leaf(src, dsrc), tape.Leaf(dst, ddst)})
	if out[0] != nil {
		t.Error("a node type without destinations has a result")
	}
	wantNear(t, "output", out[1].Val, d.Output["out"].mat())
	tape.Backward(tape.SumAll(tape.Mul(out[1], tape.Const(d.Upstream["out"].mat()))))
	wantNear(t, "source gradient", dsrc, d.GradIn["x_src"].mat())
	wantNear(t, "destination gradient", columns(ddst, 3), d.GradIn["x_dst"].mat())
	s.checkGrads(t, set, d.GradPar)
}

func TestGolden_heteroSAGE(t *testing.T) {
	for name, aggregate := range map[string]string{"hetero_sage_sum": "sum", "hetero_sage_layernorm_relu": "mean"} {
		t.Run(name, func(t *testing.T) {
			d := readGolden(t, name)
			norms := strings.Contains(name, "layernorm")
			prefix := "convs."
			if norms {
				prefix = "conv.convs."
			}
			s := torchSAGE{Config{Name: "l", In: 4, Out: 6, Types: []string{"a", "b"}, Aggregate: aggregate,
				Edges: []EdgeType{{Name: "to", Src: 0, Dst: 1}, {Name: "rev", Src: 1, Dst: 0}, {Name: "link", Src: 0, Dst: 0}}},
				[]string{prefix + "<a___to___b>.", prefix + "<b___rev___a>.", prefix + "<a___link___a>."}}
			set := nn.NewSet(1)
			layer, err := New("sage", s.config, set)
			if err != nil {
				t.Fatal(err)
			}
			s.load(set, d.Parameters)
			tape := tensor.NewTape(tensor.NewPool(1))
			block := &Block{Dst: []int{7, 5}, Edges: []Edge{{CSR: csr(d.Inputs["edge_index:a__to__b"], 5)},
				{CSR: csr(d.Inputs["edge_index:b__rev__a"], 7)}, {CSR: csr(d.Inputs["edge_index:a__link__a"], 7)}}}
			x, grads := make([]*tensor.Var, 2), make([]tensor.Mat, 2)
			for i, typ := range s.config.Types {
				m := d.Inputs[typ].mat()
				grads[i] = tensor.NewMat(m.Rows, m.Cols)
				x[i] = tape.Leaf(m, grads[i])
			}
			out := layer.Forward(tape, block, x)
			var parts []*tensor.Var
			for i, typ := range s.config.Types {
				if norms {
					n := nn.NewLayerNorm(set, "norm."+typ, 6)
					copy(n.Gamma.Value.Data, d.Parameters["norm."+typ+".weight"].row().Data)
					copy(n.Beta.Value.Data, d.Parameters["norm."+typ+".bias"].row().Data)
					out[i] = tape.Activate(n.Apply(tape, out[i]), tensor.ReLU)
				}
				wantNear(t, typ+" output", out[i].Val, d.Output[typ].mat())
				parts = append(parts, tape.Mul(out[i], tape.Const(d.Upstream[typ].mat())))
			}
			tape.Backward(sum(tape, parts))
			for i, typ := range s.config.Types {
				wantNear(t, typ+" input gradient", grads[i], d.GradIn[typ].mat())
				if norms {
					wantNear(t, typ+" norm gradient", set.Get("norm."+typ+".weight").Grad, d.GradPar["norm."+typ+".weight"].row())
					wantNear(t, typ+" norm gradient", set.Get("norm."+typ+".bias").Grad, d.GradPar["norm."+typ+".bias"].row())
				}
			}
			s.checkGrads(t, set, d.GradPar)
		})
	}
}
