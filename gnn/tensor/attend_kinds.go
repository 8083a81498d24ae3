package tensor

import "fmt"

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

// splitScores is s[e,h] = leaky(from[src[e],h] + to[v,h]) for destinations s.lo to s.hi.
func splitScores(l *Attended, from Mat, s span) {
	for v := s.lo; v < s.hi; v++ {
		to, scores := l.Q.Val.Row(v), l.weights(v)
		for e, u := range l.sources(v) {
			row, f := scores[e*len(to):][:len(to)], from.Row(int(u))
			for h, x := range to {
				x += f[h]
				row[h] = max(x, leak*x)
			}
		}
	}
}

// splitQuery takes the slopes of destinations s.lo to s.hi through leaky and adds them
// up in dq, which may be nil.
func splitQuery(l *Attended, from Mat, dq []Real, s span) {
	for v := s.lo; v < s.hi; v++ {
		to, slopes := l.Q.Val.Row(v), l.slopes(v)
		for e, u := range l.sources(v) {
			row, f := slopes[e*len(to):][:len(to)], from.Row(int(u))
			for h, x := range to {
				if x+f[h] <= 0 {
					row[h] *= leak
				}
			}
		}
		if dq != nil {
			addPerHead(dq[(v-s.lo)*len(to):][:len(to)], slopes)
		}
	}
}
