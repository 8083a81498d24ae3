package rowlink_test

import (
	"testing"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/internal/shop"
)

// TestLoadAfter loads a version over a second snapshot, beside one that answers from the
// first: the rows that both hold are encoded once, and no answer differs by a bit.
func TestLoadAfter(t *testing.T) {
	path, folder := smallShop(t), t.TempDir()
	foresee(t, path, midway)
	o := rowlink.Options{URL: "sqlite:" + path, Workspace: folder, RowCache: predict.CacheOptions{Eager: true}}
	first := open(t, o)
	f, err := first.Fit(t.Context(), shop.Churn, rowlink.FitOptions{Train: quick(), Ensemble: 2, Model: rowlink.GNN})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Save(first.Workspace); err != nil {
		t.Fatal(err)
	}
	alter(t, path, midway)
	o.Fresh = true
	second := open(t, o)
	before, err := first.Load(t.Context(), "churn", "1", "")
	if err != nil {
		t.Fatal(err)
	}
	anew, err := second.Load(t.Context(), "churn", "1", "")
	if err != nil {
		t.Fatal(err)
	}
	after, err := second.LoadAfter(t.Context(), before, "churn", "1", "")
	if err != nil {
		t.Fatal(err)
	}
	if all, some := anew.RowsEncoded(), after.RowsEncoded(); some == 0 || some > all/2 {
		t.Errorf("%d rows were encoded, and %d after an earlier snapshot, want some, and fewer than half", all, some)
	}
	at := shop.TestAnchor
	rows := everybody(t, anew.Predictor, at.UnixMicro())
	if d := firstDifference(answers(t, anew, rows, at), answers(t, after, rows, at)); d != "" {
		t.Error(d)
	}
}
