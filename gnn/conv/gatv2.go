package conv

import (
	"fmt"
	"math"

	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
)

func init() {
	Register("gatv2", func(c Config, set *nn.Set) (Layer, error) { return newGATv2(c, set) })
}

// GATv2 is the graph attention layer with dynamic attention (Brody et al., 2022), one
// relation and one softmax per edge type e:
//
//	l[u] = x[u] Wl_e + bl_e,  r[v] = x[v] Wr_e + br_e
//	w[u,h] = softmax over u -> v of att_e,h . leaky(l[u]_h + r[v]_h)
//	out[v] = x[v] Wroot + b + sum over e of the heads of sum(w[u,h] l[u]_h)
//
// Over a functional edge type the message is x[u] W_e. Parameters: In*Out per node
// type, 2*In*Out per edge type, In*Out per functional one.
type GATv2 struct {
	root
	heads     int
	from, to  []*nn.Linear // per edge type; nil where functional
	attention []*nn.Param  // the same, 1 x Out
}

var _ Layer = (*GATv2)(nil)

func newGATv2(c Config, set *nn.Set) (*GATv2, error) {
	heads, err := c.heads()
	if err != nil {
		return nil, err
	}
	n := len(c.Edges)
	g := &GATv2{newRoot(c, set), heads, make([]*nn.Linear, n), make([]*nn.Linear, n), make([]*nn.Param, n)}
	for i, e := range c.Edges {
		if !e.Functional {
			g.from[i] = c.linear(set, "from", e.Name, c.In, c.Out)
			g.to[i] = c.linear(set, "to", e.Name, c.In, c.Out)
			g.attention[i] = c.param(set, "attention", e.Name, 1, c.Out, c.headUniform(heads))
		}
	}
	return g, nil
}

// headUniform draws within the Glorot bound of a head's own width.
func (c *Config) headUniform(heads int) nn.Init {
	return nn.Uniform(math.Sqrt(6 / float64(heads+c.Out/heads)))
}

// Forward implements [Layer].
func (g *GATv2) Forward(t *tensor.Tape, b *Block, x []*tensor.Var) []*tensor.Var {
	out := t.Vars(len(x))
	for typ, n := range b.Dst {
		if n == 0 {
			continue
		}
		messages := t.Vars(len(g.from))
		for i, e := range g.config.Edges {
			if e.Dst == typ && g.from[i] != nil && x[e.Src] != nil {
				from := g.from[i].Apply(t, x[e.Src], tensor.Identity)
				to := g.to[i].Apply(t, t.SliceRows(x[typ], 0, n), tensor.Identity)
				messages[i] = t.AttendAdditive(from, to, g.attention[i].Var(t), b.Edges[i].CSR, g.heads)
			}
		}
		out[typ] = g.sum(t, b, x, typ, messages)
	}
	return out
}

func (g *GATv2) String() string {
	return fmt.Sprintf("gatv2(%d heads, %d -> %d)", g.heads, g.config.In, g.config.Out)
}
