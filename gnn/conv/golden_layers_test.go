package conv

import (
	"math"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
)

// goldenRun runs a layer of ours on a golden case.
type goldenRun struct {
	golden
	layer  string
	config Config
	block  *Block
	inputs []string // per node type: its name in the file
	set    *nn.Set
}

// newGoldenRun is a bare layer with one node type x and the given edge types.
func newGoldenRun(t *testing.T, file, layer string, edges ...EdgeType) *goldenRun {
	t.Helper()
	r := &goldenRun{golden: readGolden(t, file), layer: layer, inputs: []string{"x"}, set: nn.NewSet(1)}
	r.config = Config{Name: "l", In: 4, Out: 6, Types: []string{"x"}, Edges: edges, Bare: true, Heads: 2}
	r.block = &Block{Dst: []int{7}, Whole: true}
	return r
}

// edges adds edges [2, n] to the block.
func (r *goldenRun) edges(e tensor.CSR) { r.block.Edges = append(r.block.Edges, Edge{CSR: e}) }

// set copies a value into one of our parameters.
func (r *goldenRun) load(t *testing.T, name string, value tensor.Mat) {
	t.Helper()
	p := r.set.Get(name)
	if p == nil || p.Value.Len() != value.Len() {
		t.Fatalf("parameter %q is %v, want %dx%d", name, p, value.Rows, value.Cols)
	}
	copy(p.Value.Data, value.Data)
}

// run builds the layer, lets load fill its parameters, and compares results and input
// gradients.
func (r *goldenRun) run(t *testing.T, load func()) {
	t.Helper()
	layer, err := New(r.layer, r.config, r.set)
	if err != nil {
		t.Fatal(err)
	}
	load()
	tape := tensor.NewTape(tensor.NewPool(1))
	x, grads := make([]*tensor.Var, len(r.inputs)), make([]tensor.Mat, len(r.inputs))
	for i, name := range r.inputs {
		m := r.Inputs[name].mat()
		grads[i] = tensor.NewMat(m.Rows, m.Cols)
		x[i] = tape.Leaf(m, grads[i])
	}
	var parts []*tensor.Var
	for i, o := range layer.Forward(tape, r.block, x) {
		name := r.inputs[i]
		if name == "x" {
			name = "out"
		}
		wantNear(t, name+" output", o.Val, r.Output[name].mat())
		parts = append(parts, tape.Mul(o, tape.Const(r.Upstream[name].mat())))
	}
	tape.Backward(sum(tape, parts))
	for i, name := range r.inputs {
		wantNear(t, name+" input gradient", grads[i], r.GradIn[name].mat())
	}
}

func (r *goldenRun) wantGrad(t *testing.T, name string, want tensor.Mat) {
	t.Helper()
	got := r.set.Get(name).Grad
	got.Rows, got.Cols = want.Rows, want.Cols
	wantNear(t, name+" gradient", got, want)
}

// both loads a parameter before the run and compares its gradient after it.
type both struct {
	name   string // ours
	theirs string
	as     func(goldenTensor) tensor.Mat
}

func (r *goldenRun) runWith(t *testing.T, params ...both) {
	t.Helper()
	r.run(t, func() {
		for _, p := range params {
			r.load(t, p.name, p.as(r.Parameters[p.theirs]))
		}
	})
	for _, p := range params {
		r.wantGrad(t, p.name, p.as(r.GradPar[p.theirs]))
	}
}

func asWeight(g goldenTensor) tensor.Mat { return g.weight() }
func asRow(g goldenTensor) tensor.Mat    { return g.row() }
func asMat(g goldenTensor) tensor.Mat    { return g.mat() }

// withLoops leaves out edges from a node to itself and gives every node one.
func withLoops(c tensor.CSR) tensor.CSR {
	out := tensor.CSR{Ptr: []int32{0}}
	for v := range c.Rows() {
		for _, u := range c.Src[c.Ptr[v]:c.Ptr[v+1]] {
			if int(u) != v {
				out.Src = append(out.Src, u)
			}
		}
		out.Src = append(out.Src, int32(v))
		out.Ptr = append(out.Ptr, int32(len(out.Src)))
	}
	return out
}

func TestGolden_gcn(t *testing.T) {
	r := newGoldenRun(t, "gcn", "gcn", EdgeType{Name: "e"})
	r.edges(csr(r.Inputs["edge_index"], 7))
	r.runWith(t, both{`l.weight."x"`, "lin.weight", asWeight}, both{`l.bias."x"`, "bias", asRow})
}

func TestGolden_attention(t *testing.T) {
	gat := []both{{`l.edge."e"`, "lin.weight", asWeight}, {`l.from."e"`, "att_src", asRow}, {`l.to."e"`, "att_dst", asRow}, {`l.bias."x"`, "bias", asRow}}
	gatv2 := []both{{`l.from."e".weight`, "lin_l.weight", asWeight}, {`l.from."e".bias`, "lin_l.bias", asRow},
		{`l.to."e".weight`, "lin_r.weight", asWeight}, {`l.to."e".bias`, "lin_r.bias", asRow},
		{`l.attention."e"`, "att", asRow}, {`l.bias."x"`, "bias", asRow}}
	for file, params := range map[string][]both{"gat": gat, "gat_no_self_loops": gat, "gatv2": gatv2, "gatv2_no_self_loops": gatv2} {
		t.Run(file, func(t *testing.T) {
			layer, _, bare := strings.Cut(file, "_")
			r := newGoldenRun(t, file, layer, EdgeType{Name: "e"})
			edges := csr(r.Inputs["edge_index"], 7)
			if !bare {
				edges = withLoops(edges)
			}
			r.edges(edges)
			r.runWith(t, params...)
		})
	}
}

// ofType picks the edges of one relation.
func ofType(d golden, relation float64) tensor.CSR {
	edges, types := d.Inputs["edge_index"], d.Inputs["edge_type"]
	n := len(types.Data)
	var from, to []float64
	for e, typ := range types.Data {
		if typ == relation {
			from, to = append(from, edges.Data[e]), append(to, edges.Data[n+e])
		}
	}
	return csr(goldenTensor{Data: append(from, to...)}, 7)
}

func TestGolden_rgcn(t *testing.T) {
	for _, file := range []string{"rgcn", "rgcn_sum", "rgcn_bases"} {
		t.Run(file, func(t *testing.T) {
			r := newGoldenRun(t, file, "rgcn", EdgeType{Name: "0"}, EdgeType{Name: "1"}, EdgeType{Name: "2"})
			r.config.Bare = false
			params := []both{{`l.root."x"`, "root", asMat}, {`l.bias."x"`, "bias", asRow}, {`l.weights."from 4"`, "weight", asRow}}
			switch file {
			case "rgcn_sum":
				r.config.Aggregate = "sum"
			case "rgcn_bases":
				r.config.Bases = 2
				params[2].name = `l.bases."from 4"`
				params = append(params, both{`l.mix."from 4"`, "comp", asMat})
			}
			for i := range r.config.Edges {
				r.edges(ofType(r.golden, float64(i)))
			}
			r.runWith(t, params...)
		})
	}
}

// turned transposes the matrix of each head, Out/heads wide, of edge type i.
func (r *goldenRun) relation(g goldenTensor, i int, turn bool) tensor.Mat {
	width := r.config.Out / r.config.Heads
	out := tensor.NewMat(r.config.Out, width)
	for h := range r.config.Heads {
		for j := range width {
			for k := range width {
				v := tensor.Real(g.Data[((h*len(r.config.Edges)+i)*width+j)*width+k])
				if turn {
					out.Set(h*width+k, j, v)
				} else {
					out.Set(h*width+j, k, v)
				}
			}
		}
	}
	return out
}

func TestGolden_hgt(t *testing.T) {
	for _, file := range []string{"hgt", "hgt_skip"} {
		t.Run(file, func(t *testing.T) {
			r := newGoldenRun(t, file, "hgt")
			r.inputs, r.config.Types, r.block.Dst = []string{"a", "b"}, []string{"a", "b"}, []int{7, 5}
			r.config.Edges = []EdgeType{{Name: "a__to__b", Src: 0, Dst: 1}, {Name: "b__rev__a", Src: 1, Dst: 0}, {Name: "a__link__a", Src: 0, Dst: 0}}
			r.config.In = r.Inputs["a"].Shape[1]
			for _, e := range r.config.Edges {
				r.edges(csr(r.Inputs["edge_index:"+e.Name], r.block.Dst[e.Dst]))
			}
			r.run(t, func() { r.eachHGT(t, r.Parameters, r.load) })
			r.eachHGT(t, r.GradPar, r.wantGrad)
		})
	}
}

// eachHGT calls f for our parameters with the values that stand for them in the file.
func (r *goldenRun) eachHGT(t *testing.T, p tensors, f func(*testing.T, string, tensor.Mat)) {
	t.Helper()
	out := r.config.Out
	for _, typ := range r.config.Types {
		quote := `."` + typ + `"`
		w, b := p["kqv_lin.lins."+typ+".weight"].weight(), p["kqv_lin.lins."+typ+".bias"].row()
		f(t, "l.send"+quote+".weight", keysAndValues(w, out))
		f(t, "l.send"+quote+".bias", keysAndValues(b, out))
		f(t, "l.ask"+quote+".weight", queries(w, out))
		f(t, "l.ask"+quote+".bias", queries(b, out))
		f(t, "l.out"+quote+".weight", p["out_lin.lins."+typ+".weight"].weight())
		f(t, "l.out"+quote+".bias", p["out_lin.lins."+typ+".bias"].row())
		if r.config.In == out {
			f(t, "l.gate"+quote, p["skip."+typ].row())
		}
	}
	for i, e := range r.config.Edges {
		quote := `."` + e.Name + `"`
		f(t, "l.key"+quote, r.relation(p["k_rel.weight"], i, true))
		f(t, "l.value"+quote, r.relation(p["v_rel.weight"], i, false))
		f(t, "l.prior"+quote, p["p_rel."+e.Name].row())
	}
}

// keysAndValues are the first and the last third of the columns.
func keysAndValues(m tensor.Mat, out int) tensor.Mat {
	kv := tensor.NewMat(m.Rows, 2*out)
	for i := range m.Rows {
		copy(kv.Row(i), m.Row(i)[:out])
		copy(kv.Row(i)[out:], m.Row(i)[2*out:])
	}
	return kv
}

// queries are the middle third.
func queries(m tensor.Mat, out int) tensor.Mat {
	q := tensor.NewMat(m.Rows, out)
	for i := range m.Rows {
		copy(q.Row(i), m.Row(i)[out:2*out])
	}
	return q
}

func TestGolden_gin(t *testing.T) {
	r := newGoldenRun(t, "gin_mlp", "gin", EdgeType{Name: "e"})
	r.config.Hidden = 8
	r.edges(csr(r.Inputs["edge_index"], 7))
	each := func(p tensors, f func(*testing.T, string, tensor.Mat)) {
		f(t, `l.up."e".weight`, p["nn.0.weight"].weight())
		f(t, `l.up."e".bias`, p["nn.0.bias"].row())
		f(t, `l.down."e".weight`, p["nn.2.weight"].weight())
		f(t, `l.down."e".bias`, p["nn.2.bias"].row())
	}
	r.run(t, func() {
		each(r.Parameters, r.load)
		r.load(t, `l.eps."e"`, tensor.Mat{Rows: 1, Cols: 1, Data: []tensor.Real{0.3}}) // fixed in the file
	})
	each(r.GradPar, r.wantGrad)
}

func TestGolden_transformer(t *testing.T) {
	for file, layer := range map[string]string{"transformer": "transformer", "transformer_beta": "transformer-gated"} {
		t.Run(file, func(t *testing.T) {
			r := newGoldenRun(t, file, layer, EdgeType{Name: "e"})
			r.config.Bare = false
			r.edges(csr(r.Inputs["edge_index"], 7))
			each := func(p tensors, f func(*testing.T, string, tensor.Mat)) {
				f(t, `l.send."e".weight`, sideBySide(p["lin_key.weight"].weight(), p["lin_value.weight"].weight()))
				f(t, `l.send."e".bias`, sideBySide(p["lin_key.bias"].row(), p["lin_value.bias"].row()))
				f(t, `l.ask."e".weight`, p["lin_query.weight"].weight())
				f(t, `l.ask."e".bias`, p["lin_query.bias"].row())
				f(t, `l.root."x"`, p["lin_skip.weight"].weight())
				f(t, `l.bias."x"`, p["lin_skip.bias"].row())
				if layer == "transformer-gated" {
					f(t, `l.gate."x"`, p["lin_beta.weight"].weight())
				}
			}
			r.run(t, func() { each(r.Parameters, r.load) })
			each(r.GradPar, r.wantGrad)
		})
	}
}

func sideBySide(a, b tensor.Mat) tensor.Mat {
	out := tensor.NewMat(a.Rows, a.Cols+b.Cols)
	for i := range a.Rows {
		copy(out.Row(i), a.Row(i))
		copy(out.Row(i)[a.Cols:], b.Row(i))
	}
	return out
}

func TestGolden_rgat(t *testing.T) {
	r := newGoldenRun(t, "rgat", "rgat", EdgeType{Name: "0"}, EdgeType{Name: "1"}, EdgeType{Name: "2"})
	for i := range r.config.Edges {
		r.edges(ofType(r.golden, float64(i)))
	}
	each := func(p tensors, f func(*testing.T, string, tensor.Mat)) {
		for i, e := range r.config.Edges {
			f(t, `l.edge."`+e.Name+`"`, matrixOf(p["weight"], i))
		}
		f(t, "l.query", p["q"].mat())
		f(t, "l.key", p["k"].mat())
		f(t, `l.bias."x"`, p["bias"].row())
	}
	r.run(t, func() { each(r.Parameters, r.load) })
	each(r.GradPar, r.wantGrad)
}

// matrixOf is matrix i of a tensor of three dimensions.
func matrixOf(g goldenTensor, i int) tensor.Mat {
	out := tensor.NewMat(g.Shape[1], g.Shape[2])
	for k := range out.Data {
		out.Data[k] = tensor.Real(g.Data[i*len(out.Data)+k])
	}
	return out
}

func TestGolden_pna(t *testing.T) {
	r := newGoldenRun(t, "pna", "pna", EdgeType{Name: "e"})
	for d, nodes := range []float64{1, 2, 2, 2} { // of the file: nodes by degree
		r.config.LogDegree += nodes * math.Log(float64(d+1)) / 7
	}
	r.edges(csr(r.Inputs["edge_index"], 7))
	each := func(p tensors, f func(*testing.T, string, tensor.Mat)) {
		pre := p["pre_nns.0.0.weight"].weight() // destination above source
		f(t, `l.to."e"`, tensor.Mat{Rows: 4, Cols: 4, Data: pre.Data[:16]})
		f(t, `l.from."e".weight`, tensor.Mat{Rows: 4, Cols: 4, Data: pre.Data[16:]})
		f(t, `l.from."e".bias`, p["pre_nns.0.0.bias"].row())
		f(t, `l.post."e".weight`, p["post_nns.0.0.weight"].weight())
		f(t, `l.post."e".bias`, p["post_nns.0.0.bias"].row())
		f(t, `l.out."x".weight`, p["lin.weight"].weight())
		f(t, `l.out."x".bias`, p["lin.bias"].row())
	}
	r.run(t, func() { each(r.Parameters, r.load) })
	each(r.GradPar, r.wantGrad)
}
