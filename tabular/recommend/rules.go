package recommend

import "fmt"

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
		out = append(out, rule{kind: popular, name: fmt.Sprintf("popularity, half-life %.3g d", halfLives[h]*w.horizon), score: func(x []float64) float64 { return x[item] }})
	}
	for h := range halfLives {
		pair, item := h, perChannelPair+1
		out = append(out, rule{kind: own, name: fmt.Sprintf("own history, half-life %.3g d", halfLives[h]*w.horizon), score: func(x []float64) float64 { return x[pair] + little*x[item] }})
	}
	for h := range halfLives {
		pair, item := h, perChannelPair+h
		out = append(out, rule{kind: both, name: fmt.Sprintf("own history times popularity, half-life %.3g d", halfLives[h]*w.horizon), score: func(x []float64) float64 { return (x[pair] + little) * (x[item] + little) }})
	}
	shared := len(w.channels) * perChannel
	return append(out, rule{kind: common, name: "common entities", score: func(x []float64) float64 { return x[shared] + little*x[perChannelPair+1] }})
}
