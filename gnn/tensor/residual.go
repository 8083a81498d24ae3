package tensor

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/tensor/internal/kernel"
)

// ResidualBlock holds the parameters of a block of [Tape.Residual]; none may be nil.
type ResidualBlock struct {
	Gamma, Beta *Var // 1 x width
	Up, UpBias  *Var // width x hidden, 1 x hidden
	Down, Bias  *Var // hidden x width, 1 x width

	x, y     Mat    // its input and its result
	mid      Mat    // relu(norm(x) Up + UpBias), rows x hidden; kept in training only
	up, down []Real // the weights as the products read them; transposed on the way back
	part     []Real // partial sums of the gradients, one parameter after the other
}

// ResidualBlocks returns n empty blocks that live until the next Reset.
func (t *Tape) ResidualBlocks(n int) []ResidualBlock {
	b := t.residuals.take(n)
	clear(b)
	return b
}

func (b *ResidualBlock) params() [6]*Var {
	return [6]*Var{b.Up, b.Down, b.UpBias, b.Bias, b.Gamma, b.Beta}
}

func (b *ResidualBlock) want(i, width int) {
	if b.Up.Rows() != width || b.Down.Cols() != width || b.Up.Cols() != b.Down.Rows() {
		panic(fmt.Sprintf("tensor: residual block %d of %s and %s, want %d x hidden and hidden x %d", i, b.Up.Val.shape(), b.Down.Val.shape(), width, width))
	}
	wantRow(b.Gamma, width, "scale")
	wantRow(b.Beta, width, "shift")
	wantRow(b.UpBias, b.Up.Cols(), "bias")
	wantRow(b.Bias, width, "bias")
}

// Residual runs a chain of residual blocks with pre-normalisation (Xiong et al., 2020)
// over the rows of x, rows x width:
//
//	x = x + relu(norm(x) Up + UpBias) Down + Bias
//
// norm being [Tape.LayerNorm] with Gamma, Beta and 1e-5. Some rows at a time go through
// all blocks, so that every step but the first reads from the second-level cache. In
// training each block keeps its input and what lies between the products; the rest is
// computed again on the way back. The blocks must not change until the next Reset.
func (t *Tape) Residual(x *Var, blocks []ResidualBlock) *Var {
	if len(blocks) == 0 {
		return x
	}
	n := t.node(t.raw(x.Rows(), x.Cols()), residualBack, x)
	n.residuals = blocks
	for i := range blocks {
		b := &blocks[i]
		b.want(i, x.Cols())
		n.n1 = max(n.n1, b.Up.Cols())
		for _, p := range b.params() {
			t.below(n, p)
		}
	}
	n.add = t.Train && n.out.needs
	in := x.Val
	for i := range blocks {
		b := &blocks[i]
		b.x, b.y = in, n.out.Val
		if n.add {
			b.mid = t.raw(in.Rows, b.Up.Cols())
			if i+1 < len(blocks) {
				b.y = t.raw(in.Rows, in.Cols)
			}
		}
		b.up, b.down = t.packed(b.Up), t.packed(b.Down)
		in = b.y
	}
	n.n2 = residualRows(n.n1, x.Cols())
	n.c = t.residualSpace(n)
	t.run(x.Rows(), n.n2, n, residualRun)
	return n.out
}

// residualRows is how many rows go through the blocks at a time: with 128 columns 84,
// 43 KB per matrix beside 128 KB of weights.
func residualRows(hidden, width int) int { return min(productRows(hidden, width), 2*sliceRows) }

// residualSpace is for each worker the mean and deviation, the normalised rows, and the
// middle of n.n2 rows.
func (t *Tape) residualSpace(n *node) Mat {
	return t.raw(t.pool.Threads(), n.n2*(2+n.x.Cols()+n.n1))
}

// residualParts are worker's matrices for that many rows.
func (n *node) residualParts(worker, rows, hidden int) (stats []Real, norm, mid Mat) {
	s, width := n.c.Row(worker), n.x.Cols()
	stats, s = s[:2*rows], s[2*n.n2:]
	norm, s = Mat{rows, width, s[:rows*width]}, s[n.n2*width:]
	return stats, norm, Mat{rows, hidden, s[:rows*hidden]}
}

func residualRun(n *node, s span) {
	rows := s.hi - s.lo
	for i := range n.residuals {
		b := &n.residuals[i]
		stats, norm, mid := n.residualParts(s.worker, rows, b.Up.Cols())
		x, y := b.x.slice(s.lo, s.hi), b.y.slice(s.lo, s.hi)
		if n.add {
			mid = b.mid.slice(s.lo, s.hi)
		}
		kernel.NormRows(b.norm(norm, x, stats))
		p := rowsOfProduct(mid, norm, b.up, false, 0, rows)
		p.Bias, p.ReLU = b.UpBias.Val.Data, true
		kernel.Mul(p)
		inPlace := i > 0 && !n.add
		to := y
		if inPlace {
			to = norm
		}
		p = rowsOfProduct(to, mid, b.down, false, 0, rows)
		p.Bias = b.Bias.Val.Data
		kernel.Mul(p)
		if inPlace {
			kernel.Add(y.Data, to.Data)
		} else {
			kernel.Add(y.Data, x.Data)
		}
	}
}

func (b *ResidualBlock) norm(dst, x Mat, stats []Real) kernel.Norm {
	return kernel.Norm{Cols: x.Cols, Dst: dst.Data, X: x.Data, Gamma: b.Gamma.Val.Data, Beta: b.Beta.Val.Data, Stats: stats, Eps: normEps}
}

// residualBack turns the gradient of the result into that of x in place, stretch by
// stretch through all blocks. Weight gradients are summed over stretches as those of
// [Tape.Linear] are.
func residualBack(t *Tape, n *node) {
	g := n.out.grad
	stretch := stretchRows(g.Rows)
	parts := blocks(g.Rows, stretch)
	for i := range n.residuals {
		b := &n.residuals[i]
		b.up, b.down = t.pack(b.Up.Val, true), t.pack(b.Down.Val, true)
		total := 0
		for _, p := range b.params() {
			total += p.Val.Len()
		}
		b.part = t.reals.take(parts * total)
	}
	n.n2 = min(n.n2, sliceRows)
	n.c = t.residualSpace(n)
	t.run(g.Rows, stretch, n, residualBackRun)
	for i := range n.residuals {
		n.residuals[i].send(t, parts)
	}
	t.give(n.x, g)
}

func residualBackRun(n *node, s span) {
	stretches := blocks(n.out.grad.Rows, stretchRows(n.out.grad.Rows))
	for i := len(n.residuals) - 1; i >= 0; i-- {
		b := &n.residuals[i]
		sums := b.sums(s.block, stretches)
		for lo := s.lo; lo < s.hi; lo += n.n2 {
			b.backSlice(n, sums, lo, min(lo+n.n2, s.hi), s.worker, lo > s.lo)
		}
	}
}

// residualSums are one stretch's share of the gradients of a block.
type residualSums struct{ up, down, upBias, bias, norm []Real }

// sums returns those of a stretch, the vectors cleared: per parameter the shares of all
// stretches lie one behind the other; the scale's and the shift's lie side by side.
func (b *ResidualBlock) sums(stretch, stretches int) (s residualSums) {
	part := b.part
	next := func(size int) []Real {
		at := part[stretch*size:][:size]
		part = part[stretches*size:]
		return at
	}
	s.up, s.down = next(b.Up.Val.Len()), next(b.Down.Val.Len())
	s.upBias, s.bias, s.norm = next(b.Up.Cols()), next(b.Down.Cols()), next(2*b.Down.Cols())
	clear(s.upBias)
	clear(s.bias)
	clear(s.norm)
	return s
}

// send adds up the stretches.
func (b *ResidualBlock) send(t *Tape, stretches int) {
	part := b.part
	for _, p := range [4]*Var{b.Up, b.Down, b.UpBias, b.Bias} {
		size := stretches * p.Val.Len()
		if p.needs {
			d, add := t.into(p)
			t.total(d, part[:size], add)
		}
		part = part[size:]
	}
	n := t.scratch()
	n.y, n.z, n.part = b.Gamma, b.Beta, part
	t.sendHalves(n)
}

func (b *ResidualBlock) backSlice(n *node, sums residualSums, lo, hi, worker int, add bool) {
	rows := hi - lo
	stats, norm, slope := n.residualParts(worker, rows, b.Up.Cols())
	g, x, mid := n.out.grad.slice(lo, hi), b.x.slice(lo, hi), b.mid.slice(lo, hi)

	kernel.ColumnSums(sums.bias, g.Data, nil)
	kernel.Mul(rowsOfProduct(slope, g, b.down, false, 0, rows))
	kernel.ReLUBack(slope.Data, slope.Data, mid.Data, kernel.Store)
	tnSlice(sums.down, mid, g, 0, rows, add)

	k := b.norm(norm, x, stats)
	kernel.NormRows(k)
	kernel.ColumnSums(sums.upBias, slope.Data, nil)
	tnSlice(sums.up, norm, slope, 0, rows, add)

	kernel.Mul(rowsOfProduct(norm, slope, b.up, false, 0, rows)) // now the gradient of the norm
	k.Dst, k.G, k.DX, k.Add = nil, norm.Data, g.Data, true
	k.DGamma, k.DBeta = sums.norm[:x.Cols], sums.norm[x.Cols:]
	kernel.NormBack(k)
}
