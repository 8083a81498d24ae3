package conv

import (
	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
)

// root is what destinations get besides messages, and the linear messages over
// functional edge types:
//
//	x[v] Wroot + b + sum over functional edge types e of x[parent of v] W_e
//
// A softmax over one neighbour is 1, so attention has nothing to choose there.
type root struct {
	config Config
	weight []*nn.Param // per node type; nil where there are no destinations, and all of a bare layer
	bias   []*nn.Param // per node type; nil where there are no destinations
	edge   []*nn.Param // per edge type; nil where it is not functional
}

func newRoot(c Config, set *nn.Set) root {
	r := root{c, make([]*nn.Param, len(c.Types)), make([]*nn.Param, len(c.Types)), make([]*nn.Param, len(c.Edges))}
	for i, name := range c.Types {
		if !c.computes(i) {
			continue
		}
		if !c.Bare {
			r.weight[i] = c.param(set, "root", name, c.In, c.Out, nn.KaimingUniform)
		}
		r.bias[i] = c.bias(set, "bias", name, c.Out)
	}
	for i, e := range c.Edges {
		if e.Functional {
			r.edge[i] = c.param(set, "edge", e.Name, c.In, c.Out, nn.KaimingUniform)
		}
	}
	return r
}

// sum returns the root term of node type typ plus the given messages, one list entry
// each and nil for none.
func (r *root) sum(t *tensor.Tape, b *Block, x []*tensor.Var, typ int, messages []*tensor.Var) *tensor.Var {
	rels := t.Relations(len(r.edge) + 1)[:0]
	if w := r.weight[typ]; w != nil {
		rels = append(rels, tensor.Relation{X: x[typ], W: w.Var(t)})
	}
	for i, e := range r.config.Edges {
		if e.Dst == typ && r.edge[i] != nil && x[e.Src] != nil {
			rels = append(rels, tensor.Relation{X: x[e.Src], W: r.edge[i].Var(t), CSR: b.Edges[i].CSR})
		}
	}
	terms := t.Vars(len(messages) + 1)[:0]
	bias := r.bias[typ].Var(t)
	if len(rels) > 0 {
		terms = append(terms, t.RelationSum(b.Dst[typ], bias, rels))
	}
	for _, m := range messages {
		if m != nil {
			terms = append(terms, m)
		}
	}
	switch {
	case len(terms) == 0:
		return t.AddBias(t.Const(t.Alloc(b.Dst[typ], r.config.Out)), bias)
	case len(rels) == 0:
		return t.AddBias(t.Add(terms...), bias)
	}
	return t.Add(terms...)
}
