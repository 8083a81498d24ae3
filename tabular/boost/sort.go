package boost

import "math"

// sortFloats sorts numbers without NaN in place, -0 before 0: a radix sort over
// digits of 11 bits. Cost: six passes over the values and twice their memory,
// fewer where a digit is the same in all.
func sortFloats(values []float64) {
	const bits, size = 11, 1 << 11
	from, keys := make([]uint64, len(values)), make([]uint64, len(values))
	for i, v := range values {
		from[i] = sortKey(v)
	}
	var count [6][size]int32
	for _, k := range from {
		for d := range count {
			count[d][k>>(bits*d)&(size-1)]++
		}
	}
	for d := range count {
		c, at, shift := &count[d], int32(0), bits*d
		if len(from) > 0 && int(c[from[0]>>shift&(size-1)]) == len(from) {
			continue
		}
		for i, n := range c {
			c[i] = at
			at += n
		}
		for _, k := range from {
			digit := k >> shift & (size - 1)
			keys[c[digit]] = k
			c[digit]++
		}
		from, keys = keys, from
	}
	for i, k := range from {
		values[i] = fromSortKey(k)
	}
}

// sortKey maps numbers to integers of the same order.
func sortKey(v float64) uint64 {
	b := math.Float64bits(v)
	return b ^ (uint64(int64(b)>>63) | 1<<63)
}

func fromSortKey(k uint64) float64 {
	if k>>63 == 1 {
		return math.Float64frombits(k ^ 1<<63)
	}
	return math.Float64frombits(^k)
}
