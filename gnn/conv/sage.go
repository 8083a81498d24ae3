package conv

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
)

func init() {
	Register("sage", func(c Config, set *nn.Set) (Layer, error) { return newSAGE(c, set) })
}

// SAGE is the heterogeneous GraphSAGE layer (Hamilton et al., 2017; one relation per
// edge type as in RelBench's reference model):
//
//	out[v] = x[v] Wroot + sum over edge types e into v of agg_e(x[u] : u -> v) W_e + b
//
// x is copies x In, out is destinations x Out. The root weights of a node type's edge
// types, which only ever add up, are one matrix. Parameters: In*Out per node type and
// Width(In)*Out per edge type.
type SAGE struct {
	config Config
	agg    Aggregator
	root   []*nn.Linear // per node type
	edge   []*nn.Param  // per edge type
}

var _ Layer = (*SAGE)(nil)

func newSAGE(c Config, set *nn.Set) (*SAGE, error) {
	if c.Aggregate == "" {
		c.Aggregate = "mean"
	}
	make, err := aggregators.Get(c.Aggregate)
	if err != nil {
		return nil, err
	}
	s := &SAGE{config: c, agg: make(c)}
	for _, name := range c.Types {
		s.root = append(s.root, nn.NewLinear(set, c.Name+".root."+name, c.In, c.Out))
	}
	for _, e := range c.Edges {
		in := s.agg.Width(c.In)
		if e.Functional {
			in = c.In
		}
		s.edge = append(s.edge, set.New(c.Name+".edge."+e.Name, in, c.Out, nn.KaimingUniform))
	}
	return s, nil
}

// Forward implements [Layer]. Over a functional edge type the sources are multiplied
// before they are gathered, over the others after the reduction: each side is the
// smaller one.
func (s *SAGE) Forward(t *tensor.Tape, b *Block, x []*tensor.Var) []*tensor.Var {
	terms := make([][]*tensor.Var, len(x))
	for v, n := range b.Dst {
		if n > 0 {
			terms[v] = append(terms[v], s.root[v].Apply(t, t.SliceRows(x[v], 0, n), tensor.Identity))
		}
	}
	for i, e := range s.config.Edges {
		if b.Dst[e.Dst] == 0 || x[e.Src] == nil {
			continue
		}
		w := s.edge[i].Var(t)
		if e.Functional {
			sent := t.MatMul(x[e.Src], w)
			terms[e.Dst] = append(terms[e.Dst], t.GatherReduce(sent, b.Edges[i].CSR, tensor.Sum))
			continue
		}
		terms[e.Dst] = append(terms[e.Dst], t.MatMul(s.agg.Reduce(t, &b.Edges[i], x[e.Src]), w))
	}
	out := make([]*tensor.Var, len(x))
	for v := range terms {
		if len(terms[v]) > 0 {
			out[v] = t.Add(terms[v]...)
		}
	}
	return out
}

func (s *SAGE) String() string {
	return fmt.Sprintf("sage(%s, %d -> %d)", s.config.Aggregate, s.config.In, s.config.Out)
}
