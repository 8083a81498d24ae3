package blend

import (
	"math"

	"github.com/rowlink/rowlink/tasks"
)

// Candidate is a predictor with its answers to the validation examples.
type Candidate struct {
	Name   string
	Answer []float64 // examples x width
}

// Validation is what a choice is made on.
type Validation struct {
	Truth      []float64
	Anchor     []int64 // of each example; whole anchors are drawn
	Metric     tasks.Metric
	Candidates []Candidate // the simplest first
	Seed       uint64      // of the draws
}

// mostExamples bounds the cost of a choice: of more validation examples every n-th is
// looked at, in the order of the label table.
const mostExamples = 20_000

// score is the metric turned so that more is better; NaN where it is not defined.
func (v *Validation) score(answer []float64, rows []int) float64 {
	s := tasks.MetricOn(v.Metric, v.Truth, answer, rows)
	if v.Metric.HigherIsBetter() {
		return s
	}
	return -s
}

// all lists the examples that choices look at.
func (v *Validation) all() []int {
	step := (len(v.Truth) + mostExamples - 1) / mostExamples
	var rows []int
	for i := 0; i < len(v.Truth); i += max(1, step) {
		rows = append(rows, i)
	}
	return rows
}

// thinned is the validation with the examples of all alone.
func (v *Validation) thinned() *Validation {
	rows := v.all()
	if len(rows) == len(v.Truth) {
		return v
	}
	out := &Validation{Metric: v.Metric, Seed: v.Seed}
	for _, r := range rows {
		out.Truth, out.Anchor = append(out.Truth, v.Truth[r]), append(out.Anchor, v.Anchor[r])
	}
	for _, c := range v.Candidates {
		width := len(c.Answer) / len(v.Truth)
		thin := Candidate{Name: c.Name}
		for _, r := range rows {
			thin.Answer = append(thin.Answer, c.Answer[r*width:(r+1)*width]...)
		}
		out.Candidates = append(out.Candidates, thin)
	}
	return out
}

// best is the candidate with the best score on the given examples, the first of equals;
// -1 where none has a score.
func (v *Validation) best(rows []int) (at int, score float64) {
	at, score = -1, math.NaN()
	for i, c := range v.Candidates {
		if s := v.score(c.Answer, rows); !math.IsNaN(s) && (at < 0 || s > score) {
			at, score = i, s
		}
	}
	return at, score
}
