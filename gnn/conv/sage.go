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
	root   []*nn.Linear // per node type; nil where there are no destinations
	edge   []*nn.Param  // per edge type
}

var _ RowLayer = (*SAGE)(nil)

func newSAGE(c Config, set *nn.Set) (*SAGE, error) {
	agg, err := c.aggregator()
	if err != nil {
		return nil, err
	}
	s := &SAGE{config: c, agg: agg, root: make([]*nn.Linear, len(c.Types))}
	for i, name := range c.Types {
		if c.computes(i) {
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

// Forward implements [Layer].
func (s *SAGE) Forward(t *tensor.Tape, b *Block, x []*tensor.Var) []*tensor.Var {
	out := t.Vars(len(x))
	for v, n := range b.Dst {
		if n == 0 {
			continue
		}
		terms, k := t.Vars(1+len(s.config.Edges)), 1
		terms[0] = s.root[v].Apply(t, t.SliceRows(x[v], 0, n), tensor.Identity)
		for i, e := range s.config.Edges {
			if e.Dst == v {
				terms[k] = s.messages(t, i, &b.Edges[i], s.config.copies(t, x, e.Src))
				k++
			}
		}
		out[v] = t.Add(terms[:k]...)
	}
	return out
}

// messages is the term of edge type i. Over a functional edge type a row is the same
// whether it is gathered or multiplied first, so the side with fewer rows is multiplied.
func (s *SAGE) messages(t *tensor.Tape, i int, e *Edge, from *tensor.Var) *tensor.Var {
	w := s.edge[i].Var(t)
	switch {
	case !s.config.Edges[i].Functional:
		return t.MatMul(s.agg.Reduce(t, *e, from), w)
	case from.Rows() < e.CSR.Rows():
		return t.GatherReduce(t.MatMul(from, w), e.CSR, tensor.Sum)
	}
	return t.MatMul(t.GatherReduce(from, e.CSR, tensor.Sum), w)
}

func (s *SAGE) String() string {
	return fmt.Sprintf("sage(%s, %d -> %d)", s.agg, s.config.In, s.config.Out)
}
