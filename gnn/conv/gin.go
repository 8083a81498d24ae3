package conv

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
)

func init() {
	Register("gin", func(c Config, set *nn.Set) (Layer, error) { return newGIN(c, set) })
}

// GIN is the graph isomorphism layer (Xu et al., 2019), with a network of two linear
// steps per edge type e:
//
//	out[v] = x[v] Wroot + b + sum over e of relu(((1 + eps_e) x[v] + sum(x[u] : u -> v)) W1_e + b1_e) W2_e + b2_e
//
// Over a functional edge type the message is x[u] W_e. Parameters: In*Out per node type,
// Hidden*(In + Out) per edge type, In*Out per functional one.
type GIN struct {
	root
	hidden   int
	eps      []*nn.Param  // per edge type, 1 x 1; nil where functional
	up, down []*nn.Linear // the same
}

var _ Layer = (*GIN)(nil)

func newGIN(c Config, set *nn.Set) (*GIN, error) {
	hidden, err := c.hidden()
	if err != nil {
		return nil, err
	}
	n := len(c.Edges)
	g := &GIN{newRoot(c, set), hidden, make([]*nn.Param, n), make([]*nn.Linear, n), make([]*nn.Linear, n)}
	for i, e := range c.Edges {
		if !e.Functional {
			g.eps[i] = c.bias(set, "eps", e.Name, 1)
			g.up[i] = c.linear(set, "up", e.Name, c.In, hidden)
			g.down[i] = c.linear(set, "down", e.Name, hidden, c.Out)
		}
	}
	return g, nil
}

// hidden returns the width of a layer's inner step.
func (c *Config) hidden() (int, error) {
	switch {
	case c.Hidden < 0:
		return 0, fmt.Errorf("%d hidden channels, want at least 1, or 0 for as many as the result has", c.Hidden)
	case c.Hidden == 0:
		return c.Out, nil
	}
	return c.Hidden, nil
}

// Forward implements [Layer].
func (g *GIN) Forward(t *tensor.Tape, b *Block, x []*tensor.Var) []*tensor.Var {
	out := t.Vars(len(x))
	for typ, n := range b.Dst {
		if n == 0 {
			continue
		}
		own := t.SliceRows(x[typ], 0, n)
		messages := t.Vars(len(g.up))
		for i, e := range g.config.Edges {
			if e.Dst == typ && g.up[i] != nil {
				sum := t.GatherReduce(g.config.copies(t, x, e.Src), b.Edges[i].CSR, tensor.Sum)
				sum = t.Add(sum, own, g.scaled(t, own, g.eps[i].Var(t)))
				messages[i] = g.down[i].Apply(t, g.up[i].Apply(t, sum, tensor.ReLU), tensor.Identity)
			}
		}
		out[typ] = g.sum(t, b, x, typ, messages)
	}
	return out
}

// scaled is x times the one number of s.
func (g *GIN) scaled(t *tensor.Tape, x, s *tensor.Var) *tensor.Var {
	first := t.Ints(x.Rows())
	clear(first)
	return t.ScaleRows(x, t.GatherRows(s, first))
}

func (g *GIN) String() string {
	return fmt.Sprintf("gin(%d hidden, %d -> %d)", g.hidden, g.config.In, g.config.Out)
}
