package boost

import (
	"fmt"
	"math"

	"github.com/rowlink/rowlink/internal/registry"
)

// Objective is a loss over the rows of one dataset.
type Objective interface {
	// Outputs is how many numbers a row has; every round grows a tree for each.
	Outputs() int
	// Base is the score of every row before the first tree, per output.
	Base() []float64
	// Gradients writes the first and second derivatives of the loss by the scores; all
	// three are outputs x rows. Rows may be worked on by several goroutines at once, but a
	// row's numbers do not depend on how many there are.
	Gradients(p pool, score, grad, hess [][]float64)
}

// renewer is an objective whose leaves hold a quantile of the residuals, since its second
// derivative says nothing about where the best value is.
type renewer interface {
	Objective
	renewal() (quantile float64)
}

// kind is what is registered under the name of an objective.
type kind struct {
	fit func(d *Dataset, o ObjectiveOptions) (Objective, error)
	// link turns the scores of one row into its prediction, in place; nil = it is the same.
	link func(scores []float64)
	// wide allows more than one output.
	wide bool
}

var kinds = registry.New[kind]("objective")

// Objectives lists the names of the registered objectives.
func Objectives() []string { return kinds.Names() }

// pointwise is an objective of one output whose rows do not know of each other.
type pointwise struct {
	label, weight []float64
	base          float64
	// derive returns the derivatives of a row's loss, before its weight.
	derive func(label, score float64) (g, h float64)
}

func (*pointwise) Outputs() int { return 1 }

func (o *pointwise) Base() []float64 { return []float64{o.base} }

func (o *pointwise) Gradients(p pool, score, grad, hess [][]float64) {
	s, g, h := score[0], grad[0], hess[0]
	p.rows(len(s), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			g[i], h[i] = o.derive(o.label[i], s[i])
			if o.weight != nil {
				g[i] *= o.weight[i]
				h[i] *= o.weight[i]
			}
		}
	})
}

// eachLabel finds the first label that is not as wanted.
func eachLabel(labels []float64, want string, ok func(y float64) bool) error {
	for i, y := range labels {
		if !ok(y) {
			return fmt.Errorf("label %v of row %d, want %s", y, i, want)
		}
	}
	return nil
}

func finite(v float64) bool { return v-v == 0 }

func whole(v float64) bool { return v == math.Trunc(v) }

// weighted is the mean of values; weight nil = all 1.
func weighted(values, weight []float64) float64 {
	var sum, n float64
	for i, v := range values {
		w := 1.0
		if weight != nil {
			w = weight[i]
		}
		sum += w * v
		n += w
	}
	return sum / n
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
