package boost

import "slices"

// partition moves the rows of a leaf that go left before those that go right, each side
// in its order, and returns where the right side begins.
func (g *grower) partition(l *leaf, s *split) int {
	var left [256]uint8
	for b := range left {
		if s.goesLeft(uint8(b)) {
			left[b] = 1
		}
	}
	words, shift := g.packed.words[s.position/lanes], 8*(s.position%lanes)
	rows := g.order[l.lo:l.hi]
	blocks := (len(rows) + rowGrain - 1) / rowGrain
	counts := make([]int, blocks)
	// Each block keeps its left rows in place and puts its right ones into spare.
	g.pool.each(blocks, func(_, b int) {
		lo, hi := b*rowGrain, min(len(rows), (b+1)*rowGrain)
		counts[b] = divideRows(words, shift, &left, rows[lo:hi], g.spare[l.lo+lo:l.lo+hi])
	})
	at := 0
	for b, n := range counts {
		at += copy(rows[at:], rows[b*rowGrain:b*rowGrain+n])
	}
	mid := at
	for b, n := range counts {
		size := min(len(rows), (b+1)*rowGrain) - b*rowGrain
		at += copy(rows[at:], g.spare[l.lo+b*rowGrain:][:size-n])
	}
	return l.lo + mid
}

// divideRows packs the rows that go left to the front of rows and the others to the front
// of right, without a branch, and returns the number of the former.
func divideRows(words []uint64, shift int, left *[256]uint8, rows, right []int32) int {
	n, m := 0, 0
	right = right[:len(rows)]
	for _, r := range rows {
		in := int(left[uint8(words[r]>>(shift&63))])
		rows[n] = r
		right[m] = r
		n += in
		m += 1 - in
	}
	return n
}

// merge restores the ascending order of a leaf's rows after a partition that is not kept.
func (g *grower) merge(l *leaf) { slices.Sort(g.order[l.lo:l.hi]) }
