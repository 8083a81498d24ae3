package tensor

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/tensor/internal/kernel"
)

// AttendAdditive is the attention of GATv2 (Brody et al., 2022), rows x heads*width:
//
//	s[e,h] = att_h . leaky(x[u]_h + q[v]_h)   over every edge e = u -> v
//	out[v]_h = sum of softmax(s[.,h])[e] x[u]_h
//
// leaky has slope 0.2. x is sources x heads*width, q destinations x heads*width, att
// 1 x heads*width. Only the weights are kept, per edge and head.
func (t *Tape) AttendAdditive(x, q, att *Var, csr CSR, heads int) *Var {
	wantRow(att, x.Cols(), "attention")
	if q.Cols() != x.Cols() || q.Rows() < csr.Rows() {
		panic(fmt.Sprintf("tensor: additive attention of %s to %s for %d destinations", q.Val.shape(), x.Val.shape(), csr.Rows()))
	}
	headWidth("additive attention", x.Cols(), heads)
	return t.attend(csr.Rows(), heads, x.Cols(), additiveScore, att, t.oneList(x, q, csr))
}

func (t *Tape) oneList(x, q *Var, csr CSR) []Attended {
	l := t.Attendeds(1)
	l[0].KV, l[0].Q, l[0].CSR = x, q, csr
	return l
}

// additiveQuery adds to dq what the scores of destination v's edges say of it, and to
// the block's partial sum what they say of att.
func (n *node) additiveQuery(l *Attended, dq []Real, v int, s span) {
	sum := n.c.Row(s.worker)
	clear(sum)
	kernel.LeakySlopes(sum, n.part[s.block*n.n2:][:n.n2], l.slopes(v), l.Q.Val.Row(v), l.KV.Val.Data, l.KV.Cols(), l.sources(v), n.n1)
	if dq != nil {
		addProduct(dq, sum, n.z.Val.Data)
	}
}

// additiveSource adds to dx what the scores of the edges from source u say of it.
func (n *node) additiveSource(dx []Real, u int, dst []int32, slopes []Real, s span) {
	l, sum := &n.lists[0], n.c.Row(s.worker)
	clear(sum)
	kernel.LeakySlopes(sum, nil, slopes, l.KV.Val.Row(u), l.Q.Val.Data, l.Q.Cols(), dst, n.n1)
	addProduct(dx, sum, n.z.Val.Data)
}

func addProduct(dst, x, y []Real) {
	x, y = x[:len(dst)], y[:len(dst)]
	for j := range dst {
		dst[j] += x[j] * y[j]
	}
}

// AttendSplit is the attention of GAT (Velickovic et al., 2018), rows x heads*width:
//
//	s[e,h] = leaky(from[u,h] + to[v,h])       over every edge e = u -> v
//	out[v]_h = sum of softmax(s[.,h])[e] x[u]_h
//
// leaky has slope 0.2. x is sources x heads*width, from sources x heads, to
// destinations x heads.
func (t *Tape) AttendSplit(x, from, to *Var, csr CSR, heads int) *Var {
	if from.Cols() != heads || from.Rows() != x.Rows() || to.Cols() != heads || to.Rows() < csr.Rows() {
		panic(fmt.Sprintf("tensor: attention scores of %s and %s for sources of %s and %d destinations, want %d heads",
			from.Val.shape(), to.Val.shape(), x.Val.shape(), csr.Rows(), heads))
	}
	headWidth("attention", x.Cols(), heads)
	return t.attend(csr.Rows(), heads, x.Cols(), splitScore, from, t.oneList(x, to, csr))
}

// splitScores is s[e,h] = leaky(from[src[e],h] + to[h]).
func splitScores(s, to []Real, from Mat, src []int32) {
	for e, u := range src {
		row := s[e*len(to):][:len(to)]
		f := from.Row(int(u))
		for h, x := range to {
			x += f[h]
			row[h] = max(x, leak*x)
		}
	}
}

// splitQuery takes the slopes through leaky and adds them up for the destination.
func splitQuery(slopes, dq, to []Real, from Mat, src []int32) {
	for e, u := range src {
		row := slopes[e*len(to):][:len(to)]
		f := from.Row(int(u))
		for h, x := range to {
			if x+f[h] <= 0 {
				row[h] *= leak
			}
			if dq != nil {
				dq[h] += row[h]
			}
		}
	}
}
