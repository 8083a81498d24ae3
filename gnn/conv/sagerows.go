package conv

import (
	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
)

// RowTerms implements [RowLayer]. With x[c] = X[row of c] + te[c] T the result of
// destination v is
//
//	(X W_root + b)[row of v] + sum over functional e (X_e W_e)[row of v's parent]
//	+ sum over the other e agg_e(x) W_e + te[v] T W_root + sum over functional e te[v's parent] T_e W_e
//
// A parent that the seed cannot see takes no part, neither by its row nor by its age.
func (s *SAGE) RowTerms(t *tensor.Tape, b *Block, in []*Rows) [][]tensor.GatherTerm {
	out := t.TermLists(len(in))
	for v, n := range b.Dst {
		if n > 0 {
			out[v] = s.destinations(t, b, in, v)
		}
	}
	return out
}

func (s *SAGE) destinations(t *tensor.Tape, b *Block, in []*Rows, v int) []tensor.GatherTerm {
	n, most := b.Dst[v], 1+len(s.config.Edges)
	f := factors{t: t, terms: t.Terms(2 * most)[:0], ages: t.Terms(most)[:0]}
	s.linear(&f, in[v], v, in[v].Of[:n])
	s.ages(&f, in[v], v, in[v].Te, nil)
	for i, e := range s.config.Edges {
		if from := in[e.Src]; e.Dst == v && e.Functional && from != nil {
			p := b.Edges[i].Parents
			if p.Rows == nil {
				p.TeOf = t.Parents(b.Edges[i].CSR)
				p.Rows, p.Te = t.Compose(from.Of, p.TeOf), from.Te
			}
			s.linear(&f, from, len(in)+i, p.Rows)
			s.ages(&f, from, len(in)+i, p.Te, p.TeOf)
		}
	}
	for i, e := range s.config.Edges {
		if e.Dst == v && !e.Functional {
			f.terms = append(f.terms, tensor.GatherTerm{X: t.MatMul(s.reduceRows(t, &b.Edges[i], in[e.Src]), s.edge[i].Var(t))})
		}
	}
	return append(f.terms, f.ages...)
}

// factors collects the row terms of the destinations of one node type and their age terms.
type factors struct {
	t           *tensor.Tape
	terms, ages []tensor.GatherTerm
}

// linear adds the projection of that number of the rows idx.
func (s *SAGE) linear(f *factors, r *Rows, number int, idx []int32) {
	if r.Projected != nil {
		f.terms = append(f.terms, tensor.GatherTerm{X: r.Projected[number], Index: idx})
		return
	}
	x, at := r.pick(f.t, idx)
	f.terms = append(f.terms, tensor.GatherTerm{X: s.Project(f.t, number, x), Index: at})
}

// ages adds what the projection of that number makes of age terms; there are none for a
// table without time.
func (s *SAGE) ages(f *factors, r *Rows, number int, te *tensor.Var, idx []int32) {
	if te == nil {
		return
	}
	var by *tensor.Var
	if r.Ages != nil {
		by = r.Ages[number]
	} else {
		by = s.ProjectAges(f.t, number, r.T)
	}
	f.ages = append(f.ages, tensor.GatherTerm{X: te, Index: idx, By: by})
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

// ProjectAges implements [RowLayer].
func (s *SAGE) ProjectAges(t *tensor.Tape, number int, ages *tensor.Var) *tensor.Var {
	return t.MatMul(ages, s.matrix(number).Var(t))
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
