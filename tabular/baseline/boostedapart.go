package baseline

import (
	"context"
	"math"

	"github.com/rowlink/rowlink/tabular/boost"
)

// perModel is the number of outputs of one boosted model.
func (d *Data) perModel() int {
	if d.apart() {
		return 1
	}
	return d.Width()
}

// outputRounds are grown for each output that is a target by itself; the task's metric is of
// all of them together, so it does not stop them.
const outputRounds = 120

// addEach fits one more model for every output, in their order.
func (b *Boosted) addEach(ctx context.Context, data *boost.Dataset, opt boost.Options) error {
	opt.Valid, opt.Score, opt.Patience = nil, nil, 0
	opt.Rounds = min(opt.Rounds, outputRounds)
	for output := range b.data.Width() {
		if err := b.addOutput(ctx, data, opt, output); err != nil {
			return err
		}
	}
	return nil
}

// growFrames fits a model for each timeframe of a forecast, stopped by its own validation labels.
func (b *Boosted) growFrames(ctx context.Context, f *Fit, data *boost.Dataset, opt boost.Options) error {
	for frame := range f.Task.Frames() {
		truth := f.target(f.Val.Label, frame)
		opt.Score = func(predicted []float64) float64 { return -b.loss(truth, predicted) }
		if err := b.addOutput(ctx, data, opt, frame); err != nil {
			return err
		}
	}
	return nil
}

// loss is the error that the objective of values is about.
func (b *Boosted) loss(truth, predicted []float64) float64 {
	var sum float64
	for i, y := range truth {
		d := math.Abs(predicted[i] - y)
		if b.objective() == "l2" {
			d *= d
		}
		sum += d
	}
	return sum
}

// addOutput fits a model of one output.
func (b *Boosted) addOutput(ctx context.Context, data *boost.Dataset, opt boost.Options, output int) error {
	opt.Threads, opt.Objective = b.data.Pool.Threads(), "binary"
	if b.data.Task.Forecast != nil {
		opt.Objective = b.objective()
	}
	m, err := boost.Fit(ctx, &boost.Dataset{Columns: data.Columns, Label: b.data.target(data.Label, output)}, opt)
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
