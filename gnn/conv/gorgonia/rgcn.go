package gorgonia

import (
	"fmt"

	G "gorgonia.org/gorgonia"

	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
)

func init() { Register("gorgonia-rgcn", newRGCN) }

// rgcn is the relational graph convolution (Schlichtkrull et al., 2018), one relation
// with a matrix of its own per edge type:
//
//	out[v] = x[v] Wroot + b + sum over edge types e into v of agg_e(x[u] W_e : u -> v)
//
// It is computed as the paper has it, messages first: each source is multiplied, each
// message written out, and the messages of a destination are combined. Aggregators that
// are not linear combine before they multiply.
type rgcn struct {
	sage
}

func newRGCN(c conv.Config, set *nn.Set) (Expression, error) {
	s, err := newSAGE(c, set)
	if err != nil {
		return nil, err
	}
	return &rgcn{*s.(*sage)}, nil
}

func (r *rgcn) Build(g *Graph) []*G.Node {
	out := make([]*G.Node, len(r.config.Types))
	for v := range out {
		if g.Dst(v) > 0 {
			out[v] = g.Linear(g.Own(v), r.root[v])
		}
	}
	for i, e := range r.config.Edges {
		if g.Dst(e.Dst) > 0 {
			out[e.Dst] = G.Must(G.Add(out[e.Dst], r.relation(g, i)))
		}
	}
	return out
}

// relation is what edge type i adds to its destinations: Dst x Out.
func (r *rgcn) relation(g *Graph, i int) *G.Node {
	w, kind := g.Param(r.edge[i]), tensor.Sum
	switch {
	case r.config.Edges[i].Functional || r.agg.String() == tensor.Sum.String():
	case r.agg.String() == tensor.Mean.String():
		kind = tensor.Mean
	default:
		return G.Must(G.Mul(r.reduce(g, i), w))
	}
	messages := g.Gather(i, G.Must(G.Mul(g.Copies(r.config.Edges[i].Src), w)))
	return g.Reduce(i, messages, kind)
}

func (r *rgcn) String() string {
	return fmt.Sprintf("gorgonia-rgcn(%s, %d -> %d)", r.agg, r.config.In, r.config.Out)
}
