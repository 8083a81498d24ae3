package gorgonia

import (
	"fmt"
	"reflect"

	G "gorgonia.org/gorgonia"
	dt "gorgonia.org/tensor"

	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
)

// Graph is the expression graph of a layer on one block, while an [Expression] writes
// it. Nodes are matrices. Gorgonia knows no matrix without rows; so a node type without
// copies, and an edge type without messages, appear as one row of zeros that no
// destination receives.
type Graph struct {
	expr  *G.ExprGraph
	tape  *tensor.Tape
	block *conv.Block
	in    int // columns of the layer's input
	x     []*tensor.Var
	salt  int // sets apart the names, and so the hashes, of two attempts
	made  int // operators and constants so far

	copies []*G.Node // by node type
	params map[*nn.Param]*G.Node
	inputs []input
}

// input is a node whose value, and gradient, are those of a variable of the tape.
type input struct {
	node *G.Node
	of   *tensor.Var
}

// float is the element type of all nodes.
var float = dt.Dtype{Type: reflect.TypeFor[tensor.Real]()}

// Dst returns the number of destinations of a node type; without any it has no result.
func (g *Graph) Dst(typ int) int { return g.block.Dst[typ] }

// Edge returns the messages of an edge type, for layers that read their ages.
func (g *Graph) Edge(e int) *conv.Edge { return &g.block.Edges[e] }

// Copies returns the layer's input of a node type: copies x In, the destinations first.
func (g *Graph) Copies(typ int) *G.Node {
	switch {
	case g.copies[typ] != nil:
	case g.x[typ] == nil || g.x[typ].Rows() == 0:
		g.copies[typ] = g.Const(g.tape.Alloc(1, g.in))
	default:
		g.copies[typ] = g.variable(fmt.Sprintf("copies %d", typ), g.x[typ])
	}
	return g.copies[typ]
}

// Own returns what the destinations of a node type are themselves: Dst x In.
func (g *Graph) Own(typ int) *G.Node {
	x, n := g.Copies(typ), g.Dst(typ)
	if x.Shape()[0] == n {
		return x
	}
	return g.apply(&gatherOp{g.named("own"), upTo(n)}, x)
}

// Param returns the node of a parameter, which gets its gradient.
func (g *Graph) Param(p *nn.Param) *G.Node {
	if g.params[p] == nil {
		g.params[p] = g.variable("parameter "+p.Name, p.Var(g.tape))
	}
	return g.params[p]
}

// Const returns a node of fixed numbers, which gets no gradient. The matrix must not
// change until the tape is reset.
func (g *Graph) Const(m tensor.Mat) *G.Node {
	g.made++
	return g.matrix(fmt.Sprintf("constant %d", g.made), m)
}

func (g *Graph) variable(name string, v *tensor.Var) *G.Node {
	n := g.matrix(name, v.Val)
	g.inputs = append(g.inputs, input{n, v})
	return n
}

// matrix is an input of the graph on the memory of m.
func (g *Graph) matrix(name string, m tensor.Mat) *G.Node {
	return G.NewMatrix(g.expr, float, G.WithShape(m.Rows, m.Cols), G.WithName(fmt.Sprintf("%s/%d", name, g.salt)), G.WithValue(value(m)))
}

// value wraps a matrix without a copy.
func value(m tensor.Mat) *dt.Dense {
	return dt.New(dt.WithShape(m.Rows, m.Cols), dt.WithBacking(m.Data[:m.Len()]))
}

// matrixOf is the matrix of a value of that shape.
func matrixOf(v G.Value, rows, cols int) (tensor.Mat, error) {
	d, ok := v.(*dt.Dense)
	if !ok {
		return tensor.Mat{}, fmt.Errorf("a value of type %T, want a matrix of %dx%d", v, rows, cols)
	}
	if d.RequiresIterator() {
		d = d.Materialize().(*dt.Dense)
	}
	data, ok := d.Data().([]tensor.Real)
	if !ok || len(data) != rows*cols {
		return tensor.Mat{}, fmt.Errorf("a value of %v and shape %v, want %v and %dx%d", d.Dtype(), d.Shape(), float, rows, cols)
	}
	return tensor.MatOf(rows, cols, data...), nil
}
