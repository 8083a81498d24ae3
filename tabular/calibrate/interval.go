package calibrate

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Interval says how far values lie from what was predicted for them: split conformal
// prediction (Vovk et al., 2005) with one weight per anchor, because values of one anchor
// share its events (Dunn, Wasserman and Ramdas, 2022).
type Interval struct {
	// Groups is the number of anchors that weigh equally; ByExample says that there were
	// too few of them, so that every example weighs the same.
	Groups    int  `json:"groups"`
	ByExample bool `json:"by_example,omitempty"`
	// Distance ascends; Share is the part of the weight at or below each, of one group
	// more than there are: what a new anchor brings is not known.
	Distance []float64 `json:"distance"`
	Share    []float64 `json:"share"`
	// Spread is what distances are divided by, nil = they are in the value's unit.
	Spread *Spread `json:"spread,omitempty"`
	// Floor is the least value that there is, nil = none is known.
	Floor *float64 `json:"floor,omitempty"`
}

// Spread is the typical distance from the truth by predicted value.
type Spread struct {
	At    []float64 `json:"at"`    // predicted values, ascending
	Width []float64 `json:"width"` // above 0
}

// of is linear between the knots and flat outside.
func (s *Spread) of(predicted float64) float64 {
	if s == nil {
		return 1
	}
	return between(s.At, s.Width, predicted)
}

const (
	// leastGroups is how many anchors can weigh equally: fewer give no 90 % interval.
	leastGroups = 10
	// mostDistances bounds what is stored.
	mostDistances = 1000
	// judged is the level by whose interval score (Gneiting and Raftery, 2007) it is decided
	// whether distances are divided by a spread.
	judged = 0.9
)

// NewInterval learns from validation answers. floor is the least value that there can be.
// A spread is used where intervals get better by more than one standard error on anchors
// that neither it nor the quantiles saw. It is nil where fewer than 20 examples are there.
func NewInterval(a Answers, floor *float64) *Interval {
	if len(a.Truth) < 20 {
		return nil
	}
	plain := newInterval(a, floor, false)
	fold, n := deal(a.Anchor)
	if len(a.Truth) < leastExamples || n < 2 {
		return plain
	}
	before, after := make([]float64, len(a.Truth)), make([]float64, len(a.Truth))
	for held := range n {
		rest := a.only(1, func(i int) bool { return fold[i] != held })
		for spread, into := range map[bool][]float64{false: before, true: after} {
			v := newInterval(rest, floor, spread)
			for i, f := range fold {
				if f == held {
					into[i] = v.score(a.Predicted[i], a.Truth[i])
				}
			}
		}
	}
	if gain, err := gained(before, after, a.Anchor); gain > err {
		return newInterval(a, floor, true)
	}
	return plain
}

func newInterval(a Answers, floor *float64, spread bool) *Interval {
	v := &Interval{Floor: floor}
	if spread {
		v.Spread = newSpread(a)
	}
	size := map[int64]float64{}
	for _, anchor := range a.Anchor {
		size[anchor]++
	}
	v.Groups = len(size)
	if v.ByExample = len(size) < leastGroups; v.ByExample {
		v.Groups = len(a.Truth)
	}
	type point struct{ distance, weight float64 }
	points := make([]point, len(a.Truth))
	for i, y := range a.Truth {
		w := 1 / float64(v.Groups+1)
		if !v.ByExample {
			w /= size[a.Anchor[i]]
		}
		points[i] = point{math.Abs(y-a.Predicted[i]) / v.Spread.of(a.Predicted[i]), w}
	}
	slices.SortStableFunc(points, func(x, y point) int { return cmp.Compare(x.distance, y.distance) })
	step, share := (len(points)+mostDistances-1)/mostDistances, 0.0
	for i, p := range points {
		share += p.weight
		if last := i == len(points)-1; i%step == step-1 || last {
			v.Distance, v.Share = append(v.Distance, p.distance), append(v.Share, share)
		}
	}
	return v
}

// spreadKnots is the most knots of a spread; each stands on at least as many examples.
const spreadKnots = 10

// newSpread is the mean distance in stretches of predicted values of equal numbers of
// examples, drawn to the mean of all as with so many examples of it more: the fewer, the
// flatter.
func newSpread(a Answers) *Spread {
	order := make([]int, len(a.Truth))
	mean := 0.0
	for i, y := range a.Truth {
		order[i] = i
		mean += math.Abs(y-a.Predicted[i]) / float64(len(order))
	}
	if mean == 0 {
		return nil
	}
	slices.SortStableFunc(order, func(x, y int) int { return cmp.Compare(a.Predicted[x], a.Predicted[y]) })
	s := &Spread{}
	knots := min(spreadKnots, max(1, len(order)/(2*spreadKnots)))
	for k := range knots {
		at, width := 0.0, mean*spreadKnots
		of := order[k*len(order)/knots : (k+1)*len(order)/knots]
		for _, i := range of {
			at += a.Predicted[i] / float64(len(of))
			width += math.Abs(a.Truth[i] - a.Predicted[i])
		}
		if n := len(s.At); n > 0 && !(at > s.At[n-1]) {
			continue
		}
		s.At, s.Width = append(s.At, at), append(s.Width, width/float64(len(of)+spreadKnots))
	}
	return s
}

// Around returns the interval of a level around a predicted value. A level beyond what
// the examples can promise gets the largest distance that they have; see Most.
func (v *Interval) Around(level, predicted float64) (lower, upper float64) {
	at, _ := slices.BinarySearch(v.Share, level)
	d := v.Distance[min(at, len(v.Distance)-1)] * v.Spread.of(predicted)
	lower, upper = predicted-d, predicted+d
	if v.Floor != nil {
		lower, upper = max(lower, *v.Floor), max(upper, *v.Floor)
	}
	return lower, upper
}

// Most is the highest level that the examples can promise.
func (v *Interval) Most() float64 { return v.Share[len(v.Share)-1] }

// score is the width of the interval plus what it misses the truth by, weighed so that
// the true quantiles are best.
func (v *Interval) score(predicted, truth float64) float64 {
	lower, upper := v.Around(judged, predicted)
	return upper - lower + 2/(1-judged)*max(0, lower-truth, truth-upper)
}

// Check refuses what cannot be computed, as read from a file may be.
func (v *Interval) Check() error {
	switch {
	case len(v.Distance) == 0 || len(v.Distance) != len(v.Share):
		return fmt.Errorf("an interval of %d distances with %d shares", len(v.Distance), len(v.Share))
	case v.Groups < 1:
		return fmt.Errorf("an interval from %d anchors", v.Groups)
	case v.Floor != nil && (math.IsNaN(*v.Floor) || math.IsInf(*v.Floor, 0)):
		return errors.New("an interval's floor is not a number")
	}
	for i, d := range v.Distance {
		if !(d >= 0) || !(v.Share[i] > 0 && v.Share[i] <= 1) || i > 0 && (d < v.Distance[i-1] || v.Share[i] < v.Share[i-1]) {
			return errors.New("an interval's distances and shares must not fall, and shares lie between 0 and 1")
		}
	}
	return v.Spread.check()
}

func (s *Spread) check() error {
	if s == nil {
		return nil
	}
	if len(s.At) == 0 || len(s.At) != len(s.Width) {
		return fmt.Errorf("a spread of %d values with %d widths", len(s.At), len(s.Width))
	}
	for i := range s.At {
		if !(s.Width[i] > 0) || i > 0 && !(s.At[i] > s.At[i-1]) {
			return errors.New("a spread's values must ascend and its widths lie above 0")
		}
	}
	return nil
}

// UnmarshalJSON refuses fields that it does not know, as [Calibration.UnmarshalJSON] does.
func (v *Interval) UnmarshalJSON(data []byte) error {
	type plain Interval
	return strict(data, (*plain)(v), "interval")
}
