package tensor

import "github.com/rowlink/rowlink/gnn/tensor/internal/kernel"

// attendBack runs twice over the edges: by destination for the gradient of the scores
// and of what destinations ask, then by source for that of keys and values.
func attendBack(t *Tape, n *node) {
	for i := range n.lists {
		l := &n.lists[i]
		l.slope = t.raw(l.weight.Rows, l.weight.Cols)
		if l.Q.needs {
			l.dq, l.addQ = t.into(l.Q)
			if l.Q.Rows() > n.out.Rows() && !l.addQ { // rows that no destination stands for
				clear(l.dq.Data[n.out.Rows()*l.dq.Cols:])
			}
		}
	}
	if n.kind == additiveScore {
		n.part = t.reals.take(blocks(n.out.Rows(), edgeGrain) * n.n2)
		n.c = t.Alloc(t.pool.Threads(), n.n2) // sums that nobody asks for
	}
	t.run(n.out.Rows(), edgeGrain, n, attendQueryBlock)
	if n.kind == additiveScore && n.z.needs {
		d, add := t.into(n.z)
		t.total(d, n.part, add)
	}
	for i := range n.lists {
		t.attendSources(n, i)
	}
}

// attendQueryBlock turns the gradient of the result into that of the scores and
// collects it for the destinations.
func attendQueryBlock(n *node, s span) {
	cols, g := n.n2, n.out.grad
	for i := range n.lists {
		l := &n.lists[i]
		a := n.heads(l, s)
		a.X, a.W = n.values(l), l.slope.Data
		a.Q, a.QStep = from(g.Data, s.lo*g.Cols+i*cols), g.Cols
		kernel.HeadDots(a)
	}
	n.softmaxBack(s)
	if n.kind == additiveScore {
		clear(n.part[s.block*cols:][:cols])
	}
	for i := range n.lists {
		n.queryBack(&n.lists[i], s)
	}
}

// softmaxBack turns the gradients of the weights into those of the scores.
func (n *node) softmaxBack(s span) {
	mean := n.aux.Row(s.worker)[:n.n1]
	for v := s.lo; v < s.hi; v++ {
		clear(mean)
		for i := range n.lists {
			l := &n.lists[i]
			w, d := l.weights(v), l.slopes(v)
			for e := 0; e < len(w); e += len(mean) {
				for h := range mean {
					mean[h] += w[e+h] * d[e+h]
				}
			}
		}
		for i := range n.lists {
			l := &n.lists[i]
			w, d := l.weights(v), l.slopes(v)
			for e := 0; e < len(w); e += len(mean) {
				for h, m := range mean {
					d[e+h] = w[e+h] * (d[e+h] - m)
				}
			}
		}
	}
}

// queryBack collects the gradient of what destinations s.lo to s.hi ask.
func (n *node) queryBack(l *Attended, s span) {
	a, q := n.heads(l, s), l.Q.Val
	a.W, a.RowStep = l.slope.Data, q.Cols
	if l.Q.needs {
		a.Row = l.dq.slice(s.lo, s.hi).Data
		if !l.addQ {
			clear(a.Row)
		}
	}
	switch n.kind {
	case dotScore:
		if a.Row != nil {
			kernel.GatherHeads(a)
		}
	case additiveScore:
		if a.Row == nil {
			a.Row, a.RowStep = n.c.Row(s.worker), 0
		}
		a.Q, a.QStep = from(q.Data, s.lo*q.Cols), q.Cols
		a.Att, a.AttSum = n.z.Val.Data, n.part[s.block*n.n2:][:n.n2]
		kernel.LeakySlopes(a)
	case splitScore:
		splitQuery(l, n.z.Val, a.Row, s)
	}
}

// attendSources collects the gradient of the sources of list i.
func (t *Tape) attendSources(n *node, i int) {
	l := &n.lists[i]
	keys := n.kind == splitScore && n.z.needs
	if !l.KV.needs && !keys {
		return
	}
	l.inv = t.invert(l.CSR.Ptr, l.CSR.Src, l.KV.Rows())
	m := t.scratch()
	m.kind, m.n1, m.n2, m.lists, m.z = n.kind, n.n1, n.n2, n.lists[i:i+1], n.z
	m.b = n.out.grad
	m.b.Data = from(m.b.Data, i*n.n2) // the list's columns of the result
	l.weight, l.slope = t.bySource(l.weight, l.inv), t.bySource(l.slope, l.inv)
	if l.KV.needs {
		m.a, m.add = t.into(l.KV)
	}
	if keys {
		m.part = t.GradOf(n.z).Data
	}
	if n.kind == additiveScore {
		m.c = n.c
	}
	t.run(l.KV.Rows(), edgeGrain, m, attendSourceBlock)
}

// bySource returns the rows of w, one per edge, in the order of the inverse.
func (t *Tape) bySource(w Mat, inv inverse) Mat {
	n := t.scratch()
	n.c, n.aux, n.inv = t.raw(w.Rows, w.Cols), w, inv
	t.run(w.Rows, rowGrain(w.Cols), n, permuteBlock)
	return n.c
}

func attendSourceBlock(n *node, s span) {
	l, cols := &n.lists[0], n.n2
	if n.part != nil {
		for u := s.lo; u < s.hi; u++ {
			lo, hi := int(l.inv.ptr[u])*n.n1, int(l.inv.ptr[u+1])*n.n1
			addPerHead(n.part[u*n.n1:][:n.n1], l.slope.Data[lo:hi])
		}
	}
	if !l.KV.needs {
		return
	}
	row := n.a.slice(s.lo, s.hi).Data
	if !n.add {
		clear(row)
	}
	a := kernel.Heads{Heads: n.n1, Width: cols / n.n1, Ptr: l.inv.ptr[s.lo : s.hi+1], Src: l.inv.dst,
		X: l.Q.Val.Data, XStep: l.Q.Cols(), W: l.slope.Data, Row: row, RowStep: n.a.Cols}
	switch n.kind {
	case dotScore:
		kernel.GatherHeads(a)
		a.Row = from(row, cols)
	case additiveScore:
		a.Q, a.QStep = from(l.KV.Val.Data, s.lo*cols), cols
		a.Att, a.AttSum = n.z.Val.Data, n.c.Row(s.worker)
		kernel.LeakySlopes(a)
	}
	a.X, a.XStep, a.W = n.b.Data, n.b.Cols, l.weight.Data
	kernel.GatherHeads(a)
}
