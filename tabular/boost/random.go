package boost

import (
	"math"
	"slices"
)

// mix is the finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

const golden = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio

// draw is number i of the stream of a key: a pure function, so that it may be asked for in
// any order.
func draw(key, i uint64) uint64 { return mix(key + (i+1)*golden) }

// The streams of a round.
const (
	streamRows = iota
	streamColumns
	streamRounding
)

func streamKey(seed uint64, stream, round, output int) uint64 {
	return draw(draw(draw(seed, uint64(stream)), uint64(round)), uint64(output))
}

// sampleRows lists in order the rows of which each is taken with the given chance; at
// least one.
func sampleRows(key uint64, n int, share float64, to []int32) []int32 {
	to = to[:0]
	limit := uint64(math.Min(share*(1<<53), 1<<53))
	for i := range n {
		if draw(key, uint64(i))>>11 < limit {
			to = append(to, int32(i))
		}
	}
	if len(to) == 0 {
		to = append(to, int32(draw(key, uint64(n))%uint64(n)))
	}
	return to
}

// sampleColumns lists in order a share of the columns, rounded up: those with the smallest
// numbers.
func sampleColumns(key uint64, columns []int, share float64) []int {
	k := int(math.Ceil(share * float64(len(columns))))
	if k >= len(columns) {
		return columns
	}
	byDraw := slices.Clone(columns)
	slices.SortFunc(byDraw, func(a, b int) int {
		x, y := draw(key, uint64(a)), draw(key, uint64(b))
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return a - b
	})
	byDraw = byDraw[:k]
	slices.Sort(byDraw)
	return byDraw
}
