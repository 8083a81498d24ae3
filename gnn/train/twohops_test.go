package train_test

import (
	"context"
	"testing"
	"time"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/gnn/train"
	"github.com/rowlink/rowlink/internal/shop"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
)

// auroc trains the layer scan on churn over a shop and returns the AUROC on its test
// examples.
func auroc(t *testing.T, d train.Data, o train.Options) float64 {
	t.Helper()
	start := time.Now()
	r := fit(t, d, o)
	scaling, err := tasks.FitScaling(d.Labels)
	if err != nil {
		t.Fatal(err)
	}
	s, err := predict.Of(r.Bound, d.Labels.Task, scaling, tensor.NewPool(2))
	if err != nil {
		t.Fatal(err)
	}
	var queries []model.Query
	var truth []float64
	for _, row := range d.Labels.Rows(tasks.Test) {
		queries = append(queries, model.Query{Row: d.Labels.Entity[row], Cut: d.Labels.Cut(row), Anchor: d.Labels.Anchor[row]})
		truth = append(truth, d.Labels.Label[row])
	}
	out, err := s.Score(context.Background(), queries)
	if err != nil {
		t.Fatal(err)
	}
	metric, err := d.Labels.Task.MetricOf(scaling)
	if err != nil {
		t.Fatal(err)
	}
	got := metric.Compute(truth, out)
	t.Logf("%v: val %.4f at %d of %d, test %.4f, %.1f s", r.Model, r.Best.Val, r.Best.Number, len(r.Epochs), got, time.Since(start).Seconds())
	return got
}

// What a product is worth shows in the ratings and returns of its other buyers, two hops
// from a customer: a second layer finds most of what one foreign key cannot tell.
func TestScan_twoHops(t *testing.T) {
	if testing.Short() {
		t.Skip("trains for seconds")
	}
	db := shop.Generate(shop.Options{Customers: 900, Products: 40, Suppliers: 8, Seed: 3})
	snap := snapshotOf(db)
	task, err := tql.Bind(shop.Churn, snap.Schema)
	if err != nil {
		t.Fatal(err)
	}
	if err := tasks.Resolve(task, snap); err != nil {
		t.Fatal(err)
	}
	labels, err := tasks.Label(t.Context(), snap, task, 0)
	if err != nil {
		t.Fatal(err)
	}
	d := train.Data{Graph: linked(snap, task), Labels: labels}
	of := func(c model.Config) float64 {
		c.Layer = model.Scan
		return auroc(t, d, train.Options{Model: c, Recent: -1, Epochs: 40, Seed: 1})
	}
	attainable, _ := shop.AttainableAUROC(db.TestAttainable())
	one, two := of(model.Config{Layers: 1, Hops: 1}), of(model.Config{Layers: 2, Hops: 2})
	t.Logf("attainable %.4f, one foreign key %.4f, two layers %.4f", attainable, one, two)
	if two < one+0.02 || two < attainable-0.05 || two > attainable+0.01 {
		t.Errorf("two layers reach AUROC %.4f, one foreign key %.4f, attainable are %.4f: want at least .02 more, and within .05", two, one, attainable)
	}
}
