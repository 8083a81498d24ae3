package rowlink_test

import (
	"math"
	"testing"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/gnn/train"
	"github.com/rowlink/rowlink/internal/shop"
	"github.com/rowlink/rowlink/tabular/baseline"
	"github.com/rowlink/rowlink/tasks"
)

// learner is the training of these tests: four hops, which reach the suppliers of what a
// customer bought, with one child per row from the third on.
func learner() train.Options {
	return train.Options{Model: model.Config{Width: 16, FanOut: []int{8, 6, 1, 1}}, Epochs: 4, Rate: 0.005, Seed: 1}
}

// auroc is the test AUROC of a network.
func auroc(t *testing.T, r *train.Result, l *tasks.LabelTable) float64 {
	t.Helper()
	scaling, err := tasks.FitScaling(l)
	if err != nil {
		t.Fatal(err)
	}
	n, err := predict.NewNetwork(r.Bound, l.Task, scaling, tensor.NewPool(0))
	if err != nil {
		t.Fatal(err)
	}
	scores, err := rowlink.Evaluate(t.Context(), n, l, scaling, tasks.Test)
	if err != nil {
		t.Fatal(err)
	}
	return scores["roc_auc"]
}

// entityOnly is the test AUROC of a logistic regression on the entity's own columns.
func entityOnly(t *testing.T, d train.Data) float64 {
	t.Helper()
	task := d.Labels.Task
	enc, err := model.Encoders(d.Graph, task, 1)
	if err != nil {
		t.Fatal(err)
	}
	own := make([]*encode.Table, len(enc))
	own[task.Entity] = enc[task.Entity]
	m, err := tasks.MetricByName(task.Type, "roc_auc", nil)
	if err != nil {
		t.Fatal(err)
	}
	fit := &baseline.Fit{Data: &baseline.Data{Graph: d.Graph, Task: task, Encoders: own, Pool: tensor.NewPool(0)},
		Train: baseline.Collect(d.Labels, tasks.Train), Val: baseline.Collect(d.Labels, tasks.Val)}
	fit.Score = func(p []float64) float64 { return m.Compute(fit.Val.Label, p) }
	b, err := baseline.Train(t.Context(), "linear on as-of features", fit)
	if err != nil {
		t.Fatal(err)
	}
	test := baseline.Collect(d.Labels, tasks.Test)
	out, err := b.Predict(t.Context(), test.Queries)
	if err != nil {
		t.Fatal(err)
	}
	return m.Compute(test.Label, out)
}

// standardError is the deviation of the AUROC of scores that know nothing.
func standardError(l *tasks.LabelTable) float64 {
	var pos, neg float64
	for _, i := range l.Rows(tasks.Test) {
		pos += l.Label[i]
		neg += 1 - l.Label[i]
	}
	return math.Sqrt((pos + neg + 1) / (12 * pos * neg))
}

// TestLearn trains on a shop whose best attainable score is known.
func TestLearn(t *testing.T) {
	if testing.Short() {
		t.Skip("trains for the better part of a minute")
	}
	db, path := writeShop(t, shop.Options{Customers: 1500, Seed: 1})
	attainable, _ := shop.AttainableAUROC(db.TestAttainable())
	d := labelled(t, open(t, rowlink.Options{URL: "sqlite:" + path}))

	t.Run("finds the signal", func(t *testing.T) {
		o := learner()
		o.OnEpoch = func(e train.Epoch) { t.Logf("epoch %+v", e) }
		r, err := train.Fit(t.Context(), d, o)
		if err != nil {
			t.Fatal(err)
		}
		network, own := auroc(t, r, d.Labels), entityOnly(t, d)
		share := (network - 0.5) / (attainable - 0.5)
		t.Logf("test AUROC %.4f, entity's own columns %.4f, attainable %.4f: %.1f %% of what is above 0.5; %.1f s", network, own, attainable, 100*share, r.Elapsed.Seconds())
	})
	t.Run("finds nothing where nothing is", func(t *testing.T) {
		o := learner()
		o.Shuffle, o.Epochs = true, 2
		for range 4 {
			r, err := train.Fit(t.Context(), d, o)
			if err != nil {
				t.Fatal(err)
			}
			got, se := auroc(t, r, d.Labels), standardError(d.Labels)
			t.Logf("with shuffled labels test AUROC %.4f, standard error %.4f: %.1f", got, se, (got-.5)/se)
			o.Seed++
		}
	})
}
