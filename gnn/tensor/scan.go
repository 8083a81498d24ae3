package tensor

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/tensor/internal/kernel"
)

// Decayed states of entities whose rows arrive over time. The recurrence and its way
// back are those of linear recurrent layers (Martin and Cundy, 2018): forward
//
//	S[i,k] = a[i,k] S[i-1,k] + x[i],   a[i,k] = exp(-rate[k] gap[i])
//
// and backward, with g the gradient of S,
//
//	G[i,k] = g[i,k] + a[i+1,k] G[i+1,k]
//	dx[i] = sum over k of G[i,k],   drate[k] = -sum over i of gap[i] a[i,k] <G[i,k], S[i-1,k]>
//
// All factors are at most 1: long gaps underflow to 0 and nothing overflows. Rows of
// an entity are cut into chunks of fixed size; the state before a chunk is added to it
// afterwards, so that an entity with very many rows runs in parallel too.

// scanChunk is the largest number of rows in a chunk; tests make it small.
var scanChunk = 256

// scanGrain is the number of chunks in one block of work.
const scanGrain = 8

// DecayScan gives the states after every row: x holds the rows of entity s at
// ptr[s] to ptr[s+1], in the order of time, gap[i] is the time since the entity's row
// before (not looked at for its first), and rate, 1 x heads, is per unit of that time
// and not negative. The result is rows x heads*cols.
func (t *Tape) DecayScan(x *Var, ptr []int32, gap []Real, rate *Var) *Var {
	wantScan(x, ptr, gap, rate)
	heads := rate.Cols()
	n := t.node(t.raw(x.Rows(), heads*x.Cols()), decayScanBack, x, rate)
	n.aux, n.w = t.raw(x.Rows()+1, heads), gap // the factors; none follows the last row
	clear(n.aux.Row(x.Rows()))
	t.run(x.Rows(), rowGrain(heads), n, scanFactorsBlock)
	t.cutChunks(n, ptr)
	t.run(len(n.arg), scanGrain, n, scanBlock)
	if n.n1 > 0 {
		n.part = t.reals.take(len(n.arg) * heads)
		t.run(len(n.arg), scanGrain, n, scanProductsBlock)
		n.carryForward()
		t.run(len(n.arg), scanGrain, n, scanCarryBlock)
	}
	return n.out
}

func wantScan(x *Var, ptr []int32, gap []Real, rate *Var) {
	switch {
	case len(ptr) == 0 || int(ptr[len(ptr)-1]) != x.Rows():
		panic(fmt.Sprintf("tensor: decayed scan of %s over entities that end elsewhere", x.Val.shape()))
	case len(gap) != x.Rows():
		panic(fmt.Sprintf("tensor: decayed scan of %s with %d gaps", x.Val.shape(), len(gap)))
	case rate.Rows() != 1:
		panic("tensor: decayed scan with rates of " + rate.Val.shape() + ", want one row")
	}
}

func scanFactorsBlock(n *node, s span) {
	a := n.aux.slice(s.lo, s.hi)
	for i := range a.Rows {
		row := a.Row(i)
		for k, rate := range n.y.Val.Data {
			row[k] = -rate * n.w[s.lo+i]
		}
	}
	kernel.Exp(a.Data, a.Data)
}

// cutChunks lists the chunks: chunk c is the rows idx[c] to idx[c+1], and arg[c] is 1
// where it continues the entity of the chunk before. n1 counts those.
func (t *Tape) cutChunks(n *node, ptr []int32) {
	count := 0
	for s := range len(ptr) - 1 {
		count += blocks(int(ptr[s+1]-ptr[s]), scanChunk)
	}
	n.idx, n.arg = t.ints.take(count+1), t.ints.take(count)
	c := 0
	for s := range len(ptr) - 1 {
		for at := ptr[s]; at < ptr[s+1]; at += int32(scanChunk) {
			n.idx[c], n.arg[c] = at, 0
			if at > ptr[s] {
				n.arg[c] = 1
				n.n1++
			}
			c++
		}
	}
	n.idx[c] = ptr[len(ptr)-1]
}

// chunkScan are the arguments for one head of a chunk.
func (n *node) chunkScan(c, k int) kernel.Scan {
	cols, heads := n.x.Cols(), n.y.Cols()
	lo, hi := int(n.idx[c]), int(n.idx[c+1])
	return kernel.Scan{
		Cols: cols, Rows: hi - lo, Dst: n.out.Val.Data, X: n.x.Val.Data, A: n.aux.Data,
		DstStep: heads * cols, XStep: cols, AStep: heads,
		DstAt: (lo*heads + k) * cols, XAt: lo * cols, AAt: lo*heads + k,
	}
}

func scanBlock(n *node, s span) {
	for c := s.lo; c < s.hi; c++ {
		for k := range n.y.Cols() {
			kernel.ScanRows(n.chunkScan(c, k))
		}
	}
}

// scanProductsBlock stores how much of the state before a chunk is left after it.
func scanProductsBlock(n *node, s span) {
	heads := n.y.Cols()
	for c := s.lo; c < s.hi; c++ {
		p := n.part[c*heads:][:heads]
		for k := range p {
			p[k] = 1
		}
		for i := int(n.idx[c]); i < int(n.idx[c+1]); i++ {
			for k, a := range n.aux.Row(i + n.n2) {
				p[k] *= a
			}
		}
	}
}

// head is columns k cols to (k+1) cols of row i of m.
func (n *node) head(m Mat, i, k int) []Real {
	cols := n.x.Cols()
	return m.Row(i)[k*cols:][:cols]
}

// carryForward brings the last row of every chunk up to date, in order.
func (n *node) carryForward() {
	for c, continues := range n.arg {
		if continues == 0 {
			continue
		}
		before, last := int(n.idx[c])-1, int(n.idx[c+1])-1
		for k, p := range n.part[c*n.y.Cols():][:n.y.Cols()] {
			kernel.Axpy(n.head(n.out.Val, last, k), p, n.head(n.out.Val, before, k))
		}
	}
}

// scanCarryBlock brings the other rows up to date.
func scanCarryBlock(n *node, s span) {
	for c := s.lo; c < s.hi; c++ {
		if n.arg[c] == 0 {
			continue
		}
		lo, last := int(n.idx[c]), int(n.idx[c+1])-1
		for k := range n.y.Cols() {
			before, p := n.head(n.out.Val, lo-1, k), Real(1)
			for i := lo; i < last && p != 0; i++ {
				p *= n.aux.At(i, k)
				kernel.Axpy(n.head(n.out.Val, i, k), p, before)
			}
		}
	}
}

// decayScanBack turns the gradient of the states into G, in place.
func decayScanBack(t *Tape, n *node) {
	t.run(len(n.arg), scanGrain, n, scanBackBlock)
	if n.n1 > 0 {
		n.n2 = 1 // factors of the row after
		t.run(len(n.arg), scanGrain, n, scanProductsBlock)
		n.carryBack()
		t.run(len(n.arg), scanGrain, n, scanCarryBackBlock)
	}
	if n.x.needs {
		n.a, n.add = t.into(n.x)
		t.run(n.x.Rows(), rowGrain(n.out.Cols()), n, scanInputBlock)
	}
	if n.y.needs {
		n.sums = t.sums.take(blocks(len(n.arg), scanGrain) * n.y.Cols())
		t.run(len(n.arg), scanGrain, n, scanRateBlock)
		t.sendSums(n.y, n.sums)
	}
}

func scanBackBlock(n *node, s span) {
	for c := s.lo; c < s.hi; c++ {
		for k := range n.y.Cols() {
			b := n.chunkScan(c, k)
			b.Dst, b.X = n.out.grad.Data, n.out.grad.Data
			b.DstAt += (b.Rows - 1) * b.DstStep
			b.AAt += b.Rows * b.AStep // the factor of the row after
			b.XAt, b.XStep = b.DstAt, -b.DstStep
			b.DstStep, b.AStep = -b.DstStep, -b.AStep
			kernel.ScanRows(b)
		}
	}
}

// carryBack brings the first row of every chunk up to date, from the end.
func (n *node) carryBack() {
	for c := len(n.arg) - 2; c >= 0; c-- {
		if n.arg[c+1] == 0 {
			continue
		}
		for k, p := range n.part[c*n.y.Cols():][:n.y.Cols()] {
			kernel.Axpy(n.head(n.out.grad, int(n.idx[c]), k), p, n.head(n.out.grad, int(n.idx[c+1]), k))
		}
	}
}

func scanCarryBackBlock(n *node, s span) {
	for c := s.lo; c < s.hi; c++ {
		if c+1 == len(n.arg) || n.arg[c+1] == 0 {
			continue
		}
		lo, next := int(n.idx[c]), int(n.idx[c+1])
		for k := range n.y.Cols() {
			after, p := n.head(n.out.grad, next, k), Real(1)
			for i := next - 1; i > lo && p != 0; i-- {
				p *= n.aux.At(i+1, k)
				kernel.Axpy(n.head(n.out.grad, i, k), p, after)
			}
		}
	}
}

func scanInputBlock(n *node, s span) {
	for i := s.lo; i < s.hi; i++ {
		dst := n.a.Row(i)
		for k := range n.y.Cols() {
			if k == 0 && !n.add {
				copy(dst, n.head(n.out.grad, i, k))
			} else {
				kernel.Add(dst, n.head(n.out.grad, i, k))
			}
		}
	}
}

func scanRateBlock(n *node, s span) {
	heads := n.y.Cols()
	sums := n.sums[s.block*heads:][:heads]
	clear(sums)
	for c := s.lo; c < s.hi; c++ {
		first := int(n.idx[c])
		if n.arg[c] == 0 {
			first++ // the entity's first row has no state before it
		}
		for i := first; i < int(n.idx[c+1]); i++ {
			for k := range sums {
				d := kernel.Dot(n.head(n.out.grad, i, k), n.head(n.out.Val, i-1, k))
				sums[k] -= float64(n.w[i]) * float64(n.aux.At(i, k)) * float64(d)
			}
		}
	}
}

// sendSums adds the sums of all blocks, as many numbers each as v has, to the gradient
// of v, in block order.
func (t *Tape) sendSums(v *Var, sums []float64) {
	g := t.GradOf(v)
	for k := range g.Data {
		var total float64
		for at := k; at < len(sums); at += g.Len() {
			total += sums[at]
		}
		g.Data[k] += Real(total)
	}
}

// DecayRead reads states of [Tape.DecayScan] some time after their row: head k of row
// i of the result is exp(-rate[k] age[i]) times head k of row idx[i] of the states, and
// 0 for index -1. age is not negative.
func (t *Tape) DecayRead(states *Var, idx []int32, age []Real, rate *Var) *Var {
	if len(age) != len(idx) || rate.Rows() != 1 {
		panic(fmt.Sprintf("tensor: decayed reading of %d rows with %d ages and rates of %s", len(idx), len(age), rate.Val.shape()))
	}
	headWidth("decayed reading", states.Cols(), rate.Cols())
	n := t.node(t.raw(len(idx), states.Cols()), decayReadBack, states, rate)
	n.idx, n.w, n.a, n.b = idx, age, n.out.Val, states.Val
	n.aux = t.raw(len(idx), rate.Cols())
	t.run(len(idx), rowGrain(rate.Cols()), n, scanFactorsBlock)
	t.run(len(idx), rowGrain(states.Cols()), n, decayReadBlock)
	return n.out
}

func decayReadBlock(n *node, s span) {
	gatherRowsBlock(n, s)
	n.scaleHeads(n.out.Val, s)
}

// scaleHeads multiplies every head of some rows by its factor.
func (n *node) scaleHeads(m Mat, s span) {
	width := m.Cols / n.aux.Cols
	for i := s.lo; i < s.hi; i++ {
		for k, a := range n.aux.Row(i) {
			head := m.Row(i)[k*width:][:width]
			kernel.Scale(head, a, head)
		}
	}
}

func decayReadBack(t *Tape, n *node) {
	grain := rowGrain(n.out.Cols())
	if n.y.needs {
		n.sums = t.sums.take(blocks(n.out.Rows(), grain) * n.y.Cols())
		t.run(n.out.Rows(), grain, n, decayReadRateBlock)
		t.sendSums(n.y, n.sums)
	}
	if n.x.needs {
		t.run(n.out.Rows(), grain, n, decayReadBackBlock)
		d, add := t.into(n.x)
		t.scatter(d, n.out.grad, n.idx, add)
	}
}

func decayReadRateBlock(n *node, s span) {
	heads := n.y.Cols()
	width := n.out.Cols() / heads
	sums := n.sums[s.block*heads:][:heads]
	clear(sums)
	for i := s.lo; i < s.hi; i++ {
		for k := range sums {
			d := kernel.Dot(n.out.grad.Row(i)[k*width:][:width], n.out.Val.Row(i)[k*width:][:width])
			sums[k] -= float64(n.w[i]) * float64(d)
		}
	}
}

func decayReadBackBlock(n *node, s span) { n.scaleHeads(n.out.grad, s) }
