package baseline

import (
	"math"
	"slices"
)

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	s := slices.Clone(values)
	slices.Sort(s)
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// spread is the mean distance from the median, at least a small positive number.
func spread(values []float64) float64 {
	m := median(values)
	var s float64
	for _, v := range values {
		s += math.Abs(v-m) / float64(len(values))
	}
	return math.Max(s, 1e-9)
}

func sorted(values []float64) []float64 {
	s := slices.Clone(values)
	slices.Sort(s)
	return s
}
