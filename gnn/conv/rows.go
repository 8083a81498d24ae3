package conv

import "github.com/rowlink/rowlink/gnn/tensor"

// Rows is the input of a first layer before it is handed to the copies of one node type.
// Copy c of row Of[c] has the vector
//
//	x[c] = X[Of[c]] + Te[c] T
//
// with Te the age terms of the copy. A layer that is linear in its input can compute
// with X once per row and with Te over its few columns, and never needs x; see
// [RowLayer].
type Rows struct {
	X  *tensor.Var // rows x In: one vector per row, whatever the seed
	Of []int32     // per copy: its row in X
	Te *tensor.Var // copies x terms, constant; nil for a table without time
	T  *tensor.Var // terms x In; nil like Te

	// Projected holds what [RowLayer.Project] made of X beforehand, by the number of the
	// projection, for tables whose rows are stored between batches; nil computes it.
	Projected []*tensor.Var
	// Ages holds what [RowLayer.ProjectAges] made of T, in the same way.
	Ages []*tensor.Var
}

// Copies returns x of the first n copies (n x In).
func (r *Rows) Copies(t *tensor.Tape, n int) *tensor.Var {
	if r.Te == nil {
		return t.GatherRows(r.X, r.Of[:n])
	}
	return t.GatherSum(n, r.Terms(t, n)...)
}

// Terms returns the terms whose sum is x of the first n copies.
func (r *Rows) Terms(t *tensor.Tape, n int) []tensor.GatherTerm {
	terms := append(t.Terms(2)[:0], tensor.GatherTerm{X: r.X, Index: r.Of[:n]})
	if r.Te != nil {
		terms = append(terms, tensor.GatherTerm{X: r.Te, By: r.T})
	}
	return terms
}

// edges is e with sources that are rows of X instead of copies.
func (r *Rows) edges(t *tensor.Tape, e *Edge) tensor.CSR {
	return t.Through(e.CSR, r.Of)
}

// RowLayer is a [Layer] that can take its input as [Rows]: the factorised form of a
// first layer. Over a functional edge type a destination has at most one source, so that
// everything before the activation is a sum of row terms, computed once per distinct
// row, and of age terms.
type RowLayer interface {
	Layer
	// RowTerms returns terms per node type, nil for one without destinations, whose sum over
	// its destinations equals Forward on the copies of in, up to rounding.
	RowTerms(t *tensor.Tape, b *Block, in []*Rows) [][]tensor.GatherTerm
	// Projections numbers the linear maps that RowTerms applies to rows of a node type.
	Projections(typ int) []int
	// Project applies the linear map of that number to rows (rows x In).
	Project(t *tensor.Tape, number int, x *tensor.Var) *tensor.Var
	// ProjectAges applies it, without what it adds, to the map of age terms (terms x In).
	ProjectAges(t *tensor.Tape, number int, ages *tensor.Var) *tensor.Var
}

// pick chooses the rows to which a linear map is applied for the copies or parents of
// the given rows: all of X where most are needed, else each needed row once. It returns
// them and where each of idx stands among them. Results do not depend on the choice: a
// row's product depends on that row alone.
func (r *Rows) pick(t *tensor.Tape, idx []int32) (x *tensor.Var, at []int32) {
	if len(idx) == len(r.Of) { // every copy takes part, and with it every row
		return r.X, idx
	}
	distinct, at := t.Unique(idx, r.X.Rows())
	if len(distinct)*pickShare >= r.X.Rows()*(pickShare-1) {
		return r.X, idx
	}
	return t.GatherRows(r.X, distinct), at
}

// pickShare: copying rows costs about as much as multiplying one in eight of them more.
const pickShare = 8
