package baseline

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/rowlink/rowlink/tabular/boost"
	"github.com/rowlink/rowlink/tasks"
)

func init() {
	makers.Add("boosted trees on as-of features", maker{4, fitBoosted, func() Baseline { return &Boosted{} }})
}

// Boosted is gradient boosted trees on as-of features: the log loss for classes and, for
// values, the squared or the absolute error, as the task's metric asks. How many trees
// there are is chosen on validation.
type Boosted struct {
	Features []string // names, as a check that the plan is the same
	Model    *boost.Model

	reader
}

// boostedExamples bounds the training examples: the latest ones are kept.
const boostedExamples = 50_000

// boostedOptions are those of the reference's boosted trees on as-of features (small
// trees on samples of rows and columns), with a step for a budget of seconds.
var boostedOptions = boost.Options{Rounds: 600, Patience: 60, LearningRate: 0.05, MaxLeaves: 15, MinRows: 30, L2: 5,
	Subsample: 0.7, Colsample: 0.4, Seed: 1}

func fitBoosted(ctx context.Context, f *Fit) (Baseline, error) {
	b := &Boosted{}
	if err := b.Attach(f.Data); err != nil {
		return nil, err
	}
	b.Features = b.plan.Names
	opt := boostedOptions
	opt.Valid = &boost.Dataset{Columns: b.columns(f.Val.Queries)}
	opt.Score = f.Score
	defined := false
	opt.OnRound = func(_ int, score float64) { defined = defined || !math.IsNaN(score) }
	if err := b.fit(ctx, f.Train, opt); err != nil {
		return nil, err
	}
	if !defined {
		return nil, fmt.Errorf("no number of trees up to %d gives a validation metric", opt.Rounds)
	}
	return b, nil
}

// Refit grows as many rounds from training and validation examples together.
func (b *Boosted) Refit(ctx context.Context, f *Fit) (Baseline, error) {
	again := *b
	opt := boostedOptions
	opt.Rounds = b.Model.Rounds()
	all := Examples{slices.Concat(f.Train.Queries, f.Val.Queries), slices.Concat(f.Train.Label, f.Val.Label)}
	return &again, again.fit(ctx, all, opt)
}

var _ Refitter = (*Boosted)(nil)

func (b *Boosted) fit(ctx context.Context, e Examples, opt boost.Options) (err error) {
	e = e.latest(boostedExamples)
	opt.Threads = b.data.Pool.Threads()
	opt.Objective, opt.Objectives.Classes = b.objective(), len(b.data.Classes)
	b.Model, err = boost.Fit(ctx, &boost.Dataset{Columns: b.columns(e.Queries), Label: e.Label}, opt)
	return err
}

// squaredMetrics are lowest, or highest, at the mean.
var squaredMetrics = []string{"mse", "rmse", "r2", "explained_variance"}

// objective is the loss that the task's metric asks for.
func (b *Boosted) objective() string {
	switch t := b.data.Task; {
	case len(b.data.Classes) > 0:
		return "softmax"
	case t.Type == tasks.Binary:
		return "binary"
	case slices.Contains(squaredMetrics, t.Options.Metric):
		return "l2"
	}
	return "l1"
}

func (b *Boosted) columns(queries []Query) []boost.Column {
	return boost.FromRows(b.plan.Names, b.matrix(queries).x)
}

// Attach plans the features over d.
func (b *Boosted) Attach(d *Data) error {
	if m := b.Model; b.Features != nil && (m == nil || len(m.Features) != len(b.Features) || m.Outputs() != d.Width()) {
		return fmt.Errorf("the stored trees are not of %d features and %d outputs; train again", len(b.Features), d.Width())
	}
	return b.attach(d, b.Features)
}

// Setting names the number of trees and of features.
func (b *Boosted) Setting() string {
	return fmt.Sprintf("%d features, %d rounds", len(b.Features), b.Model.Rounds())
}

// Predict reads the features of each query and adds up the trees.
func (b *Boosted) Predict(_ context.Context, queries []Query) ([]float64, error) {
	return b.Model.Predict(b.matrix(queries).x, b.data.Pool.Threads()), nil
}
