package tasks

import "math"

// Anchors draws whole anchors with replacement (Efron, 1979): labels of one anchor share
// its events and are not independent.
type Anchors struct {
	groups [][]int // positions of each anchor's labels, anchors in order of appearance
	seed   uint64
}

// NewAnchors returns draws from the anchors of labels, one entry per label. Equal
// arguments give equal draws.
func NewAnchors(anchors []int64, seed uint64) *Anchors {
	return &Anchors{groupRows(anchors), seed}
}

// Draw appends to rows the labels of as many anchors as there are, drawn in a round, and
// says which labels were drawn where drawn, one entry per label, is not nil.
func (a *Anchors) Draw(round int, rows []int, drawn []bool) []int {
	for draw := range a.groups {
		u := mix(mix(mix(a.seed)+uint64(round)) + uint64(draw))
		for _, i := range a.groups[u%uint64(len(a.groups))] {
			rows = append(rows, i)
			if drawn != nil {
				drawn[i] = true
			}
		}
	}
	return rows
}

// Bootstrap estimates the standard error of a metric by drawing whole anchors with
// replacement; see [Anchors]. anchors has one entry per label; rounds is the number of
// draws. Rounds in which the metric is undefined do not count; NaN when fewer than two
// are left. Equal arguments give equal bits.
func Bootstrap(m Metric, truth, predicted []float64, anchors []int64, rounds int, seed uint64) float64 {
	if len(anchors) == 0 {
		return math.NaN()
	}
	draws := NewAnchors(anchors, seed)
	var rows []int
	var values []float64
	for round := range rounds {
		rows = draws.Draw(round, rows[:0], nil)
		if v := MetricOn(m, truth, predicted, rows); !math.IsNaN(v) {
			values = append(values, v)
		}
	}
	if len(values) < 2 {
		return math.NaN()
	}
	return deviation(values)
}

// MetricOn computes a metric on some of the labels, by position; one may be named more
// than once. NaN for none.
func MetricOn(m Metric, truth, predicted []float64, rows []int) float64 {
	if len(rows) == 0 {
		return math.NaN()
	}
	k := width(truth, predicted)
	y, p := make([]float64, 0, len(rows)), make([]float64, 0, len(rows)*k)
	for _, i := range rows {
		y = append(y, truth[i])
		p = append(p, predicted[i*k:(i+1)*k]...)
	}
	return m.Compute(y, p)
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
