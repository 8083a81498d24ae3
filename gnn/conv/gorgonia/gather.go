package gorgonia

import (
	G "gorgonia.org/gorgonia"
	dt "gorgonia.org/tensor"

	"github.com/rowlink/rowlink/gnn/tensor"
)

// Gather returns the row of x that each message of an edge type comes from: messages x
// columns. x has a row per copy of the edge type's source.
func (g *Graph) Gather(e int, x *G.Node) *G.Node {
	return g.apply(&gatherOp{g.named("gather"), g.sources(e)}, x)
}

// sources lists the rows that an edge type's messages come from; -1 is the zero row that
// stands for no message at all.
func (g *Graph) sources(e int) []int32 {
	csr := g.block.Edges[e].CSR
	switch {
	case csr.Edges() == 0:
		return []int32{-1}
	case csr.Src == nil:
		return upTo(csr.Edges())
	}
	return csr.Src
}

func upTo(n int) []int32 {
	s := make([]int32, n)
	for i := range s {
		s[i] = int32(i)
	}
	return s
}

// gatherOp is the matrix of rows rows[0], rows[1], ... of its input; -1 gives zeros.
type gatherOp struct {
	named
	rows []int32
}

func (o *gatherOp) InferShape(in ...G.DimSizer) (dt.Shape, error) {
	cols, err := columns(in[0])
	return dt.Shape{len(o.rows), cols}, err
}

func (o *gatherOp) Do(in ...G.Value) (G.Value, error) {
	x, err := operand(in)
	if err != nil {
		return nil, err
	}
	out := tensor.NewMat(len(o.rows), x.Cols)
	for i, r := range o.rows {
		if r >= 0 {
			copy(out.Row(i), x.Row(int(r)))
		}
	}
	return value(out), nil
}

func (o *gatherOp) DiffWRT(n int) []bool { return []bool{true} }

func (o *gatherOp) SymDiff(in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
	n, err := G.ApplyOp(&scatterOp{o.named + " back", o.rows, in[0].Shape()[0]}, grad)
	return G.Nodes{n}, err
}

// scatterOp adds row i of its input to row rows[i] of that many.
type scatterOp struct {
	named
	rows []int32
	n    int
}

func (o *scatterOp) InferShape(in ...G.DimSizer) (dt.Shape, error) {
	cols, err := columns(in[0])
	return dt.Shape{o.n, cols}, err
}

func (o *scatterOp) Do(in ...G.Value) (G.Value, error) {
	g, err := operand(in)
	if err != nil {
		return nil, err
	}
	out := tensor.NewMat(o.n, g.Cols)
	for i, r := range o.rows {
		if r >= 0 {
			add(out.Row(int(r)), g.Row(i), 1)
		}
	}
	return value(out), nil
}

// add is dst += w x.
func add(dst, x []tensor.Real, w tensor.Real) {
	for j, v := range x[:len(dst)] {
		dst[j] += w * v
	}
}
