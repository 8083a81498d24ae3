package boost

import (
	"cmp"
	"slices"
)

// quantileOf is the least value v such that the values up to v hold a share q of the
// weight, and the middle between it and the next one where they hold exactly that; weight
// nil = all 1. It sorts values that have no weights in a copy.
func quantileOf(values, weight []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	if weight == nil {
		s := slices.Clone(values)
		sortFloats(s)
		at := q * float64(len(s))
		i := int(at)
		if float64(i) == at && i > 0 {
			return (s[i-1] + s[i]) / 2
		}
		return s[i]
	}
	order := make([]int, len(values))
	total := 0.0
	for i, w := range weight {
		order[i] = i
		total += w
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(values[a], values[b]) })
	sum, want := 0.0, q*total
	for at, i := range order {
		sum += weight[i]
		if sum > want || at == len(order)-1 {
			return values[i]
		}
		if sum == want && weight[i] > 0 {
			for _, j := range order[at+1:] {
				if weight[j] > 0 {
					return (values[i] + values[j]) / 2
				}
			}
		}
	}
	return values[order[len(order)-1]]
}
