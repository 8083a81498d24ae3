// Package baseline owns the predictors that stand beside every network: the constant,
// the entity's own history, its decayed form, and a linear model and boosted trees on as-of
// features. A network that does not clear them adds nothing, so no report leaves them
// out.
package baseline

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/internal/registry"
	"github.com/rowlink/rowlink/tabular/asof"
	"github.com/rowlink/rowlink/tasks"
)

// Query asks for the prediction of one entity at an anchor. No row beyond the cut is read,
// which lies before the anchor where rows are stale.
type Query struct {
	Row         int32
	Cut, Anchor int64
}

// Baseline is a fitted predictor. Its exported fields are its state and are stored as
// JSON.
type Baseline interface {
	// Attach gives the predictor the data that it reads at prediction.
	Attach(d *Data) error
	// Predict returns queries x Data.Width: the probability of the positive class, the
	// value, or the probability of each class. No row beyond a query's cut is read.
	Predict(ctx context.Context, queries []Query) ([]float64, error)
	// Setting says in words what was chosen on validation; it may be empty.
	Setting() string
}

// Refitter is a baseline that can be fitted anew on training and validation examples
// together, with the settings that validation chose. One without has nothing to fit or
// nothing to gain.
type Refitter interface {
	Refit(ctx context.Context, f *Fit) (Baseline, error)
}

// Data is what baselines read.
type Data struct {
	Graph    *graph.Graph // its last table is the task's target history
	History  []float64    // label of each row of the target history
	Task     *tasks.Task
	Classes  []string        // multiclass
	Encoders []*encode.Table // nil entries for tables that take no part
	Pool     *tensor.Pool
	Whole    *asof.Whole // nil = the graph is no part of a larger database
}

// Width is the number of predicted numbers per query.
func (d *Data) Width() int { return max(len(d.Classes), d.Task.Frames()) }

// Examples are labelled queries of one split.
type Examples struct {
	Queries []Query
	Label   []float64 // one per query; of a forecast one per timeframe of each, row-major
}

// Fit is given to a baseline to learn from.
type Fit struct {
	*Data
	Train, Val Examples
	// Quick asks for what takes a second or two: one shape, one model.
	Quick bool
	// Score is the validation metric of predictions for Val, turned so that more is better.
	// What is chosen among has the scores that it returns.
	Score func(predicted []float64) float64
	// Watch is the same metric for what is still being fitted, which is no candidate by
	// itself: a part of a mean, to be stopped in time.
	Watch func(predicted []float64) float64
}

// together are training and validation examples.
func (f *Fit) together() Examples {
	return Examples{slices.Concat(f.Train.Queries, f.Val.Queries), slices.Concat(f.Train.Label, f.Val.Label)}
}

// maker fits a baseline, and returns an empty one to read stored state into.
type maker struct {
	order int // place in reports
	fit   func(ctx context.Context, f *Fit) (Baseline, error)
	empty func() Baseline
}

var makers = registry.New[maker]("baseline")

// Names lists the baselines in the order of reports, simplest first.
func Names() []string {
	names := makers.Names()
	slices.SortFunc(names, func(a, b string) int {
		x, _ := makers.Get(a)
		y, _ := makers.Get(b)
		return cmp.Compare(x.order, y.order)
	})
	return names
}

// Train fits the named baseline, choosing its settings on validation only.
func Train(ctx context.Context, name string, f *Fit) (Baseline, error) {
	m, err := makers.Get(name)
	if err != nil {
		return nil, err
	}
	b, err := m.fit(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("baseline %s: %w", name, err)
	}
	return b, nil
}

// Load reads the stored state of the named baseline and attaches it to d.
func Load(name string, state []byte, d *Data) (Baseline, error) {
	m, err := makers.Get(name)
	if err != nil {
		return nil, err
	}
	b := m.empty()
	if err := json.Unmarshal(state, b); err != nil {
		return nil, fmt.Errorf("read baseline %s: %w", name, err)
	}
	if err := b.Attach(d); err != nil {
		return nil, fmt.Errorf("baseline %s: %w", name, err)
	}
	return b, nil
}

// Collect gathers the examples of one split of a label table.
func Collect(l *tasks.LabelTable, split tasks.Split) Examples {
	var e Examples
	for _, i := range l.Rows(split) {
		e.Queries = append(e.Queries, Query{l.Entity[i], l.Cut(i), l.Anchor[i]})
		e.Label = append(e.Label, l.Truth(i)...)
	}
	return e
}

// prior is the prediction that fits the labels best when nothing else is known: class
// shares, the share of positives, or the median.
func prior(d *Data, labels []float64) []float64 {
	out := make([]float64, d.Width())
	switch {
	case d.Task.Type == tasks.Multilabel:
		for _, y := range labels {
			addSet(out, y, 1/float64(len(labels)))
		}
	case d.Task.Forecast != nil:
		for c := range out {
			out[c] = median(d.target(labels, c))
		}
	case len(d.Classes) > 0:
		for _, y := range labels {
			out[int(y)] += 1 / float64(len(labels))
		}
	case d.Task.Type == tasks.Binary:
		for _, y := range labels {
			out[0] += y / float64(len(labels))
		}
	default:
		out[0] = median(labels)
	}
	return out
}

// addSet adds to the classes of a multilabel label.
func addSet(to []float64, label, weight float64) {
	for c := range to {
		if tasks.Holds(label, c) {
			to[c] += weight
		}
	}
}

const dayMicros = 86_400_000_000

func days(micros int64) float64 { return math.Max(0, float64(micros)/dayMicros) }
