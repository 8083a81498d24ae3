package tensor

import (
	"fmt"
	"math"

	"github.com/rowlink/rowlink/gnn/tensor/internal/kernel"
)

// Attended is one list of edges over which destinations look at sources. One softmax
// per destination and head runs over all lists of an operator.
type Attended struct {
	Q   *Var // destinations x heads*width: what a destination asks
	KV  *Var // sources x 2*heads*width: keys, and values to their right
	CSR CSR

	weight Mat // edges x heads: scores, then their softmax
	slope  Mat // edges x heads: gradient of the scores
	inv    inverse
	dq     Mat
	addQ   bool
}

// Attendeds returns n empty lists that live until the next Reset.
func (t *Tape) Attendeds(n int) []Attended {
	l := t.lists.take(n)
	clear(l)
	return l
}

// The ways to score an edge; see the operators.
const (
	dotScore      = iota // [Tape.Attend]
	additiveScore        // [Tape.AttendAdditive]
	splitScore           // [Tape.AttendSplit]
)

// Attend is multi-head attention over edges, rows x len(lists)*heads*width:
//
//	s[e,h] = q[v]_h . k[u]_h            over every edge e = u -> v of every list
//	w[.,h] = softmax of s over all edges of all lists into v
//	out[v] = for each list and head the sum of w[e,h] v[u]_h
//
// The results of the lists stand side by side, heads within. Scores and weights are
// kept per edge and head; messages are never stored. A destination without edges gets
// zeros. The lists must not change until the next Reset.
func (t *Tape) Attend(rows, heads int, lists []Attended) *Var {
	if len(lists) == 0 {
		panic("tensor: attention over no edges")
	}
	cols := lists[0].Q.Cols()
	headWidth("attention", cols, heads)
	for i, l := range lists {
		if l.Q.Cols() != cols || l.Q.Rows() < rows || l.KV.Cols() != 2*cols || l.CSR.Rows() != rows {
			panic(fmt.Sprintf("tensor: list %d attends with %s to %s for %d of %d destinations",
				i, l.Q.Val.shape(), l.KV.Val.shape(), l.CSR.Rows(), rows))
		}
	}
	return t.attend(rows, heads, cols, dotScore, nil, lists)
}

// attend records and runs the operator; extra is the kind's third input.
func (t *Tape) attend(rows, heads, cols, kind int, extra *Var, lists []Attended) *Var {
	n := t.node(t.raw(rows, len(lists)*cols), attendBack, nil, nil, extra)
	n.kind, n.n1, n.n2, n.lists = kind, heads, cols, lists
	for i := range lists {
		l := &lists[i]
		l.CSR = t.edges(l.CSR, l.KV.Rows())
		l.weight = t.raw(l.CSR.Edges(), heads)
		t.below(n, l.Q)
		t.below(n, l.KV)
	}
	n.aux = t.raw(t.pool.Threads(), 2*heads)
	t.run(rows, edgeGrain, n, attendBlock)
	return n.out
}

func attendBlock(n *node, s span) {
	cols := n.n2
	for i := range n.lists {
		l := &n.lists[i]
		a := n.heads(l, s)
		a.Q, a.QStep, a.W = from(l.Q.Val.Data, s.lo*cols), cols, l.weight.Data
		switch n.kind {
		case dotScore:
			kernel.HeadDots(a)
		case additiveScore:
			a.Att = n.z.Val.Data
			kernel.LeakyDots(a)
		case splitScore:
			splitScores(l, n.z.Val, s)
		}
	}
	n.softmax(s)
	out := n.out.Val.slice(s.lo, s.hi)
	clear(out.Data)
	for i := range n.lists {
		l := &n.lists[i]
		a := n.heads(l, s)
		a.X, a.W = n.values(l), l.weight.Data
		a.Row, a.RowStep = from(out.Data, i*cols), out.Cols
		kernel.GatherHeads(a)
	}
}

// heads returns the arguments that all kernels take for destinations s.lo to s.hi of a
// list, with keys as the sources.
func (n *node) heads(l *Attended, s span) kernel.Heads {
	return kernel.Heads{Heads: n.n1, Width: n.n2 / n.n1, Ptr: l.CSR.Ptr[s.lo : s.hi+1], Src: l.CSR.Src, X: l.KV.Val.Data, XStep: l.KV.Cols()}
}

// sources returns the sources of destination v.
func (l *Attended) sources(v int) []int32 { return l.CSR.Src[l.CSR.Ptr[v]:l.CSR.Ptr[v+1]] }

// weights returns the weights of destination v's edges, edges x heads.
func (l *Attended) weights(v int) []Real { return l.weight.edges(l.CSR, v, v+1) }

// slopes returns the score gradients of destination v's edges, edges x heads.
func (l *Attended) slopes(v int) []Real { return l.slope.edges(l.CSR, v, v+1) }

// edges returns the rows of m that belong to the edges of destinations lo to hi.
func (m Mat) edges(c CSR, lo, hi int) []Real {
	return m.Data[int(c.Ptr[lo])*m.Cols : int(c.Ptr[hi])*m.Cols]
}

// values returns the values of the list's sources, a row of which is as long as one of KV.
func (n *node) values(l *Attended) []Real {
	if n.kind == dotScore {
		return from(l.KV.Val.Data, n.n2)
	}
	return l.KV.Val.Data
}

// softmax turns the scores of destinations s.lo to s.hi into weights.
func (n *node) softmax(s span) {
	heads := n.n1
	top := n.aux.Row(s.worker)[:heads]
	for v := s.lo; v < s.hi; v++ {
		for h := range top {
			top[h] = Real(math.Inf(-1))
		}
		for i := range n.lists {
			maxPerHead(top, n.lists[i].weights(v))
		}
		for i := range n.lists {
			subPerHead(n.lists[i].weights(v), top)
		}
	}
	for i := range n.lists {
		l := &n.lists[i]
		w := l.weight.edges(l.CSR, s.lo, s.hi)
		kernel.Exp(w, w)
	}
	for v := s.lo; v < s.hi; v++ {
		clear(top)
		for i := range n.lists {
			addPerHead(top, n.lists[i].weights(v))
		}
		for h, total := range top {
			top[h] = 1 / total
		}
		for i := range n.lists {
			mulPerHead(n.lists[i].weights(v), top)
		}
	}
}

func maxPerHead(top, w []Real) {
	for e := 0; e < len(w); e += len(top) {
		for h, x := range w[e:][:len(top)] {
			top[h] = max(top[h], x)
		}
	}
}

func subPerHead(w, top []Real) {
	for e := 0; e < len(w); e += len(top) {
		row := w[e:][:len(top)]
		for h, x := range top {
			row[h] -= x
		}
	}
}

func addPerHead(total, w []Real) {
	for e := 0; e < len(w); e += len(total) {
		for h, x := range w[e:][:len(total)] {
			total[h] += x
		}
	}
}

func mulPerHead(w, by []Real) {
	for e := 0; e < len(w); e += len(by) {
		row := w[e:][:len(by)]
		for h, x := range by {
			row[h] *= x
		}
	}
}
