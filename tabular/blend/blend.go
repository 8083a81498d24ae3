// Package blend owns what is made of several predictors of one task: a weighted mean of
// their answers, and the choice between the blend and each of them. All of it looks at
// answers to the validation examples only.
package blend

import (
	"errors"
	"fmt"
	"math"
)

// Mean is how answers are averaged.
type Mean string

// The means.
const (
	// Arithmetic is for values.
	Arithmetic Mean = "arithmetic"
	// LogOdds is for the probability of one event: the mean of log(p / (1 - p)).
	LogOdds Mean = "log odds"
	// Geometric is for the probabilities of several classes: the mean of log(p),
	// normalised to sum up to 1.
	Geometric Mean = "geometric"
)

// leastProbability bounds probabilities before a logarithm, so that one predictor that is
// certain does not outvote all others.
const leastProbability = 1e-4

// Blend is a weighted mean of predictors.
type Blend struct {
	Mean    Mean      `json:"mean"`
	Width   int       `json:"width"` // numbers per example
	Names   []string  `json:"names"`
	Weights []float64 `json:"weights"` // one per name, above 0, of sum 1
}

// Check refuses a blend that cannot be computed, as one read from a file may be.
func (b *Blend) Check() error {
	if len(b.Names) == 0 || len(b.Names) != len(b.Weights) || b.Width < 1 {
		return fmt.Errorf("a blend of %d predictors with %d weights and %d numbers per example", len(b.Names), len(b.Weights), b.Width)
	}
	sum := 0.0
	for _, w := range b.Weights {
		if !(w > 0) {
			return errors.New("a blend's weights must be above 0")
		}
		sum += w
	}
	if math.Abs(sum-1) > 1e-6 {
		return fmt.Errorf("a blend's weights add up to %g, want 1", sum)
	}
	switch b.Mean {
	case Arithmetic, LogOdds, Geometric:
		return nil
	}
	return fmt.Errorf("a blend by %q, want %q, %q or %q", b.Mean, Arithmetic, LogOdds, Geometric)
}

// Combine returns the blend of the predictors' answers, in the order of Names, each
// examples x Width. The answer to an example depends on the answers to it alone.
func (b *Blend) Combine(answers [][]float64) []float64 {
	sum := make([]float64, len(answers[0]))
	for i, a := range answers {
		for k, v := range a {
			sum[k] += b.Weights[i] * b.Mean.Open(v)
		}
	}
	b.Mean.close(sum, b.Width)
	return sum
}

// Open maps an answer to where it is averaged.
func (m Mean) Open(v float64) float64 {
	switch m {
	case LogOdds:
		p := min(max(v, leastProbability), 1-leastProbability)
		return math.Log(p) - math.Log1p(-p)
	case Geometric:
		return math.Log(max(v, leastProbability))
	}
	return v
}

// close maps averages, in place, to answers.
func (m Mean) close(sum []float64, width int) {
	switch m {
	case LogOdds:
		for i, v := range sum {
			sum[i] = 1 / (1 + math.Exp(-v))
		}
	case Geometric:
		for lo := 0; lo < len(sum); lo += width {
			normalise(sum[lo : lo+width])
		}
	}
}

// normalise turns logarithms into probabilities of sum 1.
func normalise(row []float64) {
	total := 0.0
	for i, v := range row {
		row[i] = math.Exp(v)
		total += row[i]
	}
	for i := range row {
		row[i] /= total
	}
}
