package gorgonia

import (
	G "gorgonia.org/gorgonia"

	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
)

// Linear is x W + b, or x W where the layer has no bias.
func (g *Graph) Linear(x *G.Node, l *nn.Linear) *G.Node {
	y := G.Must(G.Mul(x, g.Param(l.W)))
	if l.B == nil {
		return y
	}
	return G.Must(G.Add(y, g.Rows(g.Param(l.B), x.Shape()[0])))
}

// Rows repeats a matrix of one row n times. It is a product with a column of ones:
// gorgonia's own broadcast treats matrices of one row or column as vectors.
func (g *Graph) Rows(row *G.Node, n int) *G.Node {
	ones := g.tape.Alloc(n, 1)
	for i := range ones.Data {
		ones.Data[i] = tensor.Real(1)
	}
	return G.Must(G.Mul(g.Const(ones), row))
}
