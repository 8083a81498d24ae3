package conv

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
)

func init() {
	Register("gat", func(c Config, set *nn.Set) (Layer, error) { return newGAT(c, set) })
}

// GAT is the graph attention layer (Velickovic et al., 2018), one relation and one
// softmax per edge type e:
//
//	y[u] = x[u] W_e
//	w[u,h] = softmax over u -> v of leaky(from_e,h . y[u]_h + to_e,h(v))
//	out[v] = x[v] Wroot + b + sum over e of the heads of sum(w[u,h] y[u]_h)
//
// to_e,h(v) is to_e,h . y[v]_h where sources and destinations are of one node type, and
// x[v] U_e of another, U_e being In x heads. Over a functional edge type the message is
// x[u] W_e. Parameters: In*Out per node type and per edge type.
type GAT struct {
	root
	heads  int
	weight []*nn.Param // per edge type, In x Out; nil where functional
	from   []*nn.Param // the same, 1 x Out
	to     []*nn.Param // the same, 1 x Out within a node type, else In x heads
}

var _ Layer = (*GAT)(nil)

func newGAT(c Config, set *nn.Set) (*GAT, error) {
	heads, err := c.heads()
	if err != nil {
		return nil, err
	}
	n := len(c.Edges)
	g := &GAT{newRoot(c, set), heads, make([]*nn.Param, n), make([]*nn.Param, n), make([]*nn.Param, n)}
	for i, e := range c.Edges {
		if e.Functional {
			continue
		}
		g.weight[i] = c.param(set, "edge", e.Name, c.In, c.Out, nn.GlorotUniform)
		g.from[i] = c.param(set, "from", e.Name, 1, c.Out, c.headUniform(heads))
		if e.Src == e.Dst {
			g.to[i] = c.param(set, "to", e.Name, 1, c.Out, c.headUniform(heads))
		} else {
			g.to[i] = c.param(set, "to", e.Name, c.In, heads, nn.KaimingUniform)
		}
	}
	return g, nil
}

// Forward implements [Layer].
func (g *GAT) Forward(t *tensor.Tape, b *Block, x []*tensor.Var) []*tensor.Var {
	out := t.Vars(len(x))
	for typ, n := range b.Dst {
		if n == 0 {
			continue
		}
		messages := t.Vars(len(g.weight))
		for i, e := range g.config.Edges {
			if e.Dst == typ && g.weight[i] != nil && x[e.Src] != nil {
				messages[i] = g.messages(t, i, b.Edges[i].CSR, x[e.Src], x[typ])
			}
		}
		out[typ] = g.sum(t, b, x, typ, messages)
	}
	return out
}

// messages is the term of edge type i; to may have more rows than there are destinations.
func (g *GAT) messages(t *tensor.Tape, i int, csr tensor.CSR, from, to *tensor.Var) *tensor.Var {
	y := t.MatMul(from, g.weight[i].Var(t))
	sent := t.RowDot(y, g.from[i].Var(t), g.heads)
	asked := g.to[i].Var(t)
	if g.config.Edges[i].Src == g.config.Edges[i].Dst {
		asked = t.RowDot(t.SliceRows(y, 0, csr.Rows()), asked, g.heads)
	} else {
		asked = t.MatMul(t.SliceRows(to, 0, csr.Rows()), asked)
	}
	return t.AttendSplit(y, sent, asked, csr, g.heads)
}

func (g *GAT) String() string {
	return fmt.Sprintf("gat(%d heads, %d -> %d)", g.heads, g.config.In, g.config.Out)
}
