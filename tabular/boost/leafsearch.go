package boost

import "math"

// serialWork is up to how many additions to a histogram one goroutine is quicker than two.
const serialWork = 30_000

// gather copies the packed gradients of a leaf into the order of its rows.
func (g *grower) gather(l *leaf) (rows []int32, word []int64) {
	rows = g.order[l.lo:l.hi]
	if l.size() == g.rows {
		return nil, g.q.word // all rows in order
	}
	word = g.word[:len(rows)]
	g.poolFor(len(rows)*8).rows(len(rows), func(lo, hi int) {
		for i, r := range rows[lo:hi] {
			word[lo+i] = g.q.word[r]
		}
	})
	return rows, word
}

func (g *grower) poolFor(work int) pool {
	if work < serialWork {
		return 1
	}
	return g.pool
}

// buildGroup builds the histogram of eight columns.
func (g *grower) buildGroup(worker, group int, rows []int32, word []int64, to []cell) {
	first, last := g.packed.group(group)
	clear(to[g.packed.offset[first]:g.packed.offset[last]])
	b := &g.blocks[worker]
	for lo := 0; lo < len(word); lo += g.q.block {
		hi := min(len(word), lo+g.q.block)
		if rows == nil {
			b.accumulate(g.packed.words[group][lo:hi], nil, word[lo:hi])
		} else {
			b.accumulate(g.packed.words[group], rows[lo:hi], word[lo:hi])
		}
		b.drain(g.packed, group, to)
	}
}

// build builds the histogram of a leaf, a task per eight columns.
func (g *grower) build(l *leaf) {
	rows, word := g.gather(l)
	g.poolFor(len(word)*len(g.packed.features)).each(len(g.packed.words), func(worker, group int) {
		g.buildGroup(worker, group, rows, word, l.histogram)
	})
}

// buildBoth builds the smaller leaf's histogram, makes the larger one's of the parent's,
// which it already holds, and searches both, eight columns after the other.
func (g *grower) buildBoth(small, large *leaf, needSmall bool) {
	rows, word := g.gather(small)
	of := [2]*search{g.newSearch(small), g.newSearch(large)}
	g.found = resize(g.found, len(g.packed.features))
	g.found2 = resize(g.found2, len(g.packed.features))
	g.poolFor((len(word)+256)*len(g.packed.features)).each(len(g.packed.words), func(worker, group int) {
		g.buildGroup(worker, group, rows, word, small.histogram)
		first, last := g.packed.group(group)
		lo, hi := g.packed.offset[first], g.packed.offset[last]
		subtract(large.histogram[lo:hi], small.histogram[lo:hi])
		for p := first; p < last; p++ {
			if needSmall {
				g.found[p] = g.column(of[0], small, p)
			}
			g.found2[p] = g.column(of[1], large, p)
		}
	})
	if needSmall {
		small.best = bestOf(g.found)
	}
	large.best = bestOf(g.found2)
	for _, l := range [2]*leaf{small, large} {
		if l.best.gain <= 0 {
			g.release(l)
		}
	}
}

// search finds the best split of a leaf with a histogram.
func (g *grower) search(l *leaf) {
	s := g.newSearch(l)
	g.found = resize(g.found, len(g.packed.features))
	g.poolFor(len(l.histogram)).each(len(g.packed.features), func(_, p int) { g.found[p] = g.column(s, l, p) })
	l.best = bestOf(g.found)
}

func resize(s []split, n int) []split {
	if cap(s) < n {
		return make([]split, n)
	}
	return s[:n]
}

func bestOf(found []split) split {
	best := split{}
	for i := range found {
		if found[i].better(&best) {
			best = found[i]
		}
	}
	return best
}

// column searches one column of a leaf.
func (g *grower) column(s *search, l *leaf, position int) split {
	best := split{position: position}
	cells := l.histogram[g.packed.offset[position]:g.packed.offset[position+1]]
	f := &g.table[g.packed.features[position]]
	if f.Categorical {
		s.categories(cells, l.counts[position], &best)
	} else {
		s.numbers(cells, l.counts[position], f.Monotone, &best)
	}
	return best
}

func (g *grower) newSearch(l *leaf) *search {
	perValue := g.q.h / g.q.g
	s := &search{total: l.total, rows: l.size(), l2: g.opt.L2 / g.q.h, minH: g.opt.MinHessian / g.q.h, scale: g.q.g * g.q.g / g.q.h,
		unitH: g.q.h, low: l.low * perValue, high: l.high * perValue, minRows: float64(g.opt.MinRows), category: g.opt.Categories,
		bounded: !math.IsInf(l.low, -1) || !math.IsInf(l.high, 1)}
	if l.total.h > 0 {
		s.perRow = float64(s.rows) / float64(l.total.h)
	}
	// What rounding alone may bring: the square of half a unit per row, a few times over.
	s.minGain = math.Max(g.opt.MinGain/s.scale, 8*s.perRow)
	return s
}

// count counts the rows of each bin of a column of a leaf.
func (g *grower) count(l *leaf, position int) {
	counts := make([]int32, g.packed.bins[position])
	words, shift := g.packed.words[position/lanes], 8*(position%lanes)
	for _, r := range g.order[l.lo:l.hi] {
		counts[uint8(words[r]>>shift)]++
	}
	if l.counts == nil {
		l.counts = map[int][]int32{}
	}
	l.counts[position] = counts
}
