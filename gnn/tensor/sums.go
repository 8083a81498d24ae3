package tensor

// SumRows adds up the rows of x: 1 x cols.
func (t *Tape) SumRows(x *Var) *Var {
	n := t.node(t.raw(1, x.Cols()), sumRowsBack, x)
	n.b = x.Val
	grain := rowGrain(x.Cols())
	n.part = t.reals.take(blocks(x.Rows(), grain) * x.Cols())
	t.run(x.Rows(), grain, n, columnsBlock)
	t.total(n.out.Val, n.part, false)
	return n.out
}

func sumRowsBack(t *Tape, n *node) {
	n.a, n.add = t.into(n.x)
	t.run(n.x.Rows(), rowGrain(n.x.Cols()), n, sumRowsBackBlock)
}

func sumRowsBackBlock(n *node, s span) {
	for i := s.lo; i < s.hi; i++ {
		dst := n.a.Row(i)
		for j, g := range n.out.grad.Data {
			if n.add {
				g += dst[j]
			}
			dst[j] = g
		}
	}
}

// SumAll is the sum of all elements, 1x1, added up in double precision.
func (t *Tape) SumAll(x *Var) *Var { return t.sumAll(x, 1) }

// MeanAll is the mean of all elements, 1x1; 0 of an empty matrix.
func (t *Tape) MeanAll(x *Var) *Var { return t.sumAll(x, 1/Real(max(x.Val.Len(), 1))) }

func (t *Tape) sumAll(x *Var, r Real) *Var {
	n := t.node(t.raw(1, 1), sumAllBack, x)
	n.r1 = r
	n.sums = t.sums.take(blocks(x.Val.Len(), flatGrain))
	t.run(x.Val.Len(), flatGrain, n, sumAllBlock)
	n.out.Val.Data[0] = Real(inOrder(n.sums) * float64(r))
	return n.out
}

// inOrder adds up the sums of the blocks.
func inOrder(sums []float64) float64 {
	var total float64
	for _, v := range sums {
		total += v
	}
	return total
}

func sumAllBlock(n *node, s span) {
	var total float64
	for _, v := range n.x.Val.Data[s.lo:s.hi] {
		total += float64(v)
	}
	n.sums[s.block] = total
}

func sumAllBack(t *Tape, n *node) {
	n.a, n.add = t.into(n.x)
	t.run(n.a.Len(), flatGrain, n, sumAllBackBlock)
}

func sumAllBackBlock(n *node, s span) {
	g := n.r1 * n.out.grad.Data[0]
	dst := n.a.Data[s.lo:s.hi]
	for i := range dst {
		if n.add {
			dst[i] += g
		} else {
			dst[i] = g
		}
	}
}
