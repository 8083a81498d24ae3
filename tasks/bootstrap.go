package tasks

import "math"

// Bootstrap estimates the standard error of a metric by drawing whole anchors with
// replacement (Efron, 1979): labels of one anchor share its events and are not
// independent. anchors has one entry per label; rounds is the number of draws. Rounds in
// which the metric is undefined do not count; NaN when fewer than two are left. Equal
// arguments give equal bits.
func Bootstrap(m Metric, truth, predicted []float64, anchors []int64, rounds int, seed uint64) float64 {
	if len(truth) == 0 {
		return math.NaN()
	}
	groups := groupRows(anchors)
	k := width(truth, predicted)
	var y, p, values []float64
	for round := range rounds {
		y, p = y[:0], p[:0]
		for draw := range groups {
			u := mix(mix(mix(seed)+uint64(round)) + uint64(draw))
			for _, i := range groups[u%uint64(len(groups))] {
				y = append(y, truth[i])
				p = append(p, predicted[i*k:(i+1)*k]...)
			}
		}
		if v := m.Compute(y, p); !math.IsNaN(v) {
			values = append(values, v)
		}
	}
	if len(values) < 2 {
		return math.NaN()
	}
	return deviation(values)
}

// groupRows lists the positions of each anchor, anchors in order of appearance.
func groupRows(anchors []int64) [][]int {
	place := map[int64]int{}
	var groups [][]int
	for i, a := range anchors {
		g, ok := place[a]
		if !ok {
			g = len(groups)
			place[a] = g
			groups = append(groups, nil)
		}
		groups[g] = append(groups[g], i)
	}
	return groups
}
