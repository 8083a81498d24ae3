package train_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/train"
	"github.com/rowlink/rowlink/internal/shop"
)

// scanning is a training of the layer scan over the small shop.
func scanning() train.Options {
	return train.Options{Model: model.Config{Layer: model.Scan, Layers: 2, Width: 4}, Epochs: 12, Rate: 0.01, Seed: 7}
}

// The layer scan trains in the same loop: equal bits at any number of threads, and after an
// interruption.
func TestFit_scan(t *testing.T) {
	d, o := data(shop.Churn), scanning()
	first := fit(t, d, o)
	want := figures(first)
	for _, threads := range []int{1, 2, 4, 8} {
		o := o
		o.Threads = threads
		if got := figures(fit(t, d, o)); got != want {
			t.Errorf("%d threads:\n%s\nwant\n%s", threads, got, want)
		}
	}
	last := first.Epochs[len(first.Epochs)-1]
	if first.Best.Val < 0.6 || last.Loss > first.Epochs[0].Loss-0.02 {
		t.Errorf("best AUROC %.3f, losses %.3f to %.3f: too little is learned", first.Best.Val, first.Epochs[0].Loss, last.Loss)
	}
	if again := fit(t, d, train.Options{Model: o.Model, Epochs: o.Epochs, Rate: o.Rate, Seed: 8}); figures(again) == want {
		t.Error("another seed gives the same figures")
	}
	float32Files(t)
	o.Checkpoint = filepath.Join(t.TempDir(), "run")
	ctx, cancel := context.WithCancel(t.Context())
	stopped := o
	stopped.OnEpoch = func(e train.Epoch) {
		if e.Number == 5 {
			cancel()
		}
	}
	if _, err := train.Fit(ctx, d, stopped); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want that the run was stopped", err)
	}
	o.Resume = true
	if got := figures(fit(t, d, o)); got != want {
		t.Errorf("stopped and resumed:\n%s\nundisturbed:\n%s", got, want)
	}
}

// A refit of the layer scan trains as long as validation chose, on validation examples too.
func TestRefit_scan(t *testing.T) {
	d, o := data(shop.Churn), scanning()
	chosen := fit(t, d, o)
	r, err := train.Refit(t.Context(), d, o, chosen)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Epochs) != chosen.Best.Number || r.Epochs[0].Seeds <= chosen.Epochs[0].Seeds {
		t.Errorf("%d epochs of %d seeds, want %d of more than %d", len(r.Epochs), r.Epochs[0].Seeds, chosen.Best.Number, chosen.Epochs[0].Seeds)
	}
}

// A network that would take more memory than it may is not begun.
func TestFit_scanTooLarge(t *testing.T) {
	o := scanning()
	o.Memory = 1000
	var large *train.TooLargeError
	if _, err := train.Fit(t.Context(), data(shop.Churn), o); !errors.As(err, &large) || large.Need <= large.Limit || large.Limit != 1000 {
		t.Errorf("error %v, want one that says how much it would take", err)
	}
}
