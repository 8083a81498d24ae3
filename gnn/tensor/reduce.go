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
	for i := s.lo; i < s.hi; i++ {
		src := n.csr.Src[n.csr.Ptr[i]:n.csr.Ptr[i+1]]
		dst := n.out.Val.Row(i)
		clear(dst)
		kernel.GatherSum(dst, n.x.Val.Data, n.x.Cols(), src)
		if n.kind == int(Mean) && len(src) > 1 {
			scale(dst, 1/Real(len(src)))
		}
	}
}

func scale(x []Real, r Real) {
	for j := range x {
		x[j] *= r
	}
}

func gatherMaxBlock(n *node, s span) {
	cols := n.x.Cols()
	for i := s.lo; i < s.hi; i++ {
		dst, arg := n.out.Val.Row(i), n.arg[i*cols:][:cols]
		lo, hi := n.csr.Ptr[i], n.csr.Ptr[i+1]
		if lo == hi {
			clear(dst)
			continue
		}
		copy(dst, n.x.Val.Row(int(n.csr.Src[lo])))
		for j := range arg {
			arg[j] = lo
		}
		for e := lo + 1; e < hi; e++ {
			row := n.x.Val.Row(int(n.csr.Src[e]))[:len(dst)]
			for j, v := range row {
				if v > dst[j] == (n.kind == int(Max)) && v != dst[j] {
					dst[j], arg[j] = v, e
				}
			}
		}
	}
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
			scale(n.out.grad.Row(i), 1/Real(d))
		}
	}
}

func gatherSumBackBlock(n *node, s span) {
	for r := s.lo; r < s.hi; r++ {
		dst := n.a.Row(r)
		if !n.add {
			clear(dst)
		}
		kernel.GatherSum(dst, n.out.grad.Data, n.a.Cols, n.inv.dst[n.inv.ptr[r]:n.inv.ptr[r+1]])
	}
}

func gatherMaxBackBlock(n *node, s span) {
	cols := n.a.Cols
	for r := s.lo; r < s.hi; r++ {
		dst := n.a.Row(r)
		if !n.add {
			clear(dst)
		}
		for k := n.inv.ptr[r]; k < n.inv.ptr[r+1]; k++ {
			e, i := n.inv.edge[k], int(n.inv.dst[k])
			g, arg := n.out.grad.Row(i), n.arg[i*cols:][:cols]
			for j, from := range arg {
				if from == e {
					dst[j] += g[j]
				}
			}
		}
	}
}
