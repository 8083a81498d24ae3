package tensor

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/tensor/internal/kernel"
)

// GatherTerm is one summand of [Tape.GatherSum]: row Index[i] of X belongs to row i of
// the sum, and -1 to none. A nil Index stands for 0, 1, 2, ...: row i of X.
type GatherTerm struct {
	X     *Var
	Index []int32
}

// GatherSum is the sum of gathered rows, rows x cols:
//
//	out[i] = sum over terms of X[Index[i]]
//
// The terms add up in their order, and gathered rows are never stored. A row without
// any term is 0.
func (t *Tape) GatherSum(rows int, terms ...GatherTerm) *Var {
	if len(terms) == 0 {
		panic("tensor: gathered sum of no terms")
	}
	cols := terms[0].X.Cols()
	for k, m := range terms {
		wantTerm(k, m, rows, cols)
	}
	n := t.node(t.raw(rows, cols), gatherTermsBack)
	n.terms = t.terms.take(len(terms))
	copy(n.terms, terms)
	n.summands = t.summands.take(len(terms))
	for k, m := range terms {
		n.summands[k] = kernel.TermOf(m.X.Val.Data, m.Index)
		t.below(n, m.X)
	}
	t.run(rows, rowGrain(cols), n, gatherTermsBlock)
	return n.out
}

func wantTerm(k int, m GatherTerm, rows, cols int) {
	switch {
	case m.X.Cols() != cols:
		panic(fmt.Sprintf("tensor: term %d of a gathered sum is %s, want %d columns", k, m.X.Val.shape(), cols))
	case m.Index == nil && m.X.Rows() < rows:
		panic(fmt.Sprintf("tensor: term %d of a gathered sum of %d rows is %s", k, rows, m.X.Val.shape()))
	case m.Index != nil && len(m.Index) != rows:
		panic(fmt.Sprintf("tensor: term %d of a gathered sum has %d indices, want %d", k, len(m.Index), rows))
	}
}

func gatherTermsBlock(n *node, s span) {
	kernel.SumTerms(n.out.Val.slice(s.lo, s.hi).Data, n.out.Cols(), s.lo, n.summands)
}

// gatherTermsBack serves the terms with indices first: after that the gradient itself
// may go to a term without.
func gatherTermsBack(t *Tape, n *node) {
	g := n.out.grad
	plain := 0
	for _, m := range n.terms {
		switch {
		case m.Index == nil:
			plain++
		case m.X.needs:
			d, add := t.into(m.X)
			t.scatter(d, g, m.Index, add)
		}
	}
	for _, m := range n.terms {
		switch {
		case m.Index != nil:
		case plain > 1: // another one needs g unchanged
			plain--
			t.addFirst(m.X, g)
		default:
			t.sendFirst(m.X, g)
		}
	}
}

// sendFirst adds g to the gradient of the first rows of v; nobody may need g any more.
func (t *Tape) sendFirst(v *Var, g Mat) {
	if v.Rows() == g.Rows {
		t.give(v, g)
		return
	}
	t.addFirst(v, g)
}

// addFirst adds g to the gradient of the first rows of v.
func (t *Tape) addFirst(v *Var, g Mat) {
	if !v.needs {
		return
	}
	if v.Rows() == g.Rows {
		t.send(v, g, 1)
		return
	}
	if !v.hasGrad {
		t.into(v)
		t.clear(v.grad.slice(g.Rows, v.Rows()))
		n := t.scratch()
		n.a, n.b, n.r1 = v.grad.slice(0, g.Rows), g, 1
		t.run(g.Len(), flatGrain, n, sendBlock)
		return
	}
	n := t.scratch()
	n.a, n.b, n.r1, n.add = v.grad.slice(0, g.Rows), g, 1, true
	t.run(g.Len(), flatGrain, n, sendBlock)
}
