package train

import (
	"cmp"
	"slices"
)

// permute returns the items in the order of their keys: a random permutation when the
// keys are hashes, and the same one on every machine.
func permute(items []int, key func(int) uint64) []int {
	type keyed struct {
		key  uint64
		item int
	}
	all := make([]keyed, len(items))
	for i, it := range items {
		all[i] = keyed{key(it), it}
	}
	slices.SortFunc(all, func(a, b keyed) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.item, b.item)) })
	out := make([]int, len(items))
	for i, k := range all {
		out[i] = k.item
	}
	return out
}

func indices(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	s := slices.Clone(values)
	slices.Sort(s)
	return s[len(s)/2]
}
