package train_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/gnn/train"
	"github.com/rowlink/rowlink/graph/sample"
	"github.com/rowlink/rowlink/internal/shop"
	"github.com/rowlink/rowlink/tasks"
)

// TestFit_threads demands equal bits at 1, 2 and 4 threads, for every layer, aggregator
// and sampling strategy, and for every task type.
func TestFit_threads(t *testing.T) {
	texts := map[string]string{"churn": shop.Churn, "spend": shop.Spend, "channel": shop.Channel}
	check := func(name, text string, c model.Config) {
		t.Run(name, func(t *testing.T) {
			o := small()
			o.Epochs, o.Model = 2, c
			d := data(text)
			want := fit(t, d, o)
			for _, o.Threads = range []int{2, 4} {
				if got := fit(t, d, o); figures(got) != figures(want) {
					t.Errorf("%d threads give\n%s\none gives\n%s", o.Threads, figures(got), figures(want))
				}
			}
			if want.Epochs[0].Seeds != len(d.Labels.Rows(tasks.Train)) || want.SeedsPerSecond <= 0 {
				t.Errorf("an epoch of %d seeds at %v per second, want all %d", want.Epochs[0].Seeds, want.SeedsPerSecond, len(d.Labels.Rows(tasks.Train)))
			}
		})
	}
	for name, text := range texts {
		check(name, text, small().Model)
	}
	if testing.Short() {
		return
	}
	for _, layer := range conv.Names() {
		for _, aggregate := range conv.Aggregators() {
			for _, strategy := range sample.Strategies() {
				c := small().Model
				c.Layer, c.Aggregate, c.Strategy = layer, aggregate, strategy
				check(layer+"/"+aggregate+"/"+strategy, shop.Churn, c)
			}
		}
	}
}

func TestFit_seed(t *testing.T) {
	d, o := data(shop.Churn), small()
	a := fit(t, d, o)
	if b := fit(t, d, o); figures(a) != figures(b) {
		t.Errorf("the same training twice gives\n%s\n%s", figures(a), figures(b))
	}
	o.Seed++
	if c := fit(t, d, o); c.Model.WeightsHash() == a.Model.WeightsHash() {
		t.Error("another seed gives the same weights")
	}
}

// The parameters that are returned are those of the best epoch, not of the last one, and
// training stops when validation does not improve any more.
func TestFit_keepsTheBestEpoch(t *testing.T) {
	d, o := data(shop.Churn), small()
	o.Epochs, o.Patience, o.Rate, o.Dropout = 30, 2, 0.05, -1 // large steps overshoot soon
	r := fit(t, d, o)
	if n := len(r.Epochs); n == 30 || n != r.Best.Number+2 {
		t.Fatalf("%d epochs, the best is %d, want it to stop 2 later", n, r.Best.Number)
	}
	for _, e := range r.Epochs {
		if e.Val > r.Best.Val || e.Best != (e.Number <= r.Best.Number && e.Val == bestUpTo(r.Epochs, e.Number)) {
			t.Errorf("epoch %+v beside the best %+v", e, r.Best)
		}
	}
	scaling, err := tasks.FitScaling(d.Labels)
	if err != nil {
		t.Fatal(err)
	}
	pool := tensor.NewPool(1)
	n, err := predict.Of(r.Bound, d.Labels.Task, scaling, pool)
	if err != nil {
		t.Fatal(err)
	}
	var queries []model.Query
	var truth []float64
	for _, i := range d.Labels.Rows(tasks.Val) {
		queries = append(queries, model.Query{Row: d.Labels.Entity[i], Cut: d.Labels.Cut(i), Anchor: d.Labels.Anchor[i]})
		truth = append(truth, d.Labels.Label[i])
	}
	out, err := n.Score(t.Context(), queries)
	if err != nil {
		t.Fatal(err)
	}
	m, err := d.Labels.Task.MetricOf(scaling)
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Compute(truth, out); got != r.Best.Val {
		t.Errorf("the model scores %v on validation, its best epoch %v", got, r.Best.Val)
	}
}

func bestUpTo(epochs []train.Epoch, number int) float64 {
	best := math.Inf(-1)
	for _, e := range epochs[:number] {
		best = math.Max(best, e.Val)
	}
	return best
}

// A validation split of one class has no AUROC. Training goes on, and neither
// checkpoint nor figures break.
func TestFit_undefinedMetric(t *testing.T) {
	d, o := data(shop.Churn), small()
	for _, i := range d.Labels.Rows(tasks.Val) {
		d.Labels.Label[i] = 1
	}
	o.Checkpoint = t.TempDir() + "/run"
	whole := fit(t, d, o)
	if !math.IsNaN(whole.Best.Val) || whole.Best.Number != 1 {
		t.Fatalf("best epoch %+v, want the first, with NaN", whole.Best)
	}
	o.Resume = true
	if again := fit(t, d, o); figures(again) != figures(whole) {
		t.Errorf("resumed\n%s\nwhole\n%s", figures(again), figures(whole))
	}
}

func TestFit_errors(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*train.Data, *train.Options)
		want   []string
	}{
		{"options", func(_ *train.Data, o *train.Options) {
			*o = train.Options{Epochs: -1, Patience: -2, Batch: -3, Steps: -4, Rate: -5, Threads: -6}
		}, []string{"Epochs is -1", "Patience is -2", "Batch is -3", "Steps is -4", "-5", "-6"}},
		{"model", func(_ *train.Data, o *train.Options) { o.Model.Width, o.Dropout = -1, 1 }, []string{"width is -1", "dropout is 1"}},
		{"layer", func(_ *train.Data, o *train.Options) { o.Model.Layer = "sgae" }, []string{"sgae", "sage"}},
		{"no validation", func(d *train.Data, _ *train.Options) {
			for i, s := range d.Labels.Split {
				if s == tasks.Val {
					d.Labels.Split[i] = tasks.Test
				}
			}
		}, []string{"0 validation examples"}},
		{"one class", func(d *train.Data, _ *train.Options) { clear(d.Labels.Label) }, []string{"TK176"}},
		{"diverges", func(_ *train.Data, o *train.Options) { o.Rate, o.Clip, o.Epochs = 1e30, 1e30, 8 }, []string{"the loss is", "lower the learning rate"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, o := data(shop.Churn), small()
			c.change(&d, &o)
			_, err := train.Fit(t.Context(), d, o)
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want one with %q", err, want)
				}
			}
		})
	}
}

// A cancelled training ends with the context's error, at once and without leaving
// goroutines behind (TestMain looks for them).
func TestFit_cancelled(t *testing.T) {
	d := data(shop.Churn)
	for _, stop := range []int{0, 1, 3} {
		ctx, cancel := context.WithCancel(t.Context())
		o := small()
		o.Epochs, o.Patience = 1_000, 1_000
		steps := 0
		o.OnStep = func(_, done, total int) {
			if done <= 0 || done > total {
				t.Errorf("%d of %d seeds done", done, total)
			}
			if steps++; steps == stop {
				cancel()
			}
		}
		if stop == 0 {
			cancel()
		}
		if _, err := train.Fit(ctx, d, o); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled after %d steps: error %v, want %v", stop, err, context.Canceled)
		}
		cancel()
	}
}
