package conv

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
)

func init() {
	Register("sir", func(c Config, set *nn.Set) (Layer, error) { return newSIR(c, set) })
}

// SIR is the soft-isomorphic relational layer (Lim and Lim, 2024): a message is not
// linear in the pair of its ends, so that a destination can weigh each channel of a
// neighbour by its own state. One relation per edge type e:
//
//	m[u,v] = relu(x[v] Wq_e + bq_e + x[u] Wk_e)
//	out[v] = x[v] Wroot + b + sum over e of agg_e(m[u,v] : u -> v) Wr_e
//
// Messages are stored: Hidden numbers per edge. Over a functional edge type the message
// is x[u] W_e. Parameters: In*Out per node type, Hidden*(2*In + width of the aggregator
// over Hidden*Out) per edge type, In*Out per functional one.
type SIR struct {
	root
	agg      Aggregator
	hidden   int
	asks     []*nn.Linear // per edge type, In x Hidden; nil where functional
	sends    []*nn.Param  // the same
	readsOut []*nn.Param  // the same, aggregator's width x Out
}

var _ Layer = (*SIR)(nil)

func newSIR(c Config, set *nn.Set) (*SIR, error) {
	agg, err := c.aggregator()
	if err != nil {
		return nil, err
	}
	hidden, err := c.hidden()
	if err != nil {
		return nil, err
	}
	n := len(c.Edges)
	s := &SIR{newRoot(c, set), agg, hidden, make([]*nn.Linear, n), make([]*nn.Param, n), make([]*nn.Param, n)}
	for i, e := range c.Edges {
		if !e.Functional {
			s.asks[i] = c.linear(set, "ask", e.Name, c.In, hidden)
			s.sends[i] = c.param(set, "send", e.Name, c.In, hidden, nn.KaimingUniform)
			s.readsOut[i] = c.param(set, "read", e.Name, agg.Width(hidden), c.Out, nn.KaimingUniform)
		}
	}
	return s, nil
}

// Forward implements [Layer].
func (s *SIR) Forward(t *tensor.Tape, b *Block, x []*tensor.Var) []*tensor.Var {
	out := t.Vars(len(x))
	for typ, n := range b.Dst {
		if n == 0 {
			continue
		}
		own := t.SliceRows(x[typ], 0, n)
		messages := t.Vars(len(s.sends))
		for i, e := range s.config.Edges {
			if e.Dst == typ && s.sends[i] != nil {
				messages[i] = s.relation(t, i, &b.Edges[i], own, s.config.copies(t, x, e.Src))
			}
		}
		out[typ] = s.sum(t, b, x, typ, messages)
	}
	return out
}

// relation is the term of edge type i; its aggregate has columns, such as log counts,
// that differ from 0 where there are no edges.
func (s *SIR) relation(t *tensor.Tape, i int, e *Edge, own, sources *tensor.Var) *tensor.Var {
	terms := t.Terms(2)
	terms[0] = tensor.GatherTerm{X: s.asks[i].Apply(t, own, tensor.Identity), Index: t.Destinations(e.CSR)}
	terms[1] = tensor.GatherTerm{X: t.MatMul(sources, s.sends[i].Var(t)), Index: e.CSR.Src}
	m := t.Activate(t.GatherSum(e.CSR.Edges(), terms...), tensor.ReLU)
	each := Edge{CSR: tensor.CSR{Ptr: e.CSR.Ptr, Src: t.Count(e.CSR.Edges())}, Age: e.Age}
	return t.MatMul(s.agg.Reduce(t, each, m), s.readsOut[i].Var(t))
}

func (s *SIR) String() string {
	return fmt.Sprintf("sir(%s, %d hidden, %d -> %d)", s.agg, s.hidden, s.config.In, s.config.Out)
}
