package convtest

import (
	"math"
	"testing"

	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
)

// Trial is a layer with a random block to run it on.
type Trial struct {
	Layer  conv.Layer
	Set    *nn.Set
	Config conv.Config
	Block  *conv.Block
	X      []tensor.Mat
	Grad   []tensor.Mat // of X, after backward
	Far    []FarEnds    // per route

	name string
}

// Node types of the trials: the copies of c are missing, so that edge types from it
// have no source at all.
const a, b, c = 0, 1, 2

// Config has three node types, functional and plain edge types, and edge types without
// any source; columns go from 5 to 4.
func Config(aggregate string) conv.Config {
	return conv.Config{Name: "l", In: 5, Out: 4, Types: []string{"a", "b", "c"}, Aggregate: aggregate, HalfLives: []float64{3, 40},
		Edges: []conv.EdgeType{{Name: "a to b", Src: a, Dst: b}, {Name: "b of a", Src: b, Dst: a, Functional: true}, {Name: "a to a", Src: a, Dst: a},
			{Name: "c to a", Src: c, Dst: a}, {Name: "c of b", Src: c, Dst: b, Functional: true}, {Name: "b to c", Src: b, Dst: c},
			{Name: "a of b", Src: a, Dst: b, Functional: true}},
		Routes: []conv.Route{{Name: "b of a to b", Edge: 0, Src: b}, {Name: "c of a to a", Edge: 2, Src: c}, {Name: "a of b to c", Edge: throughC, Src: a},
			{Name: "second b of a to a", Edge: 2, Src: b}}}
}

// throughC is the edge type into c that has a route.
const throughC = 5

// NewTrial builds the layer and a random block with n destinations of a and half as many of b.
func NewTrial(t *testing.T, layer, aggregate string, n int, seed uint64) *Trial {
	t.Helper()
	tr := &Trial{Config: Config(aggregate), Set: nn.NewSet(3), name: layer}
	var err error
	if tr.Layer, err = conv.New(layer, tr.Config, tr.Set); err != nil {
		t.Fatal(err)
	}
	s := tensor.NewStream(seed)
	tr.Block = &conv.Block{Dst: []int{n, n / 2, 0}}
	copies := []int{n + 3, n/2 + 2, 0}
	for _, m := range copies {
		x := tensor.NewMat(m, tr.Config.In)
		for i := range x.Data { // at least 0.05 apart, so that no small step changes a maximum
			x.Data[i] = tensor.Real(i-len(x.Data)/2) * 0.05
		}
		s.Shuffle(len(x.Data), func(i, j int) { x.Data[i], x.Data[j] = x.Data[j], x.Data[i] })
		tr.X = append(tr.X, x)
	}
	for _, e := range tr.Config.Edges {
		tr.Block.Edges = append(tr.Block.Edges, randomEdge(s, e, tr.Block.Dst[e.Dst], copies[e.Src]))
	}
	for i, r := range tr.Config.Routes {
		tr.Far = append(tr.Far, randomFar(s, copies[tr.Config.Edges[r.Edge].Src], tr.Config.In, i%2 == 0))
	}
	return tr
}

// randomEdge gives destinations 0 to 5 sources, at most one over a functional edge type;
// every fourth destination has none over any edge type.
func randomEdge(s *tensor.Stream, e conv.EdgeType, dst, src int) conv.Edge {
	most := 6
	if e.Functional {
		most = 2
	}
	out := conv.Edge{CSR: tensor.CSR{Ptr: make([]int32, 1)}}
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

// Forward resets the tape, runs the layer, and returns the sum of its results times fixed numbers.
func (tr *Trial) Forward(tape *tensor.Tape) (loss *tensor.Var, out []*tensor.Var) {
	tape.Reset()
	x := make([]*tensor.Var, len(tr.X))
	tr.Grad = make([]tensor.Mat, len(tr.X))
	for i, m := range tr.X {
		tr.Grad[i] = tensor.NewMat(m.Rows, m.Cols)
		if m.Rows > 0 {
			x[i] = tape.Leaf(m, tr.Grad[i])
		}
	}
	tr.Block.Routes = nil
	for i := range tr.Far {
		tr.Block.Routes = append(tr.Block.Routes, tr.Far[i].on(tape))
	}
	out = tr.Layer.Forward(tape, tr.Block, x)
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
func (tr *Trial) values() []tensor.Mat {
	_, out := tr.Forward(tensor.NewTape(tensor.NewPool(1)))
	vals := make([]tensor.Mat, len(out))
	for i, o := range out {
		if o != nil {
			vals[i] = o.Val
		}
	}
	return vals
}
