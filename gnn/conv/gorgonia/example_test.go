package gorgonia_test

import (
	"fmt"

	G "gorgonia.org/gorgonia"

	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/conv/gorgonia"
	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
)

// gated adds, per edge type, the mean message where a gate on the destination lets it
// through: out[v] = x[v] R + b + sum over e of sigmoid(x[v] R + b) * mean(x[u] : u -> v) W_e.
type gated struct {
	conv.Config
	root []*nn.Linear
	edge []*nn.Param
}

func newGated(c conv.Config, set *nn.Set) (gorgonia.Expression, error) {
	l := &gated{Config: c, root: make([]*nn.Linear, len(c.Types))}
	for i, name := range c.Types {
		if c.Computes == nil || c.Computes[i] {
			l.root[i] = nn.NewLinear(set, c.Name+".root."+name, c.In, c.Out)
		}
	}
	for _, e := range c.Edges {
		l.edge = append(l.edge, set.New(c.Name+".edge."+e.Name, c.In, c.Out, nn.KaimingUniform))
	}
	return l, nil
}

// Build is the layer: the gradients follow from it.
func (l *gated) Build(g *gorgonia.Graph) []*G.Node {
	out, gate := make([]*G.Node, len(l.Types)), make([]*G.Node, len(l.Types))
	for v := range out {
		if g.Dst(v) > 0 {
			out[v] = g.Linear(g.Own(v), l.root[v])
			gate[v] = G.Must(G.Sigmoid(out[v]))
		}
	}
	for i, e := range l.Edges {
		if g.Dst(e.Dst) > 0 {
			m := G.Must(G.Mul(g.GatherReduce(i, g.Copies(e.Src), tensor.Mean), g.Param(l.edge[i])))
			out[e.Dst] = G.Must(G.Add(out[e.Dst], G.Must(G.HadamardProd(gate[e.Dst], m))))
		}
	}
	return out
}

func (l *gated) String() string { return fmt.Sprintf("gated(%d -> %d)", l.In, l.Out) }

func init() { gorgonia.Register("gated", newGated) }

// A layer of one's own, written as an expression: it is known by name, and the tape
// gets its gradient.
func Example() {
	set := nn.NewSet(1)
	c := conv.Config{Name: "layer1", In: 1, Out: 1, Types: []string{"drivers", "races"},
		Edges: []conv.EdgeType{{Name: "races", Src: 1, Dst: 0}}, Computes: []bool{true, false}}
	layer, err := conv.New("gated", c, set)
	if err != nil {
		panic(err)
	}
	copy(set.Get("layer1.root.drivers.weight").Value.Data, []tensor.Real{0})
	copy(set.Get("layer1.root.drivers.bias").Value.Data, []tensor.Real{0})
	copy(set.Get("layer1.edge.races").Value.Data, []tensor.Real{1})

	tape := tensor.NewTape(tensor.NewPool(1))
	block := &conv.Block{Dst: []int{1, 0}, Edges: []conv.Edge{{CSR: tensor.CSR{Ptr: []int32{0, 2}, Src: []int32{0, 1}}}}}
	driver, races := tape.Const(tensor.MatOf(1, 1, 10)), tape.Const(tensor.MatOf(2, 1, 3, 5))
	out := layer.Forward(tape, block, []*tensor.Var{driver, races})[0]
	tape.Backward(tape.SumAll(out))
	fmt.Println(layer, "gives", out.Val.Data[0]) // 0 + sigmoid(0) * mean(3, 5)
	fmt.Println("gradient of the edge weight:", set.Get("layer1.edge.races").Grad.Data[0])
	// Output:
	// gated(1 -> 1) gives 2
	// gradient of the edge weight: 2
}
