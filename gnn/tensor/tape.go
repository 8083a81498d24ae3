package tensor

import (
	"fmt"
	"math"

	"github.com/rowlink/rowlink/gnn/tensor/internal/kernel"
)

// Tape records operators as they compute and runs their gradients backwards. It is
// used by one goroutine; the operators themselves run in parallel on its pool.
// Parameters shared by several tapes must not be trained on them at the same time.
type Tape struct {
	// Train says that gradients are recorded and dropout drops. False is inference.
	Train bool
	// Fixed says that leaves do not change while the tape lives: what is made of them once is
	// kept from one Reset to the next.
	Fixed bool

	pool      *Pool
	nodes     arena[node]
	order     []*node // recorded operators, oldest first
	vars      arena[Var]
	refs      arena[*Var]
	terms     arena[GatherTerm]
	listed    arena[[]GatherTerm]
	rels      arena[Relation]
	lists     arena[Attended]
	residuals arena[ResidualBlock]
	reals     arena[Real]
	ints      arena[int32]
	sums      arena[float64]
	summands  arena[kernel.Term]

	kept     map[packedKey][]Real // parameters of products, as the kernels read them
	inverses []knownInverse
	counting []int32 // 0, 1, 2, ...
}

// NewTape returns an empty tape in training mode that runs its operators on pool.
func NewTape(pool *Pool) *Tape {
	return &Tape{Train: true, pool: pool}
}

// Pool returns the pool that the operators run on.
func (t *Tape) Pool() *Pool { return t.pool }

// Reset forgets everything recorded and takes all memory back: every Var and every
// Mat that came from the tape is dead.
func (t *Tape) Reset() {
	t.order = t.order[:0]
	t.nodes.reset(&node{}) // lets go of the caller's slices
	t.vars.reset(&Var{})
	t.refs.reset(nil)
	t.terms.reset(&GatherTerm{})
	t.listed.reset(&[]GatherTerm{})
	t.rels.reset(&Relation{})
	t.lists.reset(&Attended{})
	t.summands.reset(&kernel.Term{})
	t.residuals.reset(&ResidualBlock{})
	if poisoned {
		nan := Real(math.NaN())
		t.reals.reset(&nan)
	} else {
		t.reals.reset(nil)
	}
	t.ints.reset(nil)
	t.sums.reset(nil)
	clear(t.inverses)
	t.inverses = t.inverses[:0]
}

// Var is a matrix on a tape: an input, a parameter, or the result of an operator.
type Var struct {
	Val Mat

	parameter bool
	stored    *RowTable // a constant in a format of 16 bits: Val has its shape only; see [Tape.Whole]
	grad      Mat
	needs     bool // some leaf below it collects a gradient
	leaf      bool
	hasGrad   bool // grad holds a contribution
}

// Rows returns the number of rows of the value.
func (v *Var) Rows() int { return v.Val.Rows }

// Cols returns the number of columns of the value.
func (v *Var) Cols() int { return v.Val.Cols }

// Grad returns the gradient of a leaf after Backward. An operator's result keeps
// none: its memory is reused on the way back.
func (v *Var) Grad() Mat { return v.grad }

// Needs says whether a gradient will be asked for; a constant needs none.
func (v *Var) Needs() bool { return v.needs }

// Const puts a matrix on the tape that gets no gradient.
func (t *Tape) Const(m Mat) *Var {
	v := &t.vars.take(1)[0]
	*v = Var{Val: m}
	return v
}

// Leaf puts a matrix on the tape whose gradient Backward adds to grad, a matrix of
// the same shape that the caller clears. With a zero grad it is a constant.
func (t *Tape) Leaf(val, grad Mat) *Var {
	v := t.Const(val)
	v.parameter = true
	if grad.Data == nil || !t.Train {
		return v
	}
	if grad.Rows != val.Rows || grad.Cols != val.Cols {
		panic(fmt.Sprintf("tensor: leaf of %s with a gradient of %s", val.shape(), grad.shape()))
	}
	v.grad, v.needs, v.leaf, v.hasGrad = grad, true, true, true
	return v
}

// Alloc returns a zero matrix that lives until the next Reset.
func (t *Tape) Alloc(rows, cols int) Mat {
	m := t.raw(rows, cols)
	clear(m.Data)
	return m
}

// raw is Alloc with arbitrary contents.
func (t *Tape) raw(rows, cols int) Mat {
	return Mat{rows, cols, t.reals.take(rows * cols)}
}

// Vars returns n nil variables that live until the next Reset: the lists that a layer
// builds in its forward pass, without garbage.
func (t *Tape) Vars(n int) []*Var {
	v := t.refs.take(n)
	clear(v)
	return v
}

// Terms returns n empty terms that live until the next Reset; see [Tape.Vars].
func (t *Tape) Terms(n int) []GatherTerm {
	terms := t.terms.take(n)
	clear(terms)
	return terms
}

// TermLists returns n empty lists of terms that live until the next Reset.
func (t *Tape) TermLists(n int) [][]GatherTerm {
	lists := t.listed.take(n)
	clear(lists)
	return lists
}

// Ints returns n integers of arbitrary contents that live until the next Reset.
func (t *Tape) Ints(n int) []int32 { return t.ints.take(n) }

// Backward adds the gradient of loss, a 1x1 value, to every leaf below it. It may be
// called once after the forward pass.
func (t *Tape) Backward(loss *Var) {
	if loss.Rows() != 1 || loss.Cols() != 1 {
		panic("tensor: backward from a " + loss.Val.shape() + " value, want 1x1")
	}
	if !loss.needs {
		return
	}
	g, _ := t.into(loss)
	g.Data[0] = 1
	t.unwind()
}

// BackwardFrom is Backward from several values whose gradients are given, grads[i] being
// that of from[i]; it does not change them.
func (t *Tape) BackwardFrom(from []*Var, grads []Mat) {
	for i, v := range from {
		if v.Rows() != grads[i].Rows || v.Cols() != grads[i].Cols {
			panic(fmt.Sprintf("tensor: gradient of %s for a value of %s", grads[i].shape(), v.Val.shape()))
		}
		t.send(v, grads[i], 1)
	}
	t.unwind()
}

// unwind runs the recorded operators backwards.
func (t *Tape) unwind() {
	for i := len(t.order) - 1; i >= 0; i-- {
		if n := t.order[i]; n.out.hasGrad {
			n.back(t, n)
		}
	}
}

// Custom records an operator of another package: val was computed from in, and back
// must add to [Tape.GradOf] of each input that [Var.Needs] one, given the gradient
// of val.
func (t *Tape) Custom(val Mat, back func(grad Mat), in ...*Var) *Var {
	n := t.node(val, runCustom, in...)
	n.custom = back
	return n.out
}

func runCustom(_ *Tape, n *node) { n.custom(n.out.grad) }

// GradOf returns the gradient collected so far for v, zero at first, to be added to.
func (t *Tape) GradOf(v *Var) Mat {
	g, add := t.into(v)
	if !add {
		clear(g.Data)
	}
	return g
}

// into returns the matrix that collects the gradient of v. With add the operator
// adds to it, else it must store every element.
func (t *Tape) into(v *Var) (g Mat, add bool) {
	if !v.hasGrad {
		v.grad, v.hasGrad = t.raw(v.Rows(), v.Cols()), true
		return v.grad, false
	}
	return v.grad, true
}
