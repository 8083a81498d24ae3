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
	for i := range n.lists {
		n.score(&n.lists[i], s)
	}
	n.softmax(s)
	cols, heads := n.n2, n.n1
	out := n.out.Val.slice(s.lo, s.hi)
	clear(out.Data)
	for i := range n.lists {
		l := &n.lists[i]
		values, stride := n.values(l)
		for v := s.lo; v < s.hi; v++ {
			if src := l.sources(v); len(src) > 0 {
				kernel.GatherHeads(out.Row(v - s.lo)[i*cols:][:cols], values, stride, src, l.weights(v), heads)
			}
		}
	}
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

// values returns where the values of the list's sources start, and their stride.
func (n *node) values(l *Attended) (data []Real, stride int) {
	data, stride = l.KV.Val.Data, l.KV.Cols()
	if n.kind == dotScore {
		return from(data, n.n2), stride
	}
	return data, stride
}

func (n *node) score(l *Attended, s span) {
	for v := s.lo; v < s.hi; v++ {
		src := l.sources(v)
		if len(src) == 0 {
			continue
		}
		q := l.Q.Val.Row(v)
		switch n.kind {
		case dotScore:
			kernel.HeadDots(l.weights(v), q, l.KV.Val.Data, l.KV.Cols(), src, n.n1)
		case additiveScore:
			kernel.LeakyDots(l.weights(v), q, n.z.Val.Data, l.KV.Val.Data, l.KV.Cols(), src, n.n1)
		case splitScore:
			splitScores(l.weights(v), q, n.z.Val, src)
		}
	}
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
		expAll(l.weight.edges(l.CSR, s.lo, s.hi))
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

func expAll(x []Real) {
	for i, v := range x {
		x[i] = Real(math.Exp(float64(v)))
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
