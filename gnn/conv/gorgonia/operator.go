package gorgonia

import (
	G "gorgonia.org/gorgonia"
	dt "gorgonia.org/tensor"

	"github.com/rowlink/rowlink/gnn/tensor"
)

// Operator puts operators of the engine into the graph: f computes rows x cols from x on
// a tape of its own, which also gives the gradient. Parameters that f puts on the tape
// get theirs.
func (g *Graph) Operator(x *G.Node, rows, cols int, f func(t *tensor.Tape, x *tensor.Var) *tensor.Var) *G.Node {
	t := tensor.NewTape(g.tape.Pool())
	t.Train = g.tape.Train
	return g.apply(&tapeOp{named: g.named("tape"), f: f, shape: dt.Shape{rows, cols}, tape: t}, x)
}

// tapeOp runs f; a graph runs it once.
type tapeOp struct {
	named
	f     func(*tensor.Tape, *tensor.Var) *tensor.Var
	shape dt.Shape
	tape  *tensor.Tape

	grad tensor.Mat  // of the input
	out  *tensor.Var // the result
}

func (o *tapeOp) InferShape(...G.DimSizer) (dt.Shape, error) { return o.shape.Clone(), nil }

func (o *tapeOp) Do(in ...G.Value) (G.Value, error) {
	x, err := operand(in)
	if err != nil {
		return nil, err
	}
	o.grad = tensor.NewMat(x.Rows, x.Cols)
	o.out = o.f(o.tape, o.tape.Leaf(x, o.grad))
	return value(o.out.Val), nil
}

func (o *tapeOp) DiffWRT(n int) []bool { return []bool{true} }

func (o *tapeOp) SymDiff(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
	n, err := G.ApplyOp(&tapeBackOp{o.named + " back", o, in[0].Shape().Clone()}, grad)
	return G.Nodes{n}, err
}

// tapeBackOp runs the tape of an operator backwards.
type tapeBackOp struct {
	named
	of    *tapeOp
	shape dt.Shape
}

func (o *tapeBackOp) InferShape(...G.DimSizer) (dt.Shape, error) { return o.shape.Clone(), nil }

func (o *tapeBackOp) Do(in ...G.Value) (G.Value, error) {
	g, err := operand(in)
	if err != nil {
		return nil, err
	}
	t := o.of.tape
	t.Backward(t.SumAll(t.Mul(o.of.out, t.Const(g))))
	return value(o.of.grad), nil
}
