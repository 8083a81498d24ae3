package rowlink_test

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/train"
	"github.com/rowlink/rowlink/internal/shop"
)

// quickPretraining is a pretraining of a second.
func quickPretraining() rowlink.PretrainOptions {
	return rowlink.PretrainOptions{Name: "base", For: []string{shop.Churn, shop.Spend},
		Train: train.Options{Model: model.Config{Width: 8, FanOut: []int{5, 3, 2}}, Epochs: 1, Steps: 6, Batch: 64, Seed: 3}}
}

// Rows after the end of a pretraining change none of its weights.
func TestPretrain_leak(t *testing.T) {
	before, after := twoFutures(t, shop.ValAnchor)
	var hashes []string
	for _, d := range []*rowlink.Database{before, after} {
		r, err := d.Pretrain(t.Context(), quickPretraining())
		if err != nil {
			t.Fatal(err)
		}
		if r.Until != shop.ValAnchor.UnixMicro() || r.Entity != "customers" || r.Horizon != 30 {
			t.Errorf("pretrained %+v, want customers until the validation anchor by 30 days", r)
		}
		hashes = append(hashes, r.Weights)
	}
	if hashes[0] != hashes[1] {
		t.Error("rows after the end of the pretraining change weights")
	}
	o := quickPretraining()
	o.Until = shop.ValAnchor.Add(-60 * shop.Day).UnixMicro()
	if r, err := before.Pretrain(t.Context(), o); err != nil || r.Weights == hashes[0] {
		t.Errorf("an earlier end gives the same weights, error %v", err)
	}
	o.Until = shop.ValAnchor.UnixMicro() + 1
	if _, err := before.Pretrain(t.Context(), o); err == nil || !strings.Contains(err.Error(), "after the validation anchor") {
		t.Errorf("error %v, want one of the end", err)
	}
}

// Two tasks begin with one pretrained network; what is stored needs it no more.
func TestFit_pretrained(t *testing.T) {
	d := open(t, rowlink.Options{URL: "sqlite:" + smallShop(t), Workspace: t.TempDir()})
	if _, err := d.Fit(t.Context(), shop.Churn, rowlink.FitOptions{Pretrained: "base"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want that there is no such network", err)
	}
	if _, err := d.Pretrain(t.Context(), quickPretraining()); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{shop.Churn, shop.Spend} {
		f, err := d.Fit(t.Context(), text, rowlink.FitOptions{Pretrained: "base", Train: train.Options{Epochs: 1, Seed: 3}, Refit: true, Model: rowlink.GNN})
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Networks[0].Model.Options(); got.Width != 8 || !slices.Equal(got.FanOut, []int{5, 3, 2}) {
			t.Errorf("the network has the config %+v, want that of the pretrained one", got)
		}
		if _, err := f.Save(d.Workspace); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Load(t.Context(), f.Task.Name, "", ""); err != nil {
			t.Error(err)
		}
	}
}
