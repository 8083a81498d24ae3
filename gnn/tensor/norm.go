package tensor

// LayerNorm brings every row to mean 0 and variance 1 (biased, plus eps), then scales
// by gamma and shifts by beta, each 1 x cols or nil (Ba, Kiros and Hinton, 2016).
func (t *Tape) LayerNorm(x, gamma, beta *Var, eps Real) *Var {
	gamma, beta = t.affine(x, gamma, beta)
	n := t.node(t.raw(x.Rows(), x.Cols()), layerNormBack, x, gamma, beta)
	n.r1 = eps
	n.aux = t.raw(x.Rows(), 2) // mean and 1/deviation of each row
	t.run(x.Rows(), rowGrain(x.Cols()), n, layerNormBlock)
	return n.out
}

// affine fills in the identity for a missing scale or shift.
func (t *Tape) affine(x, gamma, beta *Var) (*Var, *Var) {
	if gamma == nil {
		m := t.raw(1, x.Cols())
		for j := range m.Data {
			m.Data[j] = 1
		}
		gamma = t.Const(m)
	}
	if beta == nil {
		beta = t.Const(t.Alloc(1, x.Cols()))
	}
	wantRow(gamma, x.Cols(), "scale")
	wantRow(beta, x.Cols(), "shift")
	return gamma, beta
}

func layerNormBlock(n *node, s span) {
	for i := s.lo; i < s.hi; i++ {
		x := n.x.Val.Row(i)
		mean, r := rowMoments(x, n.r1)
		n.aux.Set(i, 0, mean)
		n.aux.Set(i, 1, r)
		normRow(n.out.Val.Row(i), x, n.y.Val.Data, n.z.Val.Data, mean, r)
	}
}

// sum adds up x in four interleaved sums, which do not wait for one another.
func sum(x []Real) Real {
	var s0, s1, s2, s3 Real
	for len(x) >= 4 {
		s0 += x[0]
		s1 += x[1]
		s2 += x[2]
		s3 += x[3]
		x = x[4:]
	}
	for _, v := range x {
		s0 += v
	}
	return (s0 + s1) + (s2 + s3)
}

// spread is the sum of squared distances from mean.
func spread(x []Real, mean Real) Real {
	var s0, s1, s2, s3 Real
	for len(x) >= 4 {
		d0, d1, d2, d3 := x[0]-mean, x[1]-mean, x[2]-mean, x[3]-mean
		s0 += d0 * d0
		s1 += d1 * d1
		s2 += d2 * d2
		s3 += d3 * d3
		x = x[4:]
	}
	for _, v := range x {
		s0 += (v - mean) * (v - mean)
	}
	return (s0 + s1) + (s2 + s3)
}

// layerNormBack, with h the normalised row and u = g gamma:
// dx = (u - mean(u) - h mean(u h)) / deviation, dgamma = sum of g h, dbeta = sum of g.
func layerNormBack(t *Tape, n *node) {
	cols := n.x.Cols()
	grain := rowGrain(cols)
	if n.x.needs {
		n.a, n.add = t.into(n.x)
	}
	n.part = t.reals.take(2 * blocks(n.x.Rows(), grain) * cols)
	t.run(n.x.Rows(), grain, n, layerNormBackBlock)
	t.sendHalves(n)
}

// sendHalves adds partial sums, each block holding those of the scale y and then
// those of the shift z, to the gradients of both.
func (t *Tape) sendHalves(n *node) {
	cols := n.y.Cols()
	both := t.raw(1, 2*cols)
	t.total(both, n.part, false)
	t.send(n.y, Mat{1, cols, both.Data[:cols]}, 1)
	t.send(n.z, Mat{1, cols, both.Data[cols:]}, 1)
}

func layerNormBackBlock(n *node, s span) {
	cols := n.x.Cols()
	part := n.part[2*s.block*cols:][:2*cols]
	clear(part)
	dgamma, dbeta := part[:cols], part[cols:]
	gamma := n.y.Val.Data[:cols]
	inv := 1 / Real(cols)
	for i := s.lo; i < s.hi; i++ {
		x, g := n.x.Val.Row(i)[:cols], n.out.grad.Row(i)[:cols]
		mean, r := n.aux.At(i, 0), n.aux.At(i, 1)
		if n.act != Identity {
			normActSlope(n, i, s.worker, g)
		}
		var s1, s2 Real
		for j, gj := range g {
			h := (x[j] - mean) * r
			dgamma[j] += gj * h
			dbeta[j] += gj
			u := gj * gamma[j]
			s1 += u
			s2 += u * h
		}
		if !n.x.needs {
			continue
		}
		s1, s2 = s1*inv, s2*inv
		dx := n.a.Row(i)[:cols]
		for j, gj := range g {
			h := (x[j] - mean) * r
			d := r * (gj*gamma[j] - s1 - h*s2)
			if n.add {
				d += dx[j]
			}
			dx[j] = d
		}
	}
}
