package tasks

import (
	"math"
	"sort"
)

func init() { register(1, measure{"roc_auc", true, rocAUC}, Binary) }

// rocAUC is the probability that a positive scores above a negative, ties counting one
// half: the rank sum of the positives with average ranks. It is undefined when the labels
// are of one class.
func rocAUC(truth, score []float64) float64 {
	order := byScore(score)
	var sum, positives float64
	for lo := 0; lo < len(order); {
		hi := lo
		for hi < len(order) && score[order[hi]] == score[order[lo]] {
			hi++
		}
		for _, i := range order[lo:hi] {
			if truth[i] != 0 {
				positives++
				sum += float64(lo+hi+1) / 2
			}
		}
		lo = hi
	}
	negatives := float64(len(truth)) - positives
	if positives == 0 || negatives == 0 {
		return math.NaN()
	}
	return (sum - positives*(positives+1)/2) / (positives * negatives)
}

// byScore lists positions by ascending score.
func byScore(score []float64) []int {
	order := make([]int, len(score))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return score[order[a]] < score[order[b]] })
	return order
}
