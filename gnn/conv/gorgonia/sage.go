package gorgonia

import (
	"fmt"

	G "gorgonia.org/gorgonia"

	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
)

func init() { Register("gorgonia-sage", newSAGE) }

// sage is the heterogeneous GraphSAGE layer of [conv.SAGE] with the same parameters:
//
//	out[v] = x[v] Wroot + sum over edge types e into v of agg_e(x[u] : u -> v) W_e + b
//
// The aggregators sum, mean and max are operators of this package, all others run on
// the tape.
type sage struct {
	config conv.Config
	agg    conv.Aggregator
	root   []*nn.Linear // per node type; nil where there are no destinations
	edge   []*nn.Param  // per edge type
}

func newSAGE(c conv.Config, set *nn.Set) (Expression, error) {
	agg, err := conv.NewAggregator(c)
	if err != nil {
		return nil, err
	}
	s := &sage{config: c, agg: agg, root: make([]*nn.Linear, len(c.Types))}
	for i, name := range c.Types {
		if c.Computes == nil || c.Computes[i] {
			s.root[i] = nn.NewLinear(set, fmt.Sprintf("%s.root.%q", c.Name, name), c.In, c.Out)
		}
	}
	for _, e := range c.Edges {
		in := agg.Width(c.In)
		if e.Functional {
			in = c.In
		}
		s.edge = append(s.edge, set.New(fmt.Sprintf("%s.edge.%q", c.Name, e.Name), in, c.Out, nn.KaimingUniform))
	}
	return s, nil
}

func (s *sage) Build(g *Graph) []*G.Node {
	out := make([]*G.Node, len(s.config.Types))
	for v := range out {
		if g.Dst(v) > 0 {
			out[v] = g.Linear(g.Own(v), s.root[v])
		}
	}
	for i, e := range s.config.Edges {
		if g.Dst(e.Dst) > 0 {
			m := G.Must(G.Mul(s.reduce(g, i), g.Param(s.edge[i])))
			out[e.Dst] = G.Must(G.Add(out[e.Dst], m))
		}
	}
	return out
}

// reduce is what the destinations of edge type i get: Dst x Width.
func (s *sage) reduce(g *Graph, i int) *G.Node {
	e := s.config.Edges[i]
	from := g.Copies(e.Src)
	if e.Functional {
		return g.GatherReduce(i, from, tensor.Sum)
	}
	for _, kind := range []tensor.Reduce{tensor.Sum, tensor.Mean, tensor.Max} {
		if s.agg.String() == kind.String() {
			return g.GatherReduce(i, from, kind)
		}
	}
	return g.Operator(from, g.Dst(e.Dst), s.agg.Width(s.config.In), func(t *tensor.Tape, x *tensor.Var) *tensor.Var {
		return s.agg.Reduce(t, *g.Edge(i), x)
	})
}

func (s *sage) String() string {
	return fmt.Sprintf("gorgonia-sage(%s, %d -> %d)", s.agg, s.config.In, s.config.Out)
}
