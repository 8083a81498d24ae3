package boost

import (
	"context"
	"math"
)

// grower grows one tree after another over the same columns. Its memory is kept from tree
// to tree: two lists of rows, and one histogram of 16 bytes a bin per leaf that may still
// be split.
type grower struct {
	opt     Options
	pool    pool
	table   []Feature
	rows    int
	packed  *packed
	q       quantised
	bounded bool // some column is monotone

	order   []int32  // rows, those of a leaf together and ascending
	spare   []int32  // the right side while a leaf is divided
	word    []int64  // packed gradients in the order of a leaf's rows
	free    [][]cell // histograms
	blocks  []lanesBlock
	found   []split // per column, of the leaf that is searched
	found2  []split
	leaves  []*leaf
	grad    []float64
	hess    []float64
	sampled []int32 // rows that this round sees; nil = all
}

// leaf is a leaf of the growing tree.
type leaf struct {
	lo, hi    int // its rows are order[lo:hi]
	total     cell
	depth     int
	low, high float64 // range of its value
	histogram []cell  // nil = it will not be split
	counts    map[int][]int32
	best      split
	parent    int32 // inner node, -1 = it is the root
	isRight   bool
}

func (l *leaf) size() int { return l.hi - l.lo }

func newGrower(opt Options, table []Feature, rows int) *grower {
	g := &grower{opt: opt, pool: pool(opt.Threads), table: table, rows: rows, order: make([]int32, rows), spare: make([]int32, rows),
		word: make([]int64, rows), blocks: make([]lanesBlock, opt.Threads)}
	g.q.word = make([]int64, rows)
	for i := range table {
		g.bounded = g.bounded || table[i].Monotone != 0
	}
	return g
}

// grow grows a tree for the given gradients. The leaves remain in g.leaves, with their
// rows, until the next tree.
func (g *grower) grow(ctx context.Context, key uint64) (*Tree, error) {
	g.q.quantise(g.pool, key, g.grad, g.hess)
	t := &Tree{}
	root := &leaf{hi: g.fillOrder(), low: math.Inf(-1), high: math.Inf(1), parent: -1}
	for _, r := range g.order[:root.hi] {
		root.total.g += g.q.word[r] >> 32
		root.total.h += int64(uint32(g.q.word[r]))
	}
	g.leaves = append(g.leaves[:0], root)
	if g.worthwhile(root) {
		root.histogram = g.histogram()
		g.build(root)
		g.search(root)
	}
	for len(g.leaves) < g.opt.MaxLeaves {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		at := g.next()
		if at < 0 {
			break
		}
		g.divide(t, at)
	}
	for _, l := range g.leaves {
		g.release(l)
	}
	g.value(t)
	return t, nil
}

// fillOrder lists the rows of the round and returns how many there are.
func (g *grower) fillOrder() int {
	if g.sampled != nil {
		return copy(g.order, g.sampled)
	}
	for i := range g.order[:g.rows] {
		g.order[i] = int32(i)
	}
	return g.rows
}

// next is the leaf whose split gains most, the older of equals; -1 = none gains.
func (g *grower) next() int {
	at := -1
	for i, l := range g.leaves {
		if l.best.gain > 0 && (at < 0 || l.best.gain > g.leaves[at].best.gain) {
			at = i
		}
	}
	return at
}

// worthwhile says whether a leaf may be split at all.
func (g *grower) worthwhile(l *leaf) bool {
	return l.size() >= 2*g.opt.MinRows && l.depth < g.opt.MaxDepth && len(g.packed.features) > 0
}

func (g *grower) histogram() []cell {
	width := g.packed.offset[len(g.packed.bins)]
	if n := len(g.free); n > 0 {
		h := g.free[n-1]
		g.free = g.free[:n-1]
		return h[:width]
	}
	all := 0 // a later tree may see other columns
	for i := range g.table {
		all += g.table[i].bins()
	}
	return make([]cell, all)[:width]
}

func (g *grower) release(l *leaf) {
	if l.histogram != nil {
		g.free = append(g.free, l.histogram[:cap(l.histogram)])
		l.histogram = nil
	}
}

// divide splits a leaf: the left side takes its place in g.leaves, the right one is added.
func (g *grower) divide(t *Tree, at int) {
	l := g.leaves[at]
	s := l.best
	mid := g.partition(l, &s)
	if min(mid-l.lo, l.hi-mid) < g.opt.MinRows {
		// The estimate of rows was too high: count this column's and search again.
		g.merge(l)
		g.count(l, s.position)
		g.search(l)
		return
	}
	node := t.split(g, l, &s, mid)
	left := &leaf{lo: l.lo, hi: mid, total: cell{s.g, s.h}, depth: l.depth + 1, low: l.low, high: l.high, parent: node}
	right := &leaf{lo: mid, hi: l.hi, total: cell{l.total.g - s.g, l.total.h - s.h}, depth: l.depth + 1, low: l.low, high: l.high, parent: node, isRight: true}
	if m := g.table[g.packed.features[s.position]].Monotone; m != 0 {
		middle := (g.roughValue(left) + g.roughValue(right)) / 2
		if m > 0 {
			left.high, right.low = middle, middle
		} else {
			left.low, right.high = middle, middle
		}
	}
	g.leaves[at] = left
	g.leaves = append(g.leaves, right)
	if len(g.leaves) == g.opt.MaxLeaves {
		g.release(l)
		return
	}
	small, large := left, right
	if right.size() < left.size() {
		small, large = right, left
	}
	g.inherit(l, small, large)
}

// inherit gives the children of a leaf their histograms and searches them: the smaller one's
// is built, the larger one's is what remains of the parent's.
func (g *grower) inherit(l, small, large *leaf) {
	needSmall, needLarge := g.worthwhile(small), g.worthwhile(large)
	if !needLarge { // then the smaller one is too small, too, or as deep
		g.release(l)
		return
	}
	large.histogram, l.histogram = l.histogram, nil
	small.histogram = g.histogram()
	g.buildBoth(small, large, needSmall)
}

// roughValue is the value of a leaf by its rounded sums.
func (g *grower) roughValue(l *leaf) float64 {
	v := -float64(l.total.g) * g.q.g / (float64(l.total.h)*g.q.h + g.opt.L2)
	return max(l.low, min(l.high, v))
}

// leafValue is the value of a leaf by unrounded sums in row order.
func (g *grower) leafValue(l *leaf) float64 {
	var sumG, sumH float64
	for _, r := range g.order[l.lo:l.hi] {
		sumG += g.grad[r]
		sumH += g.hess[r]
	}
	if sumH+g.opt.L2 <= 0 {
		return max(l.low, min(l.high, 0))
	}
	return max(l.low, min(l.high, -sumG/(sumH+g.opt.L2)))
}

// value sets the values of all leaves.
func (g *grower) value(t *Tree) {
	t.Leaves = make([]Leaf, len(g.leaves))
	g.pool.each(len(g.leaves), func(_, i int) {
		t.Leaves[i] = Leaf{Value: g.leafValue(g.leaves[i]), Rows: g.leaves[i].size()}
	})
	for i, l := range g.leaves {
		if l.parent < 0 {
			continue
		}
		n := &t.Nodes[l.parent]
		if l.isRight {
			n.Right = ^int32(i)
		} else {
			n.Left = ^int32(i)
		}
	}
}
