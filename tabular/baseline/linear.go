package baseline

import (
	"context"
	"fmt"
	"math"

	"github.com/rowlink/rowlink/internal/phase"
	"github.com/rowlink/rowlink/tasks"
)

func init() {
	makers.Add("linear on as-of features", maker{3, fitLinear, func() Baseline { return &Linear{} }})
}

// Linear is a penalised linear model on as-of features: logistic regression for classes
// (one against the rest for several), least absolute deviations for values. The
// penalty is chosen on validation.
type Linear struct {
	Features    []string    // names, as a check that the plan is the same
	Chosen      []int       // positions of those that are read; nil = all
	Mean, Scale []float64   // of each that is read; scale 0 marks a constant one
	Weights     [][]float64 // per output: one weight per feature and the intercept
	Lambda      float64
	Low, High   float64 // values are clipped to the 2-98 % range of the training labels

	reader
}

// linearPenalties is the grid of the penalty, relative to the number of examples.
var linearPenalties = []float64{1, 0.1, 0.01, 0.001}

// linearExamples bounds the training examples: the latest ones are kept, so that the
// cost stays seconds on large label tables.
const linearExamples = 20_000

// linearFeatures bounds the features, with whose square the cost grows: those that go
// most with the label alone are kept.
const linearFeatures = 300

func fitLinear(ctx context.Context, f *Fit) (Baseline, error) {
	base := &Linear{}
	if err := base.Attach(f.Data); err != nil {
		return nil, err
	}
	base.Features = base.plan.Names
	train := f.Train.latest(linearExamples)
	x := base.matrix(train.Queries)
	base.Mean, base.Scale = x.standardise()
	if x.k > linearFeatures {
		base.Chosen = x.telling(f.level(train.Label), linearFeatures)
		x = x.take(base.Chosen)
		base.Mean, base.Scale = at(base.Mean, base.Chosen), at(base.Scale, base.Chosen)
	}
	base.Low, base.High = middle(train.Label)
	var best *Linear
	bestScore := math.Inf(-1)
	for _, lambda := range linearPenalties {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		l := *base
		l.Lambda = lambda
		if err := l.solve(x, train.Label); err != nil {
			return nil, err
		}
		predicted, err := l.Predict(ctx, f.Val.Queries)
		if err != nil {
			return nil, err
		}
		if s := f.Score(predicted); s > bestScore {
			best, bestScore = &l, s
		}
	}
	if best == nil {
		return nil, fmt.Errorf("no penalty of %v gives a validation metric", linearPenalties)
	}
	return best, nil
}

// Refit fits the weights anew on training and validation examples together, with the
// features and the penalty that validation chose.
func (l *Linear) Refit(_ context.Context, f *Fit) (Baseline, error) {
	again := *l
	all := f.together().latest(linearExamples)
	x := again.matrix(all.Queries)
	if l.Chosen != nil {
		x = x.take(l.Chosen)
	}
	again.Mean, again.Scale = x.standardise()
	again.Low, again.High = middle(all.Label)
	return &again, again.solve(x, all.Label)
}

var _ Refitter = (*Linear)(nil)

// middle is the 2-98 % range of the labels.
func middle(labels []float64) (low, high float64) {
	s := sorted(labels)
	return s[len(s)*2/100], s[(len(s)-1)*98/100]
}

func (l *Linear) solve(x design, labels []float64) error {
	l.Weights = nil
	for c := range l.data.Width() {
		var b []float64
		var err error
		switch {
		case len(l.data.Classes) > 0:
			b, err = x.logistic(l.data.isClass(labels, c), l.Lambda)
		case l.data.Task.Type == tasks.Binary:
			b, err = x.logistic(labels, l.Lambda)
		default:
			b, err = x.absolute(l.data.target(labels, c), l.Lambda)
		}
		if err != nil {
			return err
		}
		l.Weights = append(l.Weights, b)
	}
	return nil
}

// Attach plans the features over d.
func (l *Linear) Attach(d *Data) error {
	for _, j := range l.Chosen {
		if j < 0 || j >= len(l.Features) {
			return fmt.Errorf("the stored weights are of feature %d, there are %d; train again", j, len(l.Features))
		}
	}
	return l.attach(d, l.Features)
}

// Setting names the penalty and the number of features.
func (l *Linear) Setting() string {
	return fmt.Sprintf("%d features, penalty %g", len(l.Mean), l.Lambda)
}

// Predict reads the features of each query and applies the weights.
func (l *Linear) Predict(ctx context.Context, queries []Query) ([]float64, error) {
	clock := phase.Start(ctx)
	x := l.matrix(queries)
	clock.Sampled()
	defer clock.Computed()
	if l.Chosen != nil {
		x = x.take(l.Chosen)
	}
	x.apply(l.Mean, l.Scale)
	k := len(l.Weights)
	out := make([]float64, x.n*k)
	for i := range x.n {
		for c, b := range l.Weights {
			out[i*k+c] = dot(b, x.row(i))
		}
		l.answer(out[i*k : (i+1)*k])
	}
	return out, nil
}

// answer turns the scores of one query into its prediction, in place.
func (l *Linear) answer(scores []float64) []float64 {
	var sum float64
	for c, v := range scores {
		if len(l.data.Classes) > 0 || l.data.Task.Type == tasks.Binary {
			v = sigmoid(v)
		} else {
			v = math.Max(l.Low, math.Min(l.High, v))
		}
		scores[c] = v
		sum += v
	}
	for c := range scores {
		if len(scores) > 1 && sum > 0 && !l.data.apart() {
			scores[c] /= sum
		}
	}
	return scores
}
