package train_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/train"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/internal/shop"
)

// unlabelled is the small shop until the validation anchor of its tasks.
func unlabelled(t *testing.T) train.Unlabelled {
	t.Helper()
	snap := smallShop()
	g, err := graph.Build(snap)
	if err != nil {
		t.Fatal(err)
	}
	return train.Unlabelled{Name: "base", Graph: g, Entity: snap.Schema.Table("customers"), Until: shop.ValAnchor.UnixMicro(), Horizon: 30}
}

// smallPretraining is a pretraining of a second.
func smallPretraining() train.Options {
	return train.Options{Model: model.Config{Width: 8, FanOut: []int{6, 3}}, Epochs: 3, Steps: 12, Batch: 64, Seed: 7, Threads: 1}
}

func pretrain(t *testing.T, d train.Unlabelled, o train.Options) *train.Result {
	t.Helper()
	r, err := train.Pretrain(t.Context(), d, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Something of the future can be foretold, at any number of threads the same, and a run that
// was stopped goes on to the same bits.
func TestPretrain(t *testing.T) {
	d, o := unlabelled(t), smallPretraining()
	r := pretrain(t, d, o)
	if n := len(r.Epochs); n != o.Epochs || !(r.Epochs[n-1].Loss < 0.9*r.Epochs[0].Loss) {
		t.Errorf("epochs %+v, want %d whose loss falls", r.Epochs, o.Epochs)
	}
	want := r.Model.WeightsHash()
	o.Threads = 2
	if got := pretrain(t, d, o).Model.WeightsHash(); got != want {
		t.Errorf("weights %s with two threads, %s with one", got, want)
	}
	float32Files(t)
	o.Checkpoint, o.Resume = filepath.Join(t.TempDir(), "run"), true
	ctx, cancel := context.WithCancel(t.Context())
	last := o
	last.OnEpoch = func(e train.Epoch) {
		if e.Number == 2 {
			cancel()
		}
	}
	if _, err := train.Pretrain(ctx, d, last); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want %v", err, context.Canceled)
	}
	if got := pretrain(t, d, o).Model.WeightsHash(); got != want {
		t.Errorf("weights %s after an interruption, %s without", got, want)
	}
	o.Seed++
	if _, err := train.Pretrain(t.Context(), d, o); err == nil || !strings.Contains(err.Error(), "belongs to another run") {
		t.Errorf("error %v, want that the checkpoint is another run's", err)
	}
}

// A network that was pretrained is where several tasks begin.
func TestFit_pretrained(t *testing.T) {
	pre := pretrain(t, unlabelled(t), smallPretraining()).Bound.(*model.Bound).Model
	o := train.Options{Epochs: 1, Batch: 64, Seed: 7, Threads: 1}
	for _, text := range []string{shop.Churn, shop.Spend} {
		d := data(text)
		fresh := fit(t, d, train.Options{Model: model.Config{Width: 8, FanOut: []int{6, 3}}, Epochs: 1, Batch: 64, Seed: 7, Threads: 1})
		d.Pretrained = pre
		begun := fit(t, d, o)
		if begun.Model.Options().Width != 8 || begun.Model.WeightsHash() == fresh.Model.WeightsHash() {
			t.Errorf("width %d, weights as without pretraining: %t", begun.Model.Options().Width, begun.Model.WeightsHash() == fresh.Model.WeightsHash())
		}
		if begun.Epochs[0].Loss > 1.2*fresh.Epochs[0].Loss {
			t.Errorf("the first pass has loss %v, without pretraining %v", begun.Epochs[0].Loss, fresh.Epochs[0].Loss)
		}
	}
	for want, change := range map[string]func(*train.Data, *train.Options){
		"width is 9":                  func(_ *train.Data, o *train.Options) { o.Model.Width = 9 },
		"after the validation anchor": func(d *train.Data, _ *train.Options) { d.Labels.Task.Options.ValAnchor-- },
		"of table customers": func(d *train.Data, _ *train.Options) {
			d.Labels.Task.Entity = d.Graph.Snap.Schema.Table("orders")
		},
	} {
		d, o := data(shop.Churn), o
		d.Pretrained = pre
		change(&d, &o)
		if _, err := train.Fit(t.Context(), d, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// Without children in time there is nothing to foretell.
func TestPretrain_nothing(t *testing.T) {
	d := unlabelled(t)
	d.Entity = d.Graph.Snap.Schema.Table("support_tickets")
	if _, err := train.Pretrain(t.Context(), d, smallPretraining()); err == nil || !strings.Contains(err.Error(), "foretold") {
		t.Errorf("error %v, want one that says so", err)
	}
	d = unlabelled(t)
	d.Until = 0
	if _, err := train.Pretrain(t.Context(), d, smallPretraining()); err == nil || !strings.Contains(err.Error(), "known before") {
		t.Errorf("error %v, want one that says so", err)
	}
}
