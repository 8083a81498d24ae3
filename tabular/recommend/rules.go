package recommend

import (
	"math"
	"strconv"
)

// rule orders candidates by a formula of their features: nothing is learned.
type rule struct {
	name  string
	kind  string // rules of a kind differ in their half-life
	score func(x []float64) float64
}

// Kinds of rules.
const (
	popular = "popularity"
	own     = "own history"
	both    = "own history times popularity"
	common  = "common entities"
)

// rules lists the rules of a task, the simplest first. Ties of one's own items are broken
// by popularity, which counts for less than any event that is not long forgotten.
func (w *world) rules() []rule {
	const little = 1e-6
	var out []rule
	for h := range halfLives {
		item := perChannelPair + h
		out = append(out, rule{kind: popular, name: "popularity, half-life " + w.days(halfLives[h]), score: func(x []float64) float64 { return x[item] }})
	}
	for h := range halfLives {
		pair, item := h, perChannelPair+1
		out = append(out, rule{kind: own, name: "own history, half-life " + w.days(halfLives[h]), score: func(x []float64) float64 { return x[pair] + little*x[item] }})
	}
	for h := range halfLives {
		pair, item := h, perChannelPair+h
		out = append(out, rule{kind: both, name: "own history times popularity, half-life " + w.days(halfLives[h]), score: func(x []float64) float64 { return (x[pair] + little) * (x[item] + little) }})
	}
	shared := len(w.channels) * perChannel
	return append(out, rule{kind: common, name: "common entities", score: func(x []float64) float64 { return x[shared] + little*x[perChannelPair+1] }})
}

// days writes so many horizons in days, with three digits or the whole number.
func (w *world) days(horizons float64) string {
	d := horizons * w.horizon
	digits := 2
	if d > 0 {
		digits = max(0, 2-int(math.Floor(math.Log10(d))))
	}
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(d, 'f', digits, 64), 64) // drops zeros at the end
	return strconv.FormatFloat(rounded, 'f', -1, 64) + " d"
}
