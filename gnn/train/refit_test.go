package train_test

import (
	"math"
	"testing"

	"github.com/rowlink/rowlink/gnn/train"
	"github.com/rowlink/rowlink/internal/shop"
	"github.com/rowlink/rowlink/tasks"
)

// A refit learns from training and validation examples for as many epochs as validation
// chose, looks at no validation, and never at a test label.
func TestRefit(t *testing.T) {
	d, o := data(shop.Spend), small()
	chosen := fit(t, d, o)
	refit := func() *train.Result {
		t.Helper()
		r, err := train.Refit(t.Context(), d, o, chosen)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	first := refit()
	if n := len(d.Labels.Rows(tasks.Train)) + len(d.Labels.Rows(tasks.Val)); first.Epochs[0].Seeds != n || len(first.Epochs) != chosen.Best.Number {
		t.Errorf("%d epochs of %d seeds, want %d of %d", len(first.Epochs), first.Epochs[0].Seeds, chosen.Best.Number, n)
	}
	if last := first.Epochs[len(first.Epochs)-1]; !math.IsNaN(last.Val) || first.Best.Number != last.Number {
		t.Errorf("the last epoch is %+v, the best %+v", last, first.Best)
	}
	if first.Model.WeightsHash() == chosen.Model.WeightsHash() || first.Model.About().Seed != chosen.Model.About().Seed {
		t.Error("the refit has the weights, or another seed, than what was chosen")
	}
	for split, changes := range map[tasks.Split]bool{tasks.Test: false, tasks.Val: true} {
		rows := d.Labels.Rows(split)
		for _, i := range rows {
			d.Labels.Label[i] += 1000
		}
		if same := refit().Model.WeightsHash() == first.Model.WeightsHash(); same == changes {
			t.Errorf("other %s labels give the same weights: %t", split, same)
		}
		for _, i := range rows {
			d.Labels.Label[i] -= 1000
		}
	}
	o.Refit = o.Epochs + 1
	if _, err := train.Fit(t.Context(), d, o); err == nil {
		t.Error("a refit of more epochs than there may be is accepted")
	}
}
