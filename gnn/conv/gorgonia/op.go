package gorgonia

import (
	"fmt"
	"hash"
	"hash/fnv"

	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"
	dt "gorgonia.org/tensor"

	"github.com/rowlink/rowlink/gnn/tensor"
)

// named is the part that all operators of this package share: they take matrices and
// return one, never in place. The name is unique in a graph, so that gorgonia does not
// take two operators of one kind for the same.
type named string

func (g *Graph) named(kind string) named {
	g.made++
	return named(fmt.Sprintf("%s %d/%d", kind, g.made, g.salt))
}

func (n named) Arity() int            { return 1 }
func (n named) Type() hm.Type         { return fnType(1) }
func (n named) ReturnsPtr() bool      { return false }
func (n named) CallsExtern() bool     { return false }
func (n named) OverwritesInput() int  { return -1 }
func (n named) WriteHash(h hash.Hash) { h.Write([]byte(n)) }
func (n named) String() string        { return string(n) }

func (n named) Hashcode() uint32 {
	h := fnv.New32a()
	n.WriteHash(h)
	return h.Sum32()
}

// fnType is a function of that many matrices to one.
func fnType(arity int) hm.Type {
	ts := make([]hm.Type, arity+1)
	for i := range ts {
		ts[i] = G.TensorType{Dims: 2, Of: float}
	}
	return hm.NewFnType(ts...)
}

// apply adds an operator to the graph.
func (g *Graph) apply(op G.Op, in ...*G.Node) *G.Node { return G.Must(G.ApplyOp(op, in...)) }

// columns are the columns of an operator's input.
func columns(in G.DimSizer) (int, error) {
	s, ok := in.(dt.Shape)
	if !ok || len(s) != 2 {
		return 0, fmt.Errorf("an input of shape %v, want a matrix", in)
	}
	return s[1], nil
}

// operand is the one input of an operator, in memory row by row.
func operand(in []G.Value) (tensor.Mat, error) {
	s := in[0].Shape()
	if len(in) != 1 || len(s) != 2 {
		return tensor.Mat{}, fmt.Errorf("%d inputs, the first of shape %v, want one matrix", len(in), s)
	}
	return matrixOf(in[0], s[0], s[1])
}
