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
		n.c = t.raw(t.pool.Threads(), n.n2)
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
	cols, heads := n.n2, n.n1
	g := n.out.grad
	for i := range n.lists {
		l := &n.lists[i]
		values, stride := n.values(l)
		for v := s.lo; v < s.hi; v++ {
			if src := l.sources(v); len(src) > 0 {
				kernel.HeadDots(l.slopes(v), g.Row(v)[i*cols:][:cols], values, stride, src, heads)
			}
		}
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
	heads := n.n1
	for v := s.lo; v < s.hi; v++ {
		var dq []Real
		if l.Q.needs {
			dq = l.dq.Row(v)
			if !l.addQ {
				clear(dq)
			}
		}
		src := l.sources(v)
		if len(src) == 0 {
			continue
		}
		switch {
		case n.kind == additiveScore:
			n.additiveQuery(l, dq, v, s)
		case n.kind == splitScore:
			splitQuery(l.slopes(v), dq, l.Q.Val.Row(v), n.z.Val, src)
		case dq != nil:
			kernel.GatherHeads(dq, l.KV.Val.Data, l.KV.Cols(), src, l.slopes(v), heads)
		}
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
	l, cols, heads := &n.lists[0], n.n2, n.n1
	for u := s.lo; u < s.hi; u++ {
		lo, hi := int(l.inv.ptr[u]), int(l.inv.ptr[u+1])
		dst := l.inv.dst[lo:hi]
		weights, slopes := l.weight.Data[lo*heads:hi*heads], l.slope.Data[lo*heads:hi*heads]
		if n.part != nil {
			addPerHead(n.part[u*heads:][:heads], slopes)
		}
		if !l.KV.needs {
			continue
		}
		dx := n.a.Row(u)
		if !n.add {
			clear(dx)
		}
		if lo == hi {
			continue
		}
		switch n.kind {
		case dotScore:
			kernel.GatherHeads(dx[:cols], l.Q.Val.Data, l.Q.Cols(), dst, slopes, heads)
			dx = dx[cols:]
		case additiveScore:
			n.additiveSource(dx, u, dst, slopes, s)
		}
		kernel.GatherHeads(dx, n.b.Data, n.b.Cols, dst, weights, heads)
	}
}
