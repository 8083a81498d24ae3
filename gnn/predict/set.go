package predict

import (
	"cmp"
	"slices"
)

// set answers for a multilabel task: the probability of each class, and the classes above
// one half or, with CLASSIFY TOP k, the k likeliest, the likeliest first.
func (p *Predictor) set(out []float64) Prediction {
	all, order := map[string]float64{}, make([]int, len(out))
	for c, v := range out {
		all[p.Classes[c]], order[c] = v, c
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(out[b], out[a]) })
	chosen := []string{}
	for _, c := range order {
		if p.Task.Top > 0 && len(chosen) < p.Task.Top || p.Task.Top == 0 && out[c] > 0.5 {
			chosen = append(chosen, p.Classes[c])
		}
	}
	return Prediction{Value: chosen, Probabilities: all}
}
