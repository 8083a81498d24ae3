package conv

import (
	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
)

// ForwardRows implements [RowLayer]. With x[c] = X[row of c] + te[c] T the result of
// destination v is
//
//	(X W_root + b)[row of v] + sum over functional e (X_e W_e)[row of v's parent]
//	+ [te of v, te of its parents] [T W_root; T_e W_e] + sum over the other e agg_e(x) W_e
//
// A parent that the seed cannot see takes no part, neither by its row nor by its age.
func (s *SAGE) ForwardRows(t *tensor.Tape, b *Block, in []*Rows) []*tensor.Var {
	out := t.Vars(len(in))
	for v, n := range b.Dst {
		if n > 0 {
			out[v] = s.destinations(t, b, in, v)
		}
	}
	return out
}

func (s *SAGE) destinations(t *tensor.Tape, b *Block, in []*Rows, v int) *tensor.Var {
	n, most := b.Dst[v], 2+len(s.config.Edges)
	f := factors{t: t, terms: t.Terms(most)[:0], ages: t.Terms(most)[:0], maps: t.Vars(most)[:0]}
	s.linear(&f, in[v], v, nil, in[v].Of[:n])
	for i, e := range s.config.Edges {
		if e.Dst != v {
			continue
		}
		edge, from := &b.Edges[i], in[e.Src]
		switch {
		case !e.Functional:
			f.terms = append(f.terms, tensor.GatherTerm{X: t.MatMul(s.reduceRows(t, edge, from), s.edge[i].Var(t))})
		case from != nil:
			parents := t.Parents(edge.CSR)
			s.linear(&f, from, len(in)+i, parents, t.Compose(from.Of, parents))
		}
	}
	if len(f.ages) > 0 {
		ages := t.GatherConcat(n, f.ages...)
		f.terms = append(f.terms, tensor.GatherTerm{X: t.MatMul(ages, t.ConcatRows(f.maps...))})
	}
	return t.GatherSum(n, f.terms...)
}

// factors collects the row terms of the destinations of one node type, the age terms,
// and the maps T W of the age terms.
type factors struct {
	t           *tensor.Tape
	terms, ages []tensor.GatherTerm
	maps        []*tensor.Var
}

// linear adds the projection of that number of the copies (nil: the destinations
// themselves) whose rows are idx.
func (s *SAGE) linear(f *factors, r *Rows, number int, copies, idx []int32) {
	if r.Projected != nil {
		f.terms = append(f.terms, tensor.GatherTerm{X: r.Projected[number], Index: idx})
	} else {
		x, at := r.pick(f.t, idx)
		f.terms = append(f.terms, tensor.GatherTerm{X: s.Project(f.t, number, x), Index: at})
	}
	if r.Te != nil {
		f.ages = append(f.ages, tensor.GatherTerm{X: r.Te, Index: copies})
		f.maps = append(f.maps, f.t.MatMul(r.T, s.matrix(number).Var(f.t)))
	}
}

// Projections implements [RowLayer]: number v is the root map of node type v, and number
// types + i the map of edge type i.
func (s *SAGE) Projections(typ int) []int {
	var out []int
	if s.root[typ] != nil {
		out = append(out, typ)
	}
	for i, e := range s.config.Edges {
		if e.Src == typ && e.Functional {
			out = append(out, len(s.root)+i)
		}
	}
	return out
}

// Project implements [RowLayer].
func (s *SAGE) Project(t *tensor.Tape, number int, x *tensor.Var) *tensor.Var {
	if number < len(s.root) {
		return s.root[number].Apply(t, x, tensor.Identity)
	}
	return t.MatMul(x, s.matrix(number).Var(t))
}

func (s *SAGE) matrix(number int) *nn.Param {
	if number < len(s.root) {
		return s.root[number].W
	}
	return s.edge[number-len(s.root)]
}

// reduceRows reduces the messages of an edge type that is not functional: over rows and
// ages apart where the aggregator can, else over the copies.
func (s *SAGE) reduceRows(t *tensor.Tape, e *Edge, from *Rows) *tensor.Var {
	if from == nil {
		return s.agg.Reduce(t, *e, t.Const(t.Alloc(0, s.config.In)))
	}
	if agg, ok := s.agg.(linearAggregator); ok {
		return agg.ReduceRows(t, e, from)
	}
	return s.agg.Reduce(t, *e, from.Copies(t, len(from.Of)))
}
