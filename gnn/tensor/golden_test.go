package tensor

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/rowlink/rowlink/internal/testdata"
)

// jsonTensor is a tensor of the golden files; vectors become one column.
type jsonTensor struct {
	Shape []int     `json:"shape"`
	Data  []float64 `json:"data"`
}

func (j jsonTensor) mat() Mat {
	rows := j.Shape[0]
	m := NewMat(rows, len(j.Data)/max(rows, 1))
	for i, v := range j.Data {
		m.Data[i] = Real(v)
	}
	return m
}

// row is a vector as one row.
func (j jsonTensor) row() Mat { return MatOf(1, len(j.Data), j.mat().Data...) }

// weight turns the stored [out, in] into [in, out].
func (j jsonTensor) weight() Mat {
	m := j.mat()
	w := NewMat(m.Cols, m.Rows)
	for i := range m.Rows {
		for k, v := range m.Row(i) {
			w.Set(k, i, v)
		}
	}
	return w
}

func (j jsonTensor) ints() []int32 {
	s := make([]int32, len(j.Data))
	for i, v := range j.Data {
		s[i] = int32(v)
	}
	return s
}

type goldenLayer struct {
	Inputs     map[string]jsonTensor `json:"inputs"`
	Parameters map[string]jsonTensor `json:"parameters"`
	Output     map[string]jsonTensor `json:"output"`
	Upstream   map[string]jsonTensor `json:"upstream_gradient"`
	GradIn     map[string]jsonTensor `json:"grad_inputs"`
	GradPar    map[string]jsonTensor `json:"grad_parameters"`
}

func readGolden(t *testing.T, name string, v any) {
	t.Helper()
	text, err := os.ReadFile(testdata.Path(t, "golden", "layers", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatal(err)
	}
}

func wantNear(t *testing.T, what string, got, want Mat) {
	t.Helper()
	if len(got.Data) != len(want.Data) {
		t.Fatalf("%s of %s, want %s", what, got.shape(), want.shape())
	}
	tol := tolerance(1e-4, 1e-7)
	for i, w := range want.Data {
		if !(math.Abs(float64(got.Data[i]-w)) <= tol*math.Max(1, math.Abs(float64(w)))) {
			t.Errorf("%s: element %d is %v, want %v", what, i, got.Data[i], w)
		}
	}
}

// grower makes leaves and remembers the gradients expected of them.
type grower struct {
	*Tape
	leaves []*Var
	want   []Mat
}

func newGrower() *grower { return &grower{Tape: NewTape(NewPool(2))} }

func (g *grower) leaf(val, wantGrad Mat) *Var {
	v := g.Leaf(val, NewMat(val.Rows, val.Cols))
	g.leaves, g.want = append(g.leaves, v), append(g.want, wantGrad)
	return v
}

// finish compares the result and, after sending the upstream gradient, all gradients.
func (g *grower) finish(t *testing.T, name string, out *Var, want, upstream Mat) {
	t.Helper()
	wantNear(t, name+" output", out.Val, want)
	g.Backward(g.SumAll(g.Mul(out, g.Const(upstream))))
	for i, v := range g.leaves {
		wantNear(t, name+" gradient", v.Grad(), g.want[i])
	}
}

func TestGolden_linear(t *testing.T) {
	var d goldenLayer
	readGolden(t, "linear", &d)
	g := newGrower()
	y := g.Linear(g.leaf(d.Inputs["x"].mat(), d.GradIn["x"].mat()),
		g.leaf(d.Parameters["weight"].weight(), d.GradPar["weight"].weight()),
		g.leaf(d.Parameters["bias"].row(), d.GradPar["bias"].row()), Identity)
	g.finish(t, "linear", y, d.Output["out"].mat(), d.Upstream["out"].mat())
}

func TestGolden_norms(t *testing.T) {
	for _, name := range []string{"layernorm_node", "batchnorm_train"} {
		var d goldenLayer
		readGolden(t, name, &d)
		g := newGrower()
		x := g.leaf(d.Inputs["x"].mat(), d.GradIn["x"].mat())
		gamma := g.leaf(d.Parameters["weight"].row(), d.GradPar["weight"].row())
		beta := g.leaf(d.Parameters["bias"].row(), d.GradPar["bias"].row())
		var y *Var
		if name == "layernorm_node" {
			y = g.LayerNorm(x, gamma, beta, 1e-5)
		} else {
			y, _, _ = g.BatchNorm(x, gamma, beta, 1e-5)
		}
		g.finish(t, name, y, d.Output["out"].mat(), d.Upstream["out"].mat())
	}
}

func TestGolden_embedding(t *testing.T) {
	var d goldenLayer
	readGolden(t, "embedding", &d)
	g := newGrower()
	table := g.leaf(d.Parameters["weight"].mat(), d.GradPar["weight"].mat())
	y := g.Embedding(table, d.Inputs["index"].ints())
	g.finish(t, "embedding", y, d.Output["out"].mat(), d.Upstream["out"].mat())
}

// byDestination sorts edges by destination, keeping their order, and returns where
// each came from.
func byDestination(dst, src []int32, rows int) (CSR, []int) {
	order := make([]int, len(dst))
	for e := range order {
		order[e] = e
	}
	slices.SortStableFunc(order, func(a, b int) int { return int(dst[a] - dst[b]) })
	c := CSR{Ptr: make([]int32, rows+1), Src: make([]int32, len(dst))}
	for k, e := range order {
		c.Ptr[dst[e]+1]++
		c.Src[k] = src[e]
	}
	for i := range rows {
		c.Ptr[i+1] += c.Ptr[i]
	}
	return c, order
}

func pickRows(m Mat, order []int) Mat {
	out := NewMat(len(order), m.Cols)
	for k, e := range order {
		copy(out.Row(k), m.Row(e))
	}
	return out
}

func TestGolden_segmentSoftmax(t *testing.T) {
	var d goldenLayer
	readGolden(t, "segment_softmax", &d)
	dst := d.Inputs["index"].ints()
	csr, order := byDestination(dst, dst, 7)
	g := newGrower()
	x := g.leaf(pickRows(d.Inputs["x"].mat(), order), pickRows(d.GradIn["x"].mat(), order))
	g.finish(t, "segment softmax", g.SegmentSoftmax(x, csr),
		pickRows(d.Output["out"].mat(), order), pickRows(d.Upstream["out"].mat(), order))
}

func TestGolden_sage(t *testing.T) {
	for name, kind := range map[string]Reduce{"sage_mean": Mean, "sage_sum": Sum, "sage_max": Max, "sage_mean_bipartite": Mean} {
		var d goldenLayer
		readGolden(t, name, &d)
		g := newGrower()
		src, dst := "x", "x"
		if name == "sage_mean_bipartite" {
			src, dst = "x_src", "x_dst"
		}
		x := g.leaf(d.Inputs[src].mat(), d.GradIn[src].mat())
		root := x
		if src != dst {
			root = g.leaf(d.Inputs[dst].mat(), d.GradIn[dst].mat())
		}
		edges := d.Inputs["edge_index"].ints()
		half := len(edges) / 2
		csr, _ := byDestination(edges[half:], edges[:half], root.Rows())
		leaf := func(p string) *Var { return g.leaf(d.Parameters[p].weight(), d.GradPar[p].weight()) }
		b := g.leaf(d.Parameters["lin_l.bias"].row(), d.GradPar["lin_l.bias"].row())
		y := g.Add(g.Linear(g.GatherReduce(x, csr, kind), leaf("lin_l.weight"), b, Identity), g.MatMul(root, leaf("lin_r.weight")))
		g.finish(t, name, y, d.Output["out"].mat(), d.Upstream["out"].mat())
	}
}

func TestGolden_activations(t *testing.T) {
	var d struct {
		X         []float64 `json:"x"`
		Functions map[string]struct{ Output, Derivative []float64 }
	}
	readGolden(t, "activations", &d)
	asMat := func(s []float64) Mat { return jsonTensor{[]int{len(s)}, s}.mat() }
	ones := NewMat(len(d.X), 1)
	for i := range ones.Data {
		ones.Data[i] = 1
	}
	for name, f := range d.Functions {
		if name == "leaky_relu_0.2" {
			name = "leaky_relu"
		}
		act, err := ParseActivation(name)
		if err != nil {
			t.Fatal(err)
		}
		g := newGrower()
		x := g.leaf(asMat(d.X), asMat(f.Derivative))
		g.finish(t, name, g.Activate(x, act), asMat(f.Output), ones)
	}
}

func TestGolden_timeEncoding(t *testing.T) {
	for _, name := range []string{"temporal_encoding", "temporal_encoding_6"} {
		var d struct {
			X      []float64  `json:"x"`
			Output jsonTensor `json:"output"`
		}
		readGolden(t, name, &d)
		y := NewTape(NewPool(1)).TimeEncoding(d.X, d.Output.Shape[1])
		wantNear(t, name, y.Val, d.Output.mat())
	}
}

type goldenLoss struct {
	Name      string `json:"name"`
	Arguments struct {
		Delta     float64 `json:"delta"`
		Beta      float64 `json:"beta"`
		PosWeight float64 `json:"pos_weight"`
		Weight    []Real  `json:"weight"`
		Smoothing float64 `json:"label_smoothing"`
	} `json:"arguments"`
	Inputs map[string]jsonTensor `json:"inputs"`
	Loss   float64               `json:"loss"`
	Grad   map[string]jsonTensor `json:"grad"`
}

// bpr is the mean of softplus(negative - positive) over all pairs of a row, as a model
// would compose it: each positive meets every negative of its row.
func bpr(g *grower, pos, neg *Var) *Var {
	ones := NewMat(1, neg.Cols())
	for i := range ones.Data {
		ones.Data[i] = 1
	}
	return g.MeanAll(g.Activate(g.Sub(neg, g.MatMul(pos, g.Const(ones))), Softplus))
}

func (d goldenLoss) run(t *testing.T, g *grower) *Var {
	leaf := func(name string) *Var { return g.leaf(d.Inputs[name].mat(), d.Grad[name].mat()) }
	target := func() []Real { return d.Inputs["target"].mat().Data }
	switch a := d.Arguments; d.Name {
	case "l1_mean":
		return g.L1(leaf("pred"), target(), nil)
	case "mse_mean":
		return g.MSE(leaf("pred"), target(), nil)
	case "huber_delta1", "huber_delta0.3":
		return g.Huber(leaf("pred"), target(), nil, a.Delta)
	case "smooth_l1_beta0.5":
		return g.SmoothL1(leaf("pred"), target(), nil, a.Beta)
	case "bce_with_logits", "bce_with_logits_pos_weight":
		return g.BCEWithLogits(leaf("logit"), target(), nil, a.PosWeight)
	case "cross_entropy", "cross_entropy_weighted", "cross_entropy_label_smoothing":
		return g.CrossEntropy(leaf("logit"), d.Inputs["target"].ints(),
			CrossEntropyOptions{ClassWeights: a.Weight, Smoothing: a.Smoothing})
	case "multilabel_bce":
		return g.MultilabelBCE(leaf("logit"), target(), nil, nil)
	case "bpr", "bpr_shared_negatives":
		return bpr(g, leaf("positive"), leaf("negative"))
	}
	t.Fatalf("no loss for %q", d.Name)
	return nil
}

func TestGolden_losses(t *testing.T) {
	var d struct {
		Losses []goldenLoss `json:"losses"`
	}
	readGolden(t, "losses", &d)
	if len(d.Losses) < 13 {
		t.Fatalf("%d losses in the file, want at least 13", len(d.Losses))
	}
	for _, l := range d.Losses {
		g := newGrower()
		loss := l.run(t, g)
		g.finish(t, l.Name, loss, MatOf(1, 1, Real(l.Loss)), MatOf(1, 1, 1))
	}
}

// Weights of 1 and 0 must act like leaving rows out.
func TestLoss_rowWeights(t *testing.T) {
	tape := NewTape(NewPool(1))
	p, y := []Real{1, 5, -2}, []Real{0, 7, 1}
	whole := tape.MSE(tape.Const(MatOf(3, 1, p...)), y, []Real{1, 0, 1})
	part := tape.MSE(tape.Const(MatOf(2, 1, p[0], p[2])), []Real{y[0], y[2]}, nil)
	wantNear(t, "weighted loss", whole.Val, part.Val)
	z := tape.Const(MatOf(3, 2, 1, 2, 3, -1, 0, 1))
	a := tape.CrossEntropy(z, []int32{0, -1, 1}, CrossEntropyOptions{})
	b := tape.CrossEntropy(z, []int32{0, 1, 1}, CrossEntropyOptions{RowWeights: []Real{2, 0, 2}})
	wantNear(t, "left-out row", a.Val, b.Val)
	none := tape.L1(tape.Const(MatOf(1, 1, 5)), []Real{1}, []Real{0})
	wantNear(t, "all weights zero", none.Val, MatOf(1, 1, 0))
}
