package tensor

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/tensor/internal/kernel"
)

// GatherTerm is one summand of [Tape.GatherSum]: row Index[i] of X belongs to row i of
// the sum, and -1 to none. A nil Index stands for 0, 1, 2, ...: row i of X. With By the
// row is multiplied by that matrix; X is then a constant of few columns.
type GatherTerm struct {
	X     *Var
	Index []int32
	By    *Var
}

// cols is the width of what the term adds.
func (m *GatherTerm) cols() int {
	if m.By != nil {
		return m.By.Cols()
	}
	return m.X.Cols()
}

// summand is the term as the kernel takes it.
func (m *GatherTerm) summand() kernel.Term {
	switch {
	case m.By != nil:
		return kernel.ProductTermOf(m.X.Val.Data, m.X.Cols(), m.By.Val.Data, m.Index)
	case m.X.stored != nil:
		return m.X.stored.term(m.Index)
	}
	return kernel.TermOf(m.X.Val.Data, m.Index)
}

// GatherSum is the sum of gathered rows, rows x cols:
//
//	out[i] = sum over terms of X[Index[i]], or of X[Index[i]] By
//
// The terms add up in their order, and gathered rows are never stored. A row without
// any term is 0.
func (t *Tape) GatherSum(rows int, terms ...GatherTerm) *Var {
	if len(terms) == 0 {
		panic("tensor: gathered sum of no terms")
	}
	cols := terms[0].cols()
	n := t.node(t.raw(rows, cols), gatherTermsBack)
	n.terms = t.terms.take(len(terms))
	copy(n.terms, terms)
	n.summands = t.summandsOf(terms, rows, cols)
	for _, m := range terms {
		t.below(n, m.X)
		if m.By != nil {
			t.below(n, m.By)
		}
	}
	t.run(rows, rowGrain(cols), n, gatherTermsBlock)
	return n.out
}

// summandsOf checks terms and hands them to the kernel.
func (t *Tape) summandsOf(terms []GatherTerm, rows, cols int) []kernel.Term {
	out := t.summands.take(len(terms))
	for k := range terms {
		wantTerm(k, terms[k], rows, cols)
		out[k] = terms[k].summand()
	}
	return out
}

func wantTerm(k int, m GatherTerm, rows, cols int) {
	switch {
	case m.By != nil && (m.X.needs || m.By.Rows() != m.X.Cols()):
		panic(fmt.Sprintf("tensor: term %d of a gathered sum is %s times %s, want a constant and inner sizes that agree", k, m.X.Val.shape(), m.By.Val.shape()))
	case m.cols() != cols:
		panic(fmt.Sprintf("tensor: term %d of a gathered sum has %d columns, want %d", k, m.cols(), cols))
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
	t.productTermsBack(n.terms, g)
	plain := 0
	for _, m := range n.terms {
		switch {
		case m.By != nil:
		case m.Index == nil:
			plain++
		case m.X.needs:
			d, add := t.into(m.X)
			t.scatter(d, g, m.Index, add)
		}
	}
	for _, m := range n.terms {
		switch {
		case m.Index != nil || m.By != nil:
		case plain > 1: // another one needs g unchanged
			plain--
			t.addFirst(m.X, g)
		default:
			t.sendFirst(m.X, g)
		}
	}
}

// productTermsBack serves the matrices of the terms that are products, all in one product
// of their gathered rows, side by side, and the gradient.
func (t *Tape) productTermsBack(terms []GatherTerm, g Mat) {
	steps := 0
	for _, m := range terms {
		if m.By != nil && m.By.needs {
			steps += m.X.Cols()
		}
	}
	if steps == 0 {
		return
	}
	rows, at := t.raw(g.Rows, steps), 0
	for _, m := range terms {
		if m.By != nil && m.By.needs {
			at += t.placeColumns(rows, at, m)
		}
	}
	d := t.raw(steps, g.Cols)
	t.mulTN(d, rows, g, false)
	at = 0
	for _, m := range terms {
		if m.By != nil && m.By.needs {
			t.send(m.By, d.slice(at, at+m.X.Cols()), 1)
			at += m.X.Cols()
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
