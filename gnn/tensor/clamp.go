package tensor

// Clamp cuts values off at -limit and +limit; beyond them the gradient is 0.
func (t *Tape) Clamp(x *Var, limit Real) *Var {
	n := t.node(t.raw(x.Rows(), x.Cols()), clampBack, x)
	n.r1 = limit
	t.run(x.Val.Len(), flatGrain, n, clampBlock)
	return n.out
}

func clampBlock(n *node, s span) {
	out := n.out.Val.Data[s.lo:s.hi]
	for i, v := range n.x.Val.Data[s.lo:s.hi] {
		out[i] = max(-n.r1, min(n.r1, v))
	}
}

func clampBack(t *Tape, n *node) {
	n.a, n.add = t.into(n.x)
	t.run(n.x.Val.Len(), flatGrain, n, clampBackBlock)
}

func clampBackBlock(n *node, s span) {
	dx, g := n.a.Data[s.lo:s.hi], n.out.grad.Data[s.lo:s.hi]
	for i, v := range n.x.Val.Data[s.lo:s.hi] {
		var d Real
		if v > -n.r1 && v < n.r1 {
			d = g[i]
		}
		if n.add {
			d += dx[i]
		}
		dx[i] = d
	}
}
