package boost

import (
	"math"
	"slices"
)

func gainOf(label float64) float64 { return math.Exp2(label) - 1 }

func discount(rank int) float64 { return 1 / math.Log2(float64(rank)+2) }

// idealDCG is the discounted gain of the first k of the labels in their best order.
func idealDCG(label []float64, k int) float64 {
	s := slices.Sorted(slices.Values(label))
	slices.Reverse(s)
	var sum float64
	for i, y := range s[:min(k, len(s))] {
		sum += gainOf(y) * discount(i)
	}
	return sum
}

// NDCG is the normalised discounted cumulative gain of the first k of each group in the
// order of falling scores (Järvelin and Kekäläinen, 2002), as a mean over the groups with
// a relevant row; NaN where there is none. Gains are 2^label - 1; group holds the lengths
// of consecutive groups.
func NDCG(k int, label, score []float64, group []int) float64 {
	var sum, n float64
	for _, size := range group {
		y, s := label[:size], score[:size]
		label, score = label[size:], score[size:]
		best := idealDCG(y, k)
		if best == 0 {
			continue
		}
		var dcg float64
		for rank, i := range ranking(s)[:min(k, size)] {
			dcg += gainOf(y[i]) * discount(rank)
		}
		sum += dcg / best
		n++
	}
	return sum / n
}
