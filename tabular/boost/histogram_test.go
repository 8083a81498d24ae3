package boost

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// testGrower is a grower over a table of the given shape with random gradients.
func testGrower(t *testing.T, rows, columns int) (*grower, [][]uint8) {
	t.Helper()
	table, codes := make([]Feature, columns), make([][]uint8, columns)
	var used []int
	for j := range table {
		bins := 2 + int(draw(1, uint64(j))%254)
		table[j] = Feature{Name: fmt.Sprint(j), Cuts: bigRange(bins - 2)}
		codes[j] = make([]uint8, rows)
		for i := range codes[j] {
			codes[j][i] = uint8(draw(uint64(100+j), uint64(i)) % uint64(bins))
		}
		used = append(used, j)
	}
	g := newGrower(Options{Threads: 2}.withDefaults(), table, rows)
	g.packed = &packed{}
	g.packed.pack(2, codes, used, table, rows)
	for i := range rows {
		g.grad, g.hess = append(g.grad, 2*uniform(3, 0, i)-1), append(g.hess, uniform(3, 1, i))
	}
	g.q.quantise(2, 4, g.grad, g.hess)
	return g, codes
}

// The histogram of a leaf is the plain sum over its rows, whatever the number of columns
// and rows; what is left of the parent's by subtraction is that of the sibling.
func TestHistogram_againstPlainSums(t *testing.T) {
	for _, shape := range [][2]int{{1, 1}, {300, 7}, {301, 8}, {1000, 17}, {20_001, 3}} {
		g, codes := testGrower(t, shape[0], shape[1])
		g.fillOrder()
		cut := shape[0] / 3
		all, part, rest := &leaf{hi: shape[0]}, &leaf{hi: cut}, &leaf{lo: cut, hi: shape[0]}
		// A leaf is any ascending rows: every third one, and the others.
		slices.SortStableFunc(g.order, func(a, b int32) int { return min(1, int(a%3)) - min(1, int(b%3)) })
		cut = (shape[0] + 2) / 3
		part.hi, rest.lo = cut, cut
		order := slices.Clone(g.order)
		slices.Sort(g.order)
		for _, l := range []*leaf{all, part, rest} {
			if l != all {
				copy(g.order, order)
			}
			l.histogram = g.histogram()
			g.build(l)
			for j := range codes {
				want := make([]cell, g.packed.bins[j])
				for _, r := range g.order[l.lo:l.hi] {
					want[codes[j][r]].g += g.q.word[r] >> 32
					want[codes[j][r]].h += int64(uint32(g.q.word[r]))
				}
				if got := l.histogram[g.packed.offset[j]:g.packed.offset[j+1]]; !slices.Equal(got, want) {
					t.Fatalf("%v: column %d differs from plain sums", shape, j)
				}
			}
		}
		subtract(all.histogram, part.histogram)
		if !slices.Equal(all.histogram, rest.histogram) {
			t.Errorf("%v: the parent without one child is not the other", shape)
		}
	}
}

// A full block of the largest gradients must not overflow either half of a word.
func TestQuantise_fullBlock(t *testing.T) {
	most := math.Nextafter(1, 0) // the worst: just below a power of 2
	for _, sign := range []float64{1, -1} {
		var q quantised
		grad, hess := slices.Repeat([]float64{sign * most}, blockRows), slices.Repeat([]float64{most}, blockRows)
		q.word = make([]int64, blockRows)
		q.quantise(1, 1, grad, hess)
		var sum int64
		for _, w := range q.word[:q.block] {
			sum += w
		}
		near(t, "gradients", float64(sum>>32)*q.g, sign*most*float64(q.block), 1)
		near(t, "Hessians", float64(uint32(sum))*q.h, most*float64(q.block), 1)
	}
}

// Rounding is right on average: the sum of many small numbers is theirs.
func TestQuantise_meanIsExact(t *testing.T) {
	const n = 1 << 16
	grad, hess := make([]float64, n), make([]float64, n)
	for i := range grad {
		grad[i], hess[i] = 1e-8, 1
	}
	grad[0] = 1
	q := quantised{word: make([]int64, n)}
	q.quantise(1, 1, grad, hess)
	var sum float64
	for _, w := range q.word {
		sum += float64(w>>32) * q.g
	}
	near(t, "sum", sum, 1+n*1e-8, 1e-4)
	if q.block != fineBlockRows || !q.steady {
		t.Errorf("blocks of %d rows, steady %v", q.block, q.steady)
	}
}

// The first split of a tree is the best of all thresholds by the definition of the gain.
func TestSearch_againstAllThresholds(t *testing.T) {
	for key := range uint64(20) {
		d, opt := taskOf("l2", 300, key+50)
		d.Columns = d.Columns[:3]
		opt.Rounds, opt.MaxLeaves, opt.L2 = 1, 2, 2
		m := fit(t, d, opt)
		base := m.Base[0]
		best := 0.0
		for _, c := range d.Columns {
			for _, at := range append(slices.Clone(c.Values), math.Inf(1)) {
				for _, missingLeft := range []bool{false, true} {
					var g, h [2]float64
					var n [2]int
					for i, v := range c.Values {
						side := 1
						if v <= at || v != v && missingLeft {
							side = 0
						}
						g[side] += d.Weight[i] * (base - d.Label[i])
						h[side] += d.Weight[i]
						n[side]++
					}
					if min(n[0], n[1]) < opt.MinRows {
						continue
					}
					gain := g[0]*g[0]/(h[0]+2) + g[1]*g[1]/(h[1]+2) - (g[0]+g[1])*(g[0]+g[1])/(h[0]+h[1]+2)
					best = math.Max(best, gain)
				}
			}
		}
		// At most 100 bins for 300 rows leave out some thresholds: a few percent.
		if got := m.Trees[0].Nodes[0].Gain; got < 0.93*best || got > best*(1+1e-4) {
			t.Errorf("table %d: gain %v, the best of all thresholds is %v", key, got, best)
		}
	}
}

func TestPartition(t *testing.T) {
	for _, rows := range []int{1, 5, 2 * rowGrain, 2*rowGrain + 17} {
		g, codes := testGrower(t, rows, 10)
		g.fillOrder()
		l := &leaf{hi: rows}
		s := &split{position: 9, bin: 3, missingLeft: true}
		mid := g.partition(l, s)
		for i, r := range g.order {
			if s.goesLeft(codes[9][r]) != (i < mid) || i > 0 && i != mid && g.order[i-1] >= r {
				t.Fatalf("%d rows: row %d at %d, the right side begins at %d", rows, r, i, mid)
			}
		}
		g.merge(l)
		for i, r := range g.order {
			if int(r) != i {
				t.Fatal("merged rows are not in order")
			}
		}
	}
}
