package baseline

import (
	"context"

	"github.com/rowlink/rowlink/tabular/boost"
	"github.com/rowlink/rowlink/tasks"
)

// perModel is the number of outputs of one boosted model: a multilabel task has a model
// for each class.
func (d *Data) perModel() int {
	if d.Task.Type == tasks.Multilabel {
		return 1
	}
	return d.Width()
}

// setRounds are grown for each class of a set; no metric of one class alone is the task's,
// so none stops them.
const setRounds = 120

// addEach fits one more model for every class of a multilabel task, in their order.
func (b *Boosted) addEach(ctx context.Context, data *boost.Dataset, opt boost.Options) error {
	opt.Valid, opt.Score, opt.Patience = nil, nil, 0
	opt.Rounds = min(opt.Rounds, setRounds)
	for c := range b.data.Width() {
		if err := b.addClass(ctx, data, opt, c); err != nil {
			return err
		}
	}
	return nil
}

// addClass fits a model of whether a set holds a class.
func (b *Boosted) addClass(ctx context.Context, data *boost.Dataset, opt boost.Options, class int) error {
	is := make([]float64, len(data.Label))
	for i, y := range data.Label {
		if tasks.Holds(y, class) {
			is[i] = 1
		}
	}
	opt.Threads, opt.Objective = b.data.Pool.Threads(), "binary"
	m, err := boost.Fit(ctx, &boost.Dataset{Columns: data.Columns, Label: is}, opt)
	if err != nil {
		return err
	}
	b.Models = append(b.Models, m)
	return nil
}

// each averages the models of every class; n queries have the features x.
func (b *Boosted) each(x []float64, n int) []float64 {
	k := b.data.Width()
	out := make([]float64, n*k)
	share := float64(k) / float64(len(b.Models))
	for i, m := range b.Models {
		for q, v := range m.Predict(x, b.data.Pool.Threads()) {
			out[q*k+i%k] += v * share
		}
	}
	return out
}
