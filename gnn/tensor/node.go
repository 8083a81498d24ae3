package tensor

import "github.com/rowlink/rowlink/gnn/tensor/internal/kernel"

// node is one recorded operator: its result, its inputs, the function that runs its
// gradient, and the union of what operators must remember. One record type for all
// operators lets the tape reuse its memory; the alternative, a closure per operator,
// would be garbage at every step. Each operator's file says what it keeps here.
type node struct {
	out       *Var
	x         *Var // first input
	y         *Var // second input
	z         *Var // third input
	all       []*Var
	terms     []GatherTerm
	rels      []Relation
	lists     []Attended
	residuals []ResidualBlock
	back      func(*Tape, *node)
	summands  []kernel.Term
	others    []kernel.Term // of a second sum

	a, b, c Mat // matrices that the block functions work on
	aux     Mat // saved for the way back
	add     bool
	act     Activation
	kind    int
	n1, n2  int
	r1      Real
	arg1    float64 // parameter of a loss
	norm    float64 // factor from the sum of a loss to its mean
	key     uint64
	csr     CSR
	inv     inverse
	idx     []int32
	micros  []int64
	arg     []int32
	w       []Real
	part    []Real    // partial sums, one stretch per block
	sums    []float64 // the same in double precision
	table   *RowTable
	custom  func(Mat)
}

// node records an operator with result val. Its inputs go to x, y, z, in order; with
// more than three, or with none where an operator takes a list, they are in all.
func (t *Tape) node(val Mat, back func(*Tape, *node), in ...*Var) *node {
	n := t.scratch()
	n.out = t.Const(val)
	n.back = back
	for i, v := range in {
		switch i {
		case 0:
			n.x = v
		case 1:
			n.y = v
		case 2:
			n.z = v
		}
		if v != nil && v.needs {
			n.out.needs = true
		}
	}
	if len(in) > 3 {
		n.all = t.refs.take(len(in))
		copy(n.all, in)
	}
	if n.out.needs && t.Train {
		t.order = append(t.order, n)
	}
	return n
}

// below makes v one more input of n, which was recorded last; the operator keeps it
// where it likes.
func (t *Tape) below(n *node, v *Var) {
	if v.needs && !n.out.needs {
		n.out.needs = true
		t.order = append(t.order, n)
	}
}

// list records an operator on a list of inputs, in all.
func (t *Tape) list(val Mat, back func(*Tape, *node), in []*Var) *node {
	n := t.node(val, back, in...)
	if n.all == nil {
		n.all = t.refs.take(len(in))
		copy(n.all, in)
	}
	return n
}

// scratch returns an empty node that is not recorded: arguments of a block function.
func (t *Tape) scratch() *node {
	n := &t.nodes.take(1)[0]
	*n = node{}
	return n
}

// run cuts [0,count) into blocks of grain and calls fn on each.
func (t *Tape) run(count, grain int, n *node, fn func(*node, span)) {
	t.pool.run(count, work{n: count, grain: grain, node: n, onNode: fn})
}

// flatGrain is the block of element-wise loops: some microseconds of work.
const flatGrain = 1 << 13

// rowGrain is the block of loops over rows of that width; it depends on the shape only.
func rowGrain(cols int) int { return max(32, flatGrain/max(cols, 1)) }

// total adds up blocks of len(dst) partial sums in block order, for any number of threads.
func (t *Tape) total(dst Mat, part []Real, add bool) {
	if dst.Len() == 0 {
		return
	}
	n := t.scratch()
	n.a, n.part, n.add, n.n1 = dst, part, add, len(part)/dst.Len()
	t.run(dst.Len(), 1<<12, n, totalBlock)
}

func totalBlock(n *node, s span) {
	dst := n.a.Data[s.lo:s.hi]
	if !n.add {
		clear(dst)
	}
	for b := range n.n1 {
		kernel.Add(dst, n.part[b*n.a.Len():][s.lo:s.hi])
	}
}
