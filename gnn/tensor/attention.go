package tensor

import (
	"fmt"
	"math"

	"github.com/rowlink/rowlink/gnn/tensor/internal/kernel"
)

// Attention over edges. A matrix of edges x heads holds one number per edge and head,
// in the order of the CSR; a matrix of cols columns is read as heads of cols/heads
// columns each. Three loops do all the work, forward and backward:
// weightedBlock (destinations collect), collectBlock (sources collect) and dotBlock.

func headWidth(what string, cols, heads int) int {
	if heads < 1 || cols%heads != 0 {
		panic(fmt.Sprintf("tensor: %s of %d columns with %d heads", what, cols, heads))
	}
	return cols / heads
}

// SegmentSoftmax is the softmax of scores, edges x heads, over the edges of each
// destination, per head.
func (t *Tape) SegmentSoftmax(scores *Var, csr CSR) *Var {
	wantEdges("scores", scores, csr)
	n := t.node(t.raw(scores.Rows(), scores.Cols()), segmentSoftmaxBack, scores)
	n.csr = csr
	t.run(csr.Rows(), edgeGrain, n, segmentSoftmaxBlock)
	return n.out
}

func wantEdges(what string, v *Var, csr CSR) {
	if v.Rows() != csr.Edges() {
		panic(fmt.Sprintf("tensor: %s of %s for %d edges", what, v.Val.shape(), csr.Edges()))
	}
}

func segmentSoftmaxBlock(n *node, s span) {
	heads := n.x.Cols()
	x, y := n.x.Val.Data, n.out.Val.Data
	for i := s.lo; i < s.hi; i++ {
		lo, hi := int(n.csr.Ptr[i])*heads, int(n.csr.Ptr[i+1])*heads
		for h := range heads {
			top := math.Inf(-1)
			for e := lo + h; e < hi; e += heads {
				top = max(top, float64(x[e]))
			}
			var total float64
			for e := lo + h; e < hi; e += heads {
				v := math.Exp(float64(x[e]) - top)
				y[e] = Real(v)
				total += v
			}
			for e := lo + h; e < hi; e += heads {
				y[e] = Real(float64(y[e]) / total)
			}
		}
	}
}

func segmentSoftmaxBack(t *Tape, n *node) {
	n.a, n.add = t.into(n.x)
	t.run(n.csr.Rows(), edgeGrain, n, segmentSoftmaxBackBlock)
}

func segmentSoftmaxBackBlock(n *node, s span) {
	heads := n.x.Cols()
	y, g, dx := n.out.Val.Data, n.out.grad.Data, n.a.Data
	for i := s.lo; i < s.hi; i++ {
		lo, hi := int(n.csr.Ptr[i])*heads, int(n.csr.Ptr[i+1])*heads
		for h := range heads {
			var dot Real
			for e := lo + h; e < hi; e += heads {
				dot += y[e] * g[e]
			}
			for e := lo + h; e < hi; e += heads {
				d := y[e] * (g[e] - dot)
				if n.add {
					d += dx[e]
				}
				dx[e] = d
			}
		}
	}
}

// AttentionSum is, for every destination, the sum over its edges e of alpha[e,h] times
// head h of the source's row of x. alpha is edges x heads; the result is
// destinations x cols. Messages are never stored.
func (t *Tape) AttentionSum(x, alpha *Var, csr CSR) *Var {
	wantEdges("edge weights", alpha, csr)
	headWidth("attention sum", x.Cols(), alpha.Cols())
	n := t.node(t.raw(csr.Rows(), x.Cols()), attentionSumBack, x, alpha)
	n.csr = t.edges(csr, x.Rows())
	n.a, n.b, n.c = n.out.Val, x.Val, alpha.Val
	t.run(csr.Rows(), edgeGrain, n, weightedBlock)
	return n.out
}

func attentionSumBack(t *Tape, n *node) {
	if n.x.needs {
		t.collect(n.x, n.out.grad, n.y.Val, n.csr)
	}
	if n.y.needs {
		d := t.scratch()
		d.csr, d.b, d.c, d.r1 = n.csr, n.out.grad, n.x.Val, 1
		d.a, d.add = t.into(n.y)
		t.run(n.csr.Rows(), edgeGrain, d, dotBlock)
	}
}

// AttentionScores is, for every edge and head, r times the inner product of the
// destination's row of q and the source's row of k: edges x heads.
func (t *Tape) AttentionScores(q, k *Var, csr CSR, heads int, r Real) *Var {
	if q.Cols() != k.Cols() || q.Rows() != csr.Rows() {
		panic(fmt.Sprintf("tensor: attention scores of %s against %s for %d destinations", q.Val.shape(), k.Val.shape(), csr.Rows()))
	}
	headWidth("attention scores", q.Cols(), heads)
	n := t.node(t.raw(csr.Edges(), heads), attentionScoresBack, q, k)
	n.csr = t.edges(csr, k.Rows())
	n.a, n.b, n.c, n.r1 = n.out.Val, q.Val, k.Val, r
	t.run(csr.Rows(), edgeGrain, n, dotBlock)
	return n.out
}

func attentionScoresBack(t *Tape, n *node) {
	scale(n.out.grad.Data, n.r1)
	if n.x.needs {
		d := t.scratch()
		d.csr, d.b, d.c = n.csr, n.y.Val, n.out.grad
		d.a, d.add = t.into(n.x)
		t.run(n.csr.Rows(), edgeGrain, d, weightedBlock)
	}
	if n.y.needs {
		t.collect(n.y, n.x.Val, n.out.grad, n.csr)
	}
}

// weightedBlock is a[i] = sum over the edges e of i of c[e,h] b[source of e], per head.
func weightedBlock(n *node, s span) {
	cols, heads := n.a.Cols, n.c.Cols
	width := cols / heads
	for i := s.lo; i < s.hi; i++ {
		lo, hi := int(n.csr.Ptr[i]), int(n.csr.Ptr[i+1])
		dst := n.a.Row(i)
		if !n.add {
			clear(dst)
		}
		for h := range heads {
			gatherAxpy(dst[h*width:][:width], n.b, h*width, n.csr.Src[lo:hi], n.c, lo*heads+h)
		}
	}
}

// gatherAxpy adds rows of x, from column at on, weighted by every heads-th element of w.
func gatherAxpy(dst []Real, x Mat, at int, rows []int32, w Mat, first int) {
	if len(rows) > 0 {
		kernel.GatherAxpy(dst, x.Data[at:], x.Cols, rows, w.Data[first:], w.Cols)
	}
}

// collect adds, for every source, the sum over its edges e of w[e,h] times head h of
// the destination's row of g to the gradient of v.
func (t *Tape) collect(v *Var, g, w Mat, csr CSR) {
	n := t.scratch()
	n.inv = t.invert(csr.Ptr, csr.Src, v.Rows())
	n.b = g
	n.c = t.raw(w.Rows, w.Cols) // the weights in the order of the inverse
	n.aux = w
	t.run(w.Rows, rowGrain(w.Cols), n, permuteBlock)
	n.a, n.add = t.into(v)
	t.run(v.Rows(), edgeGrain, n, collectBlock)
}

func permuteBlock(n *node, s span) {
	for k := s.lo; k < s.hi; k++ {
		copy(n.c.Row(k), n.aux.Row(int(n.inv.edge[k])))
	}
}

func collectBlock(n *node, s span) {
	cols, heads := n.a.Cols, n.c.Cols
	width := cols / heads
	for r := s.lo; r < s.hi; r++ {
		lo, hi := int(n.inv.ptr[r]), int(n.inv.ptr[r+1])
		dst := n.a.Row(r)
		if !n.add {
			clear(dst)
		}
		for h := range heads {
			gatherAxpy(dst[h*width:][:width], n.b, h*width, n.inv.dst[lo:hi], n.c, lo*heads+h)
		}
	}
}

// dotBlock is a[e,h] = r1 times the inner product of head h of row b[destination of e]
// and row c[source of e].
func dotBlock(n *node, s span) {
	heads := n.a.Cols
	width := n.b.Cols / heads
	for i := s.lo; i < s.hi; i++ {
		q := n.b.Row(i)
		for e := int(n.csr.Ptr[i]); e < int(n.csr.Ptr[i+1]); e++ {
			k, dst := n.c.Row(int(n.csr.Src[e])), n.a.Row(e)
			for h := range heads {
				d := n.r1 * kernel.Dot(q[h*width:][:width], k[h*width:][:width])
				if n.add {
					d += dst[h]
				}
				dst[h] = d
			}
		}
	}
}
