package train_test

import (
	"testing"

	"github.com/rowlink/rowlink/internal/shop"
	"github.com/rowlink/rowlink/tasks"
)

// Where validation is frozen, training on fresh and on stale examples are both tried, and
// what validation prefers is kept; where it is not, or has one anchor, one training is made.
func TestFit_stale(t *testing.T) {
	d, o := data(shop.Spend), small()
	o.Epochs = 2
	task := &d.Labels.Task.Options
	task.EvalAnchors = max(task.EvalAnchors, 3)
	rolling := fit(t, d, o)
	task.Regime, task.ValRegime = tasks.Frozen, tasks.Frozen
	both := fit(t, d, o)
	o.Stale = true
	stale := fit(t, d, o)
	if rolling.Stale || !stale.Stale || stale.Model.WeightsHash() == rolling.Model.WeightsHash() {
		t.Fatalf("fresh %t, stale %t: want two different networks", rolling.Stale, stale.Stale)
	}
	o.Stale = false
	task.EvalAnchors = 1
	fresh := fit(t, d, o) // as the frozen one, without the second try
	want := fresh
	if stale.Best.Val < fresh.Best.Val { // mean absolute error
		want = stale
	}
	if fresh.Stale || both.Stale != want.Stale || both.Model.WeightsHash() != want.Model.WeightsHash() {
		t.Errorf("kept stale %t (%.4f), want the better of fresh %.4f and stale %.4f", both.Stale, both.Best.Val, fresh.Best.Val, stale.Best.Val)
	}
}
