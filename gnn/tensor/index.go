package tensor

import "fmt"

// Compose returns of[idx[i]] for every i, and -1 where idx[i] is -1. The result lives
// until the next Reset.
func (t *Tape) Compose(of, idx []int32) []int32 {
	n := t.scratch()
	n.idx, n.arg, n.csr.Src = idx, t.ints.take(len(idx)), of
	t.run(len(idx), flatGrain, n, composeBlock)
	return n.arg
}

func composeBlock(n *node, s span) {
	out, of := n.arg[s.lo:s.hi], n.csr.Src
	for i, v := range n.idx[s.lo:s.hi] {
		if v >= 0 {
			v = of[v]
		}
		out[i] = v
	}
}

// Parents returns the only source of every destination of a functional edge type, -1
// where there is none. The result lives until the next Reset.
func (t *Tape) Parents(c CSR) []int32 {
	n := t.scratch()
	n.csr, n.arg = c, t.ints.take(c.Rows())
	t.run(c.Rows(), flatGrain, n, parentsBlock)
	return n.arg
}

func parentsBlock(n *node, s span) {
	for i := s.lo; i < s.hi; i++ {
		switch lo, hi := n.csr.Ptr[i], n.csr.Ptr[i+1]; hi - lo {
		case 0:
			n.arg[i] = -1
		case 1:
			n.arg[i] = n.csr.Src[lo]
		default:
			panic(fmt.Sprintf("tensor: destination %d of a functional edge type has %d sources", i, hi-lo))
		}
	}
}

// Unique returns the row numbers in idx, each once and ascending, and for every i where
// idx[i] stands among them; -1 stays -1. rows is the number of rows that idx points
// into: the cost is O(rows + len(idx)). Both results live until the next Reset.
func (t *Tape) Unique(idx []int32, rows int) (distinct, at []int32) {
	place := t.ints.take(rows)
	clear(place)
	for _, r := range idx {
		if r >= 0 {
			place[r] = 1
		}
	}
	count := int32(0)
	for _, p := range place {
		count += p
	}
	distinct = t.ints.take(int(count))
	count = 0
	for r, p := range place {
		if p != 0 {
			distinct[count], place[r] = int32(r), count
			count++
		}
	}
	return distinct, t.Compose(place, idx)
}

// GatherConcat puts gathered rows of constants side by side: row i of the result is, for
// each term, row Index[i] of X (row i where Index is nil), and zeros where that is -1.
func (t *Tape) GatherConcat(rows int, terms ...GatherTerm) *Var {
	cols := 0
	for _, term := range terms {
		if term.X.needs {
			panic("tensor: GatherConcat of a matrix that collects a gradient")
		}
		cols += term.X.Cols()
	}
	out := t.raw(rows, cols)
	at := 0
	for _, term := range terms {
		at += t.placeColumns(out, at, term)
	}
	return t.Const(out)
}

// placeColumns stores the gathered rows of a term in the columns of out from at on, and
// returns how many those are.
func (t *Tape) placeColumns(out Mat, at int, term GatherTerm) int {
	n := t.scratch()
	n.a, n.b, n.idx, n.n1 = out, term.X.Val, term.Index, at
	t.run(out.Rows, rowGrain(term.X.Cols()), n, gatherConcatBlock)
	return term.X.Cols()
}

func gatherConcatBlock(n *node, s span) {
	width := n.b.Cols
	for i := s.lo; i < s.hi; i++ {
		dst, from := n.a.Row(i)[n.n1:][:width], i
		if n.idx != nil {
			from = int(n.idx[i])
		}
		if from < 0 {
			clear(dst)
			continue
		}
		copy(dst, n.b.Row(from))
	}
}
