package tensor

import "github.com/rowlink/rowlink/gnn/tensor/internal/kernel"

// widenNumbers is how many numbers of a 16-bit table are widened at a time: they and
// their sums fit the first-level cache.
const widenNumbers = 4096

// widen reduces rows of a table of 16-bit numbers: those of a destination are widened some
// at a time, and added up from the cache. The sums have the bits of those over
// [Tape.Lookup]. n is a sum, a mean, or a mix under the weights n.c of some heads.
func (t *Tape) widen(n *node, heads int) {
	rows := max(1, widenNumbers/max(n.x.Cols(), 1))
	n.table, n.n1, n.n2 = n.x.stored, rows, heads
	n.b = t.raw(t.pool.Threads(), rows*n.x.Cols())
	n.idx, n.arg = t.ints.take(2*t.pool.Threads()), t.count(rows)
	t.run(n.csr.Rows(), edgeGrain, n, widenBlock)
}

func widenBlock(n *node, s span) {
	cols, wide, ptr := n.x.Cols(), n.b.Row(s.worker), n.idx[2*s.worker:][:2]
	for v := s.lo; v < s.hi; v++ {
		dst, end := n.out.Val.Row(v), n.csr.Ptr[v+1]
		clear(dst)
		for e := n.csr.Ptr[v]; e < end; e += int32(n.n1) {
			src := n.csr.Src[e:min(e+int32(n.n1), end)]
			rows := wide[:len(src)*cols]
			n.table.gather(rows, src)
			ptr[0], ptr[1] = 0, int32(len(src))
			if n.c.Data != nil {
				kernel.SegmentMix(dst, rows, cols, ptr, n.arg, n.c.Data[int(e)*n.n2:], n.n2, kernel.AddTo)
			} else {
				kernel.SegmentSum(dst, rows, cols, ptr, n.arg, kernel.AddTo)
			}
		}
		if count := end - n.csr.Ptr[v]; n.kind == int(Mean) && n.c.Data == nil && count > 1 {
			scale(dst, 1/Real(count))
		}
	}
}
