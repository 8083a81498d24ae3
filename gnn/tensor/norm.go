package tensor

import "github.com/rowlink/rowlink/gnn/tensor/internal/kernel"

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

func layerNormBlock(n *node, s span) { kernel.NormRows(n.normOf(s)) }

// normOf are the arguments of the kernels for a block of rows.
func (n *node) normOf(s span) kernel.Norm {
	return kernel.Norm{
		Cols: n.x.Cols(), Dst: n.out.Val.slice(s.lo, s.hi).Data, X: n.x.Val.slice(s.lo, s.hi).Data,
		Gamma: n.y.Val.Data, Beta: n.z.Val.Data, Stats: n.aux.slice(s.lo, s.hi).Data, Eps: n.r1,
	}
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
	k := n.normOf(s)
	k.G, k.DGamma, k.DBeta = n.out.grad.slice(s.lo, s.hi).Data, part[:cols], part[cols:]
	if n.x.needs {
		k.DX, k.Add = n.a.slice(s.lo, s.hi).Data, n.add
	}
	switch n.act {
	case Identity:
	case ReLU:
		k.ReLU = true
	default:
		for i := s.lo; i < s.hi; i++ {
			normActSlope(n, i, s.worker)
		}
	}
	kernel.NormBack(k)
}
