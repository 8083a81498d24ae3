package asof

import (
	"encoding/binary"
	"hash/maphash"
	"math"
	"slices"
)

// Bounds of what pruning keeps.
const (
	mostFeatures  = 2000
	leastPresent  = 0.005 // share of examples with a number
	leastDistinct = 1e-12 // relative spread of a column that is not constant
)

// Prune returns the positions of the features that are worth keeping, by some examples of
// them (rows x width, row-major): those that are neither missing nearly everywhere nor
// constant nor equal to one before them, at most 2,000.
func Prune(x []float64, width int) []int {
	if width == 0 {
		return nil
	}
	n := len(x) / width
	seed, seen := maphash.MakeSeed(), map[uint64][]int{}
	var keep []int
	for j := range width {
		present, low, high := 0, math.Inf(1), math.Inf(-1)
		var h maphash.Hash
		h.SetSeed(seed)
		for i := range n {
			v := x[i*width+j]
			if v == v {
				present++
				low, high = min(low, v), max(high, v)
			}
			var b [8]byte
			binary.LittleEndian.PutUint64(b[:], math.Float64bits(v))
			_, _ = h.Write(b[:])
		}
		missing := present < n && present > 0 // a gap tells, too
		if float64(present) < leastPresent*float64(n) || high-low <= leastDistinct*math.Abs(high) && !missing {
			continue
		}
		same := func(k int) bool { return equal(x, width, j, k) }
		if slices.ContainsFunc(seen[h.Sum64()], same) {
			continue
		}
		seen[h.Sum64()] = append(seen[h.Sum64()], j)
		if keep = append(keep, j); len(keep) == mostFeatures {
			break
		}
	}
	return keep
}

// equal reports whether two columns are the same bits.
func equal(x []float64, width, a, b int) bool {
	for i := 0; i < len(x); i += width {
		if math.Float64bits(x[i+a]) != math.Float64bits(x[i+b]) {
			return false
		}
	}
	return true
}
