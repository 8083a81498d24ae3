package calibrate

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

// Answers are what was predicted for examples beside what came true.
type Answers struct {
	Truth     []float64 // 0 or 1, the class's position, or the value
	Predicted []float64 // examples x width
	Anchor    []int64   // of each example; anchors are held out as wholes
}

// folds is how many parts anchors are dealt into, each held out once.
const folds = 5

// leastExamples is how many examples a map must stand on.
const leastExamples = 50

// Choose fits a calibration of each kind and keeps the one whose log loss is least on
// anchors that it did not see, if it gains more than one standard error over leaving the
// probabilities alone. What is kept is fitted to all examples. Equal arguments give equal
// bits.
func Choose(a Answers) *Calibration {
	width := 1
	if n := len(a.Truth); n > 0 {
		width = len(a.Predicted) / n
	}
	best := fit(Identity, a, width)
	fold, n := deal(a.Anchor)
	if n < 2 || len(a.Truth) < leastExamples {
		return best
	}
	before := losses(best, a, width)
	for _, kind := range []Kind{Platt, Isotonic} {
		after := make([]float64, len(before))
		for held := range n {
			c := fit(kind, a.only(width, func(i int) bool { return fold[i] != held }), width)
			for i, loss := range losses(c, a, width) {
				if fold[i] == held {
					after[i] = loss
				}
			}
		}
		gain, err := gained(before, after, a.Anchor)
		if gain > err && gain > best.Gain {
			best = fit(kind, a, width)
			best.Gain, best.Error = gain, err
		}
	}
	return best
}

// deal puts anchors, in the order of time, into folds of neighbours: close anchors share
// events. It returns the fold of each example and their number.
func deal(anchors []int64) (fold []int, n int) {
	order := slices.Compact(slices.Sorted(slices.Values(anchors)))
	n = min(folds, len(order))
	fold = make([]int, len(anchors))
	for i, a := range anchors {
		at, _ := slices.BinarySearch(order, a)
		fold[i] = at * n / len(order)
	}
	return fold, n
}

func (a Answers) only(width int, keep func(i int) bool) Answers {
	var out Answers
	for i := range a.Truth {
		if keep(i) {
			out.Truth, out.Anchor = append(out.Truth, a.Truth[i]), append(out.Anchor, a.Anchor[i])
			out.Predicted = append(out.Predicted, a.Predicted[i*width:(i+1)*width]...)
		}
	}
	return out
}

// losses are the log losses of the examples.
func losses(c *Calibration, a Answers, width int) []float64 {
	out := make([]float64, len(a.Truth))
	p := c.Apply(a.Predicted)
	for i, y := range a.Truth {
		q := p[i*width]
		switch {
		case width > 1:
			q = p[i*width+int(y)]
		case y == 0:
			q = 1 - q
		}
		out[i] = -math.Log(max(q, leastProbability))
	}
	return out
}

// gained is the mean of before minus after, and its standard error over anchors.
func gained(before, after []float64, anchors []int64) (gain, err float64) {
	sums, sizes := map[int64]float64{}, map[int64]float64{}
	for i, a := range anchors {
		d := before[i] - after[i]
		gain += d / float64(len(before))
		sums[a] += d
		sizes[a]++
	}
	var variance float64
	for _, a := range slices.Sorted(maps.Keys(sums)) {
		d := sums[a] - gain*sizes[a]
		variance += d * d
	}
	groups := float64(len(sums))
	return gain, math.Sqrt(variance*groups/(groups-1)) / float64(len(before))
}

// fit fits a map per probability: of one event to it, of classes each to whether the
// example is of that class.
func fit(kind Kind, a Answers, width int) *Calibration {
	c := &Calibration{Kind: kind, Maps: make([]Map, width)}
	for k := range c.Maps {
		c.Maps[k] = Map{Kind: Identity}
		p, y := make([]float64, len(a.Truth)), make([]float64, len(a.Truth))
		for i, truth := range a.Truth {
			p[i], y[i] = a.Predicted[i*width+k], truth
			if width > 1 {
				y[i] = 0
				if int(truth) == k {
					y[i] = 1
				}
			}
		}
		switch kind {
		case Platt:
			c.Maps[k] = platt(p, y)
		case Isotonic:
			c.Maps[k] = isotonic(p, y)
		}
	}
	return c
}

// plattRounds bounds Newton's method, which takes about ten.
const plattRounds = 100

// platt fits slope and shift by Newton's method to targets that are drawn in from 0 and 1
// as Platt does, (n+ + 1)/(n+ + 2) and 1/(n- + 2), so that labels of one kind give no
// infinite shift. A slope that would turn the order round becomes a small one.
func platt(p, y []float64) Map {
	positive := 0.0
	for _, v := range y {
		positive += v
	}
	hi, lo := (positive+1)/(positive+2), 1/(float64(len(y))-positive+2)
	x, t := make([]float64, len(p)), make([]float64, len(p))
	for i := range p {
		x[i], t[i] = logOdds(p[i]), lo+(hi-lo)*y[i]
	}
	slope, shift := 1.0, 0.0
	last := crossEntropy(x, t, slope, shift)
	for range plattRounds {
		ds, db := newton(x, t, slope, shift)
		step := 1.0
		for step > 1e-6 && !(crossEntropy(x, t, slope-step*ds, shift-step*db) <= last) {
			step /= 2
		}
		slope, shift = slope-step*ds, shift-step*db
		now := crossEntropy(x, t, slope, shift)
		if last-now < 1e-10*(1+math.Abs(last)) {
			break
		}
		last = now
	}
	return Map{Kind: Platt, Slope: max(slope, leastSlope), Shift: shift}
}

// leastSlope is the flattest map that still keeps the order.
const leastSlope = 1e-3

func crossEntropy(x, t []float64, slope, shift float64) float64 {
	sum := 0.0
	for i, v := range x {
		z := slope*v + shift
		sum += math.Max(z, 0) - z*t[i] + math.Log1p(math.Exp(-math.Abs(z)))
	}
	return sum
}

// newton is the step of Newton's method.
func newton(x, t []float64, slope, shift float64) (ds, db float64) {
	const ridge = 1e-9
	gs, gb, ss, sb, bb := 0.0, 0.0, ridge, 0.0, ridge
	for i, v := range x {
		q := 1 / (1 + math.Exp(-slope*v-shift))
		g, h := q-t[i], q*(1-q)
		gs, gb = gs+g*v, gb+g
		ss, sb, bb = ss+h*v*v, sb+h*v, bb+h
	}
	det := ss*bb - sb*sb
	return (bb*gs - sb*gb) / det, (ss*gb - sb*gs) / det
}

// isotonic pools neighbours that fall (Ayer et al., 1955). A pool's mean stands at its
// mean score, and is drawn in as with one example of each kind more, so that a short pool
// of one kind does not become certain.
func isotonic(p, y []float64) Map {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	var pools []pool
	for _, i := range order {
		pools = append(pools, pool{1, p[i], y[i]})
		for n := len(pools); n > 1 && pools[n-1].falls(pools[n-2]); n = len(pools) {
			a, b := pools[n-2], pools[n-1]
			pools = append(pools[:n-2], pool{a.n + b.n, a.score + b.score, a.positive + b.positive})
		}
	}
	m := Map{Kind: Isotonic}
	for _, q := range pools {
		from, to := q.score/q.n, (q.positive+1)/(q.n+2)
		if n := len(m.To); n > 0 {
			to = max(to, m.To[n-1])
			if !(from > m.From[n-1]) {
				continue
			}
		}
		m.From, m.To = append(m.From, from), append(m.To, to)
	}
	if len(m.From) == 0 {
		return Map{Kind: Isotonic, From: []float64{0, 1}, To: []float64{0, 1}}
	}
	return m
}

type pool struct{ n, score, positive float64 }

// falls reports whether a pool is not above the one before it, or has its score.
func (q pool) falls(before pool) bool {
	return q.positive*before.n <= before.positive*q.n || q.score*before.n <= before.score*q.n
}
