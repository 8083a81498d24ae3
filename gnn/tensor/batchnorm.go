package tensor

import "math"

// BatchNorm brings every column to mean 0 and variance 1 (biased, plus eps) over the
// rows, then scales by gamma and shifts by beta, each 1 x cols or nil (Ioffe and
// Szegedy, 2015). It also returns the mean and the biased variance of each column, to
// update running values with; they live until the next Reset.
func (t *Tape) BatchNorm(x, gamma, beta *Var, eps Real) (out *Var, mean, variance []Real) {
	gamma, beta = t.affine(x, gamma, beta)
	n := t.node(t.raw(x.Rows(), x.Cols()), batchNormBack, x, gamma, beta)
	cols := x.Cols()
	stats := t.Alloc(3, cols) // mean, variance, 1/deviation
	n.aux, n.b = stats, x.Val
	if x.Rows() > 0 {
		n.kind = 0
		t.columnMoments(n, stats.Row(0))
		n.kind = 1
		t.columnMoments(n, stats.Row(1))
	}
	for j, v := range stats.Row(1) {
		stats.Set(2, j, 1/Real(math.Sqrt(float64(v+eps))))
	}
	t.run(x.Rows(), rowGrain(cols), n, batchNormBlock)
	return n.out, stats.Row(0), stats.Row(1)
}

// columnMoments stores the mean of each column (kind 0), or the mean square distance
// from the mean in aux (kind 1).
func (t *Tape) columnMoments(n *node, dst []Real) {
	grain := rowGrain(len(dst))
	n.part = t.reals.take(blocks(n.b.Rows, grain) * len(dst))
	t.run(n.b.Rows, grain, n, momentsBlock)
	t.total(Mat{1, len(dst), dst}, n.part, false)
	for j := range dst {
		dst[j] /= Real(n.b.Rows)
	}
}

func momentsBlock(n *node, s span) {
	part := n.part[s.block*n.b.Cols:][:n.b.Cols]
	clear(part)
	mean := n.aux.Row(0)
	for i := s.lo; i < s.hi; i++ {
		for j, v := range n.b.Row(i) {
			if n.kind == 1 {
				v -= mean[j]
				v *= v
			}
			part[j] += v
		}
	}
}

func batchNormBlock(n *node, s span) {
	mean, r := n.aux.Row(0), n.aux.Row(2)
	gamma, beta := n.y.Val.Data, n.z.Val.Data
	for i := s.lo; i < s.hi; i++ {
		out := n.out.Val.Row(i)
		for j, v := range n.x.Val.Row(i) {
			out[j] = (v-mean[j])*r[j]*gamma[j] + beta[j]
		}
	}
}

// batchNormBack, with h the normalised column:
// dx = gamma (g - mean(g) - h mean(g h)) / deviation, over the rows.
func batchNormBack(t *Tape, n *node) {
	cols := n.x.Cols()
	grain := rowGrain(cols)
	n.part = t.reals.take(2 * blocks(n.x.Rows(), grain) * cols)
	t.run(n.x.Rows(), grain, n, batchNormSumsBlock)
	t.sendHalves(n)
	if n.x.needs {
		n.c = t.raw(1, 2*cols) // sums of g h, then of g
		t.total(n.c, n.part, false)
		n.a, n.add = t.into(n.x)
		t.run(n.x.Rows(), grain, n, batchNormBackBlock)
	}
}

func batchNormSumsBlock(n *node, s span) {
	cols := n.x.Cols()
	part := n.part[2*s.block*cols:][:2*cols]
	clear(part)
	mean, r := n.aux.Row(0), n.aux.Row(2)
	for i := s.lo; i < s.hi; i++ {
		x := n.x.Val.Row(i)
		for j, g := range n.out.grad.Row(i) {
			part[j] += g * (x[j] - mean[j]) * r[j]
			part[cols+j] += g
		}
	}
}

func batchNormBackBlock(n *node, s span) {
	cols := n.x.Cols()
	mean, r, gamma := n.aux.Row(0), n.aux.Row(2), n.y.Val.Data
	inv := 1 / Real(n.x.Rows())
	for i := s.lo; i < s.hi; i++ {
		x, dx := n.x.Val.Row(i), n.a.Row(i)
		for j, g := range n.out.grad.Row(i) {
			h := (x[j] - mean[j]) * r[j]
			d := gamma[j] * r[j] * (g - n.c.Data[cols+j]*inv - h*n.c.Data[j]*inv)
			if n.add {
				d += dx[j]
			}
			dx[j] = d
		}
	}
}
