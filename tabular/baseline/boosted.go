package baseline

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/internal/phase"
	"github.com/rowlink/rowlink/tabular/asof"
	"github.com/rowlink/rowlink/tabular/boost"
	"github.com/rowlink/rowlink/tasks"
)

func init() {
	makers.Add("boosted trees on as-of features", maker{4, fitBoosted, func() Baseline { return &Boosted{} }})
}

// Boosted is the mean of some gradient boosted trees on wide as-of features, each on
// samples of its own: the log loss for classes and, for values, the squared or the
// absolute error, as the task's metric asks. How many trees each has is chosen on
// validation.
type Boosted struct {
	Features []string // names of those that were worth keeping
	Models   []*boost.Model
	Leaves   int  // of a tree
	Aged     bool // training examples read stale rows
	// Drift is the half-life in days of the errors by which answers are put right; 0 = none.
	Drift float64 `json:",omitempty"`

	data *Data
	plan *asof.Wide
	keep []int // positions of Features in the plan

	drift *drift // nil = none
}

const (
	// boostedExamples bounds the training examples: the latest ones are kept.
	boostedExamples = 50_000
	// pruneExamples are looked at to find the features that are worth keeping.
	pruneExamples = 3_000
	// boostedFeatures is how many are read at most.
	boostedFeatures = 300
	// boostedModels is how many are averaged, of up to so many examples; more are learned
	// from once.
	boostedModels, averagedExamples = 3, 20_000
)

// boostedShapes are the trees that validation chooses among, all on samples of rows and
// columns, with a step for a budget of seconds: small ones, which few examples want, and
// larger ones.
var boostedShapes = []boost.Options{
	{Rounds: 600, Patience: 40, LearningRate: 0.05, MaxLeaves: 4, MinRows: 30, L2: 5, Subsample: 0.7, Colsample: 0.2},
	{Rounds: 600, Patience: 40, LearningRate: 0.05, MaxLeaves: 15, MinRows: 30, L2: 5, Subsample: 0.7, Colsample: 0.3},
}

// fitBoosted tries every shape and, where validation reads stale rows, training examples
// of the same staleness too.
func fitBoosted(ctx context.Context, f *Fit) (Baseline, error) {
	b := &Boosted{}
	if err := b.Attach(f.Data); err != nil {
		return nil, err
	}
	train := f.Train.latest(boostedExamples)
	shapes, ages := boostedShapes, []bool{false}
	if f.Quick {
		shapes = shapes[:1]
	}
	if f.Task.Options.ValRegime == tasks.Frozen {
		ages = append(ages, true)
	}
	var best *Boosted
	top := math.Inf(-1)
	for _, aged := range ages {
		e := train
		if aged {
			e.Queries = stale(f.Task, e.Queries)
		}
		if err := b.choose(ctx, e.spaced(pruneExamples)); err != nil { // how stale rows are tells something only here
			return nil, err
		}
		valid := &boost.Dataset{Columns: b.columns(f.Val.Queries)}
		data := &boost.Dataset{Columns: b.columns(e.Queries), Label: e.Label}
		for _, shape := range shapes {
			one := *b
			one.Aged, one.Leaves = aged, shape.MaxLeaves
			if err := one.grow(ctx, f, data, valid, shape); err != nil {
				return nil, err
			}
			predicted, err := one.Predict(ctx, f.Val.Queries)
			if err != nil {
				return nil, err
			}
			if s := f.Score(predicted); s > top {
				best, top = &one, s
			}
		}
	}
	if best == nil {
		return nil, fmt.Errorf("no trees give a validation metric")
	}
	return best, best.chooseDrift(ctx, f)
}

// grow fits the models of one shape, each stopped by validation.
func (b *Boosted) grow(ctx context.Context, f *Fit, data, valid *boost.Dataset, shape boost.Options) error {
	shape.Valid, shape.Score = valid, f.Watch
	models := boostedModels
	if f.Quick || len(data.Label) > averagedExamples || b.data.apart() {
		models = 1
	}
	for i := range models {
		shape.Seed = uint64(i + 1)
		if f.Task.Forecast != nil {
			if err := b.growFrames(ctx, f, data, shape); err != nil {
				return err
			}
			continue
		}
		if err := b.add(ctx, data, shape); err != nil {
			return err
		}
	}
	return nil
}

// stale moves the cuts of queries back, each by an amount of its own, as far as a frozen
// evaluation reads its rows before their anchors.
func stale(t *tasks.Task, queries []Query) []Query {
	o := &t.Options
	reach := float64(o.EvalAnchors-1) * o.Step.ApproxDays() * dayMicros
	out := slices.Clone(queries)
	for i, q := range out {
		share := tensor.Uniform(tensor.Hash64(0x57a1e, uint64(q.Row)), uint64(q.Anchor))
		out[i].Cut -= int64(reach * float64(share))
	}
	return out
}

// choose finds the features that are worth keeping by some examples: of those that tell
// anything, the ones that a few trees gain most by.
func (b *Boosted) choose(ctx context.Context, e Examples) error {
	b.keep = nil
	b.keep = asof.Prune(b.matrix(e.Queries), len(b.plan.Names))
	b.name()
	if len(b.keep) <= boostedFeatures {
		return nil
	}
	shape := boostedShapes[0]
	shape.Rounds, shape.LearningRate, shape.Patience, shape.Seed = 150, 0.1, 0, 1
	few := *b
	if err := few.add(ctx, &boost.Dataset{Columns: b.columns(e.Queries), Label: e.Label}, shape); err != nil {
		return err
	}
	gain := few.Models[0].Importance()
	for _, m := range few.Models[1:] { // of the other outputs
		for i, more := range m.Importance() {
			gain[i].Gain += more.Gain
		}
	}
	order := make([]int, len(b.keep))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(x, y int) int { return cmp.Compare(gain[y].Gain, gain[x].Gain) })
	order = order[:boostedFeatures]
	slices.Sort(order)
	for at, i := range order {
		b.keep[at] = b.keep[i]
	}
	b.keep = b.keep[:boostedFeatures]
	b.name()
	return nil
}

func (b *Boosted) name() {
	b.Features = make([]string, len(b.keep))
	for i, j := range b.keep {
		b.Features[i] = b.plan.Names[j]
	}
}

// spaced picks at most n examples at equal distances.
func (e Examples) spaced(n int) Examples {
	if len(e.Queries) <= n {
		return e
	}
	var out Examples
	k := e.width()
	for i := range n {
		at := i * len(e.Queries) / n
		out.Queries, out.Label = append(out.Queries, e.Queries[at]), append(out.Label, e.Label[at*k:(at+1)*k]...)
	}
	return out
}

// Refit grows as many rounds from training and validation examples together.
func (b *Boosted) Refit(ctx context.Context, f *Fit) (Baseline, error) {
	again := *b
	again.Models = nil
	again.setDrift(b.Drift)
	all := f.together().latest(boostedExamples)
	if b.Aged {
		all.Queries = stale(f.Task, all.Queries)
	}
	data := &boost.Dataset{Columns: b.columns(all.Queries), Label: all.Label}
	shape := boostedShapes[0]
	for _, s := range boostedShapes {
		if s.MaxLeaves == b.Leaves {
			shape = s
		}
	}
	for i, m := range b.Models {
		shape.Rounds, shape.Seed = m.Rounds(), uint64(i+1)
		if b.data.apart() {
			shape.Seed = uint64(i/b.data.Width() + 1)
			if err := again.addOutput(ctx, data, shape, i%b.data.Width()); err != nil {
				return nil, err
			}
			continue
		}
		if err := again.add(ctx, data, shape); err != nil {
			return nil, err
		}
	}
	return &again, nil
}

var _ Refitter = (*Boosted)(nil)

// add fits one more model.
func (b *Boosted) add(ctx context.Context, data *boost.Dataset, opt boost.Options) error {
	opt.Threads = b.data.Pool.Threads()
	if b.data.apart() {
		return b.addEach(ctx, data, opt)
	}
	opt.Objective, opt.Objectives.Classes = b.objective(), len(b.data.Classes)
	m, err := boost.Fit(ctx, data, opt)
	if err != nil {
		return err
	}
	b.Models = append(b.Models, m)
	return nil
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

// matrix is the features of each query, row-major.
func (b *Boosted) matrix(queries []Query) []float64 {
	q := make([]asof.Query, len(queries))
	for i := range q {
		q[i] = asof.Query(queries[i])
	}
	return b.plan.Features(b.data.Pool, q, b.keep)
}

func (b *Boosted) columns(queries []Query) []boost.Column {
	return boost.FromRows(b.Features, b.matrix(queries))
}

// Wide plans the features that trees read of a task.
func Wide(d *Data) (*asof.Wide, error) {
	return asof.NewWide(d.Graph, d.Encoders, asof.Options{Entity: d.Task.Entity, HalfLives: halfLives(d.Task), Rule: d.Task.Options.Rule, At: d.Task.Options.ValAnchor, Own: d.Task.Static(), Whole: d.Whole}, d.Pool)
}

// Plan is the plan of the features, with the positions of those that are read.
func (b *Boosted) Plan() (plan *asof.Wide, keep []int) { return b.plan, b.keep }

// Attach plans the features over d and finds those that were kept.
func (b *Boosted) Attach(d *Data) error {
	for _, m := range b.Models {
		if m == nil || len(m.Features) != len(b.Features) || m.Outputs() != d.perModel() {
			return fmt.Errorf("the stored trees are not of %d features and %d outputs; train again", len(b.Features), d.Width())
		}
	}
	plan, err := Wide(d)
	if err != nil {
		return err
	}
	at := map[string]int{}
	for j, n := range plan.Names {
		at[n] = j
	}
	b.data, b.plan, b.keep = d, plan, nil
	b.setDrift(b.Drift)
	if b.Features != nil {
		b.keep = make([]int, len(b.Features))
	}
	for i, n := range b.Features {
		j, ok := at[n]
		if !ok {
			return fmt.Errorf("the snapshot gives no as-of feature %q, which the model was trained on; train again", n)
		}
		b.keep[i] = j
	}
	return nil
}

// halfLives are 1, 4 and 16 horizons.
func halfLives(t *tasks.Task) []float64 {
	h := t.Pace()
	return []float64{h, 4 * h, 16 * h}
}

// Setting names the number of features and the rounds of each model.
func (b *Boosted) Setting() string {
	rounds := 0
	for _, m := range b.Models {
		rounds += m.Rounds()
	}
	aged := ""
	if b.Aged {
		aged = ", aged examples"
	}
	if b.Drift > 0 {
		aged += fmt.Sprintf(", put right by errors of half-life %g d", b.Drift)
	}
	return fmt.Sprintf("%d features, %d rounds, %d leaves%s", len(b.Features), rounds, b.Leaves, aged)
}

// Predict reads the features of each query, adds up the trees, averages the models and puts
// right what has drifted.
func (b *Boosted) Predict(ctx context.Context, queries []Query) ([]float64, error) {
	clock := phase.Start(ctx)
	x := b.matrix(queries)
	clock.Sampled()
	out := b.grown(x, len(queries))
	clock.Computed()
	if b.drift == nil {
		return out, nil
	}
	if err := b.drift.learn(ctx, b.data, b.raw); err != nil {
		return nil, err
	}
	b.drift.correct(b.data.Task.Options.Rule, queries, out)
	return out, nil
}

// raw is the mean of the models.
func (b *Boosted) raw(queries []Query) []float64 { return b.grown(b.matrix(queries), len(queries)) }

// grown is the mean of the models on features of n queries.
func (b *Boosted) grown(x []float64, n int) []float64 {
	if b.data.apart() {
		return b.each(x, n)
	}
	var out []float64
	for _, m := range b.Models {
		one := m.Predict(x, b.data.Pool.Threads())
		if out == nil {
			out = make([]float64, len(one))
		}
		for i, v := range one {
			out[i] += v / float64(len(b.Models))
		}
	}
	return out
}
