package tensor

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/tensor/internal/kernel"
)

// Reduce is how a destination combines the rows of its sources.
type Reduce int

// The reductions. A destination without sources gets zeros.
const (
	Sum Reduce = iota
	Mean
	Max // of equal values the first edge gets the gradient
	Min
)

// String returns the name.
func (r Reduce) String() string { return [...]string{"sum", "mean", "max", "min"}[r] }

// edgeGrain is the block of loops over destinations or sources.
const edgeGrain = 64

// GatherReduce combines, for every destination, the rows of x that its edges come
// from; messages are never stored. The result is destinations x cols.
func (t *Tape) GatherReduce(x *Var, csr CSR, kind Reduce) *Var {
	n := t.node(t.raw(csr.Rows(), x.Cols()), gatherReduceBack, x)
	n.csr, n.kind = t.edges(csr, x.Rows()), int(kind)
	switch kind {
	case Sum, Mean:
		if x.stored != nil {
			t.widen(n, 1)
			break
		}
		t.run(csr.Rows(), edgeGrain, n, gatherSumBlock)
	case Max, Min:
		n.arg = t.ints.take(n.out.Val.Len()) // the edge that each cell took
		t.run(csr.Rows(), edgeGrain, n, gatherMaxBlock)
	default:
		panic(fmt.Sprintf("tensor: reduction %d, want Sum, Mean, Max or Min", kind))
	}
	return n.out
}

func gatherSumBlock(n *node, s span) {
	mode := kernel.Store
	if n.kind == int(Mean) {
		mode = kernel.MeanOf
	}
	kernel.SegmentSum(n.out.Val.slice(s.lo, s.hi).Data, n.x.Val.Data, n.x.Cols(), n.csr.Ptr[s.lo:s.hi+1], n.csr.Src, mode)
}

func gatherMaxBlock(n *node, s span) {
	mode, cols := kernel.Store, n.x.Cols()
	if n.kind == int(Min) {
		mode = kernel.Least
	}
	kernel.SegmentMax(n.out.Val.slice(s.lo, s.hi).Data, n.arg[s.lo*cols:s.hi*cols], n.x.Val.Data, cols,
		n.csr.Ptr[s.lo:s.hi+1], n.csr.Src, mode)
}

// mode says whether the operator's block functions store or add.
func (n *node) mode() kernel.Mode {
	if n.add {
		return kernel.AddTo
	}
	return kernel.Store
}

func gatherReduceBack(t *Tape, n *node) {
	n.inv = t.invert(n.csr.Ptr, n.csr.Src, n.x.Rows())
	n.a, n.add = t.into(n.x)
	if n.kind == int(Mean) {
		t.run(n.out.Rows(), edgeGrain, n, meanScaleBlock)
	}
	fn := gatherSumBackBlock
	if n.arg != nil {
		fn = gatherMaxBackBlock
	}
	t.run(n.x.Rows(), edgeGrain, n, fn)
}

// meanScaleBlock divides the gradient of each destination by its number of edges.
func meanScaleBlock(n *node, s span) {
	for i := s.lo; i < s.hi; i++ {
		if d := n.csr.Ptr[i+1] - n.csr.Ptr[i]; d > 1 {
			g := n.out.grad.Row(i)
			kernel.Scale(g, 1/Real(d), g)
		}
	}
}

func gatherSumBackBlock(n *node, s span) {
	kernel.SegmentSum(n.a.slice(s.lo, s.hi).Data, n.out.grad.Data, n.a.Cols, n.inv.ptr[s.lo:s.hi+1], n.inv.dst, n.mode())
}

func gatherMaxBackBlock(n *node, s span) {
	kernel.SegmentMaxBack(n.a.slice(s.lo, s.hi).Data, n.out.grad.Data, n.arg, n.a.Cols,
		n.inv.ptr[s.lo:s.hi+1], n.inv.dst, n.inv.edge, n.mode())
}

func scale(x []Real, r Real) { kernel.Scale(x, r, x) }
