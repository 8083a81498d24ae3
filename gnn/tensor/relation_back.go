package tensor

import "github.com/rowlink/rowlink/gnn/tensor/internal/kernel"

// relationBack goes the way of the forward pass against the edges: a source collects
// the gradients of its destinations, which are then multiplied by the transposed
// weights. The aggregates of the weight gradients are computed once more.
func relationBack(t *Tape, n *node) {
	g := n.out.grad
	if n.x != nil && n.x.needs {
		t.sendColumns(n.x, g, Mat{})
	}
	for i := range n.rels {
		r := &n.rels[i]
		if r.X.needs {
			t.prepareBack(r)
		}
		if r.W.needs {
			r.part = t.reals.take(blocks(g.Rows, sumRows) * r.W.Val.Len())
		}
	}
	t.run(len(n.rels)*blocks(g.Rows, sumRows), 1, n, relationWeightBlock)
	for i := range n.rels {
		if r := &n.rels[i]; r.W.needs {
			d, add := t.into(r.W)
			t.total(d, r.part, add)
		}
	}
	for i := range n.rels {
		if x := n.rels[i].X; x.needs && !n.sentBefore(i) {
			m := t.scratch()
			m.rels, m.x, m.b, m.c, m.idx, m.n1 = n.rels[i:], x, g, n.c, n.idx, n.n1
			m.a, m.add = t.into(x)
			t.run(x.Rows(), relationRows, m, relationSourceBlock)
		}
	}
}

// sentBefore says whether a relation before i has the same sources.
func (n *node) sentBefore(i int) bool {
	for k := range i {
		if n.rels[k].X == n.rels[i].X {
			return true
		}
	}
	return false
}

// prepareBack turns the edges and the weights of a relation around.
func (t *Tape) prepareBack(r *Relation) {
	r.turn = t.raw(r.W.Cols(), r.W.Rows())
	for i := range r.W.Rows() {
		for j, v := range r.W.Val.Row(i) {
			r.turn.Data[j*r.turn.Cols+i] = v
		}
	}
	if r.CSR.Ptr == nil {
		return
	}
	r.inv = t.invert(r.CSR.Ptr, r.CSR.Src, r.X.Rows())
	if r.Weight == nil && !r.Mean {
		return
	}
	r.share = t.reals.take(r.CSR.Edges())
	n := t.scratch()
	n.rels, n.part = t.Relations(1), r.share
	n.rels[0] = *r
	t.run(len(r.share), flatGrain, n, shareBlock)
}

// shareBlock computes what part of its source's row each edge carries.
func shareBlock(n *node, s span) {
	r := &n.rels[0]
	for k := s.lo; k < s.hi; k++ {
		v := Real(1)
		if r.Weight != nil {
			v = r.Weight[r.inv.edge[k]]
		}
		if r.Mean {
			d := r.inv.dst[k]
			v /= Real(r.CSR.Ptr[d+1] - r.CSR.Ptr[d])
		}
		n.part[k] = v
	}
}

// relationWeightBlock computes the weight gradient of one relation over one stretch
// of destinations.
func relationWeightBlock(n *node, s span) {
	g := n.out.grad
	stretches := blocks(g.Rows, sumRows)
	r := &n.rels[s.block/stretches]
	if !r.W.needs {
		return
	}
	w, part := r.W.Val, s.block%stretches
	sum := r.part[part*w.Len():][:w.Len()]
	clear(sum)
	end := min((part+1)*sumRows, g.Rows)
	for lo := part * sumRows; lo < end; lo += relationRows {
		hi := min(lo+relationRows, end)
		if r.CSR.Ptr == nil {
			kernel.TN(w.Rows, w.Cols, hi-lo, r.X.Val.Data[lo*w.Rows:], w.Rows, g.Data[lo*w.Cols:], w.Cols, sum, w.Cols, true)
			continue
		}
		sums, grads, at := n.space(s.worker, w.Rows, w.Cols)
		m := r.reduce(lo, hi, sums, at)
		for i, v := range at[:m] {
			copy(grads.Row(i), g.Row(lo+int(v)))
		}
		kernel.TN(w.Rows, w.Cols, m, sums.Data, w.Rows, grads.Data, w.Cols, sum, w.Cols, true)
	}
}

// relationSourceBlock computes the gradient of one block of the sources n.x over all
// relations that start there; n.b is the gradient of the result.
func relationSourceBlock(n *node, s span) {
	dx := n.a.slice(s.lo, s.hi)
	if !n.add {
		clear(dx.Data)
	}
	for i := range n.rels {
		r := &n.rels[i]
		if r.X != n.x {
			continue
		}
		w := r.turn
		if r.CSR.Ptr == nil {
			if rows := min(s.hi, n.b.Rows) - s.lo; rows > 0 {
				kernel.NN(rows, w.Cols, w.Rows, n.b.Data[s.lo*w.Rows:], w.Rows, w.Data, w.Cols, dx.Data, w.Cols, true)
			}
			continue
		}
		sums, products, at := n.space(s.worker, w.Rows, w.Cols)
		m := r.collect(s.lo, s.hi, n.b, sums, at)
		addProducts(dx, sums, w, products, at[:m])
	}
}

// collect stores what each source lo to hi that has edges gets from the gradient g of
// its destinations, as reduce does for destinations.
func (r *Relation) collect(lo, hi int, g, sums Mat, at []int32) int {
	return rowsWithEdges(r.inv.ptr[lo:hi+1], at, func(m, u, end int) {
		ptr, dst := r.inv.ptr[lo+u:lo+end+1], sums.Data[m*sums.Cols:(m+end-u)*sums.Cols]
		if r.share == nil {
			kernel.SegmentSum(dst, g.Data, g.Cols, ptr, r.inv.dst, kernel.Store)
		} else {
			kernel.SegmentMix(dst, g.Data, g.Cols, ptr, r.inv.dst, r.share, 1, kernel.Store)
		}
	})
}
