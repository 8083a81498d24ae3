package gorgonia

import (
	"fmt"

	G "gorgonia.org/gorgonia"

	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
)

// Expression is a message-passing layer written as an expression graph. Its parameters
// are made by its constructor and change only in training.
type Expression interface {
	// Build writes the layer for one block. It returns a node per node type: Dst x Out,
	// nil where the block has no destinations. It may be called several times for one
	// block. What [conv.Layer] demands of a destination's result holds here too. An
	// error of gorgonia, a wrong shape for example, is a bug of the layer: let
	// gorgonia.Must panic.
	Build(g *Graph) []*G.Node
	// String names the layer and its settings for reports.
	String() string
}

// Register makes a layer known by name to [conv.New].
func Register(name string, make func(conv.Config, *nn.Set) (Expression, error)) {
	conv.Register(name, func(c conv.Config, set *nn.Set) (conv.Layer, error) {
		e, err := make(c, set)
		if err != nil {
			return nil, err
		}
		install()
		return &layer{c, e}, nil
	})
}

// layer runs an expression as a layer of the tape.
type layer struct {
	config conv.Config
	expr   Expression
}

var _ conv.Layer = (*layer)(nil)

func (l *layer) String() string { return l.expr.String() }

// Forward implements [conv.Layer]. The results of all node types are one variable of the
// tape, cut into slices, so that their gradients come back together.
func (l *layer) Forward(t *tensor.Tape, b *conv.Block, x []*tensor.Var) []*tensor.Var {
	out := t.Vars(len(x))
	rows := 0
	for _, n := range b.Dst {
		rows += n
	}
	if rows == 0 {
		return out
	}
	products.pool.Store(t.Pool())
	p := l.compile(t, b, x)
	all := p.forward(t.Alloc(rows, l.config.Out))
	v := t.Custom(all, p.backward, p.vars...)
	lo := 0
	for i, n := range b.Dst {
		if n > 0 {
			out[i] = t.SliceRows(v, lo, lo+n)
			lo += n
		}
	}
	return out
}

// check says what is wrong with the nodes that an expression returned.
func (l *layer) check(b *conv.Block, out []*G.Node) error {
	if len(out) != len(b.Dst) {
		return fmt.Errorf("%d results for %d node types", len(out), len(b.Dst))
	}
	for i, n := range b.Dst {
		switch {
		case n == 0 && out[i] != nil:
			return fmt.Errorf("a result for node type %d, which has no destinations; return nil for it", i)
		case n == 0:
		case out[i] == nil:
			return fmt.Errorf("no result for node type %d with %d destinations", i, n)
		case !out[i].Shape().Eq([]int{n, l.config.Out}):
			return fmt.Errorf("a result of shape %v for node type %d, want %d x %d", out[i].Shape(), i, n, l.config.Out)
		}
	}
	return nil
}
