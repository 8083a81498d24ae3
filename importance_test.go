package rowlink_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/internal/shop"
	"github.com/rowlink/rowlink/tabular/blend"
)

// Whatever is served loses most without the orders, of which the churn of a shop's customers
// is made, and nothing without the stores' names; the figures are the same at any number of
// threads, are kept with the version, and go with it.
func TestImportance(t *testing.T) {
	_, path := writeShop(t, shop.Options{Customers: 400, Products: 30, Suppliers: 8, Seed: 1})
	folder := t.TempDir()
	d := open(t, rowlink.Options{URL: "sqlite:" + path, Workspace: folder, Threads: 1})
	f, err := d.Fit(t.Context(), shop.Churn, rowlink.FitOptions{Train: quick(), Scan: 1})
	if err != nil {
		t.Fatal(err)
	}
	b := &blend.Blend{Mean: blend.LogOdds, Width: 1, Names: []string{"boosted trees on as-of features", rowlink.GNN}, Weights: []float64{0.5, 0.5}}
	f.Report.Blend, f.Report.Served, f.Report.Honesty = &blend.Weighing{Blend: b}, rowlink.Blend, &rowlink.Honesty{}
	version, err := f.Save(d.Workspace)
	if err != nil {
		t.Fatal(err)
	}
	measure := func(d *rowlink.Database, name string) *rowlink.Importance {
		t.Helper()
		l, err := d.Load(t.Context(), "churn", "", name)
		if err != nil {
			t.Fatal(err)
		}
		done := 0
		i, err := l.Importance(t.Context(), rowlink.ImportanceOptions{Examples: 200, Draws: 1, Progress: func(n, _ int) { done = n }})
		if err != nil {
			t.Fatal(err)
		}
		if done != len(i.Items) || i.Score < 0.5 || i.Examples != 200 {
			t.Errorf("%s: told of %d of %d items, score %g of %d examples", name, done, len(i.Items), i.Score, i.Examples)
		}
		i.Seconds = 0
		return i
	}
	loss := func(i *rowlink.Importance, title string) float64 {
		t.Helper()
		for _, item := range i.Items {
			if item.Title() == title {
				return item.Loss
			}
		}
		t.Fatalf("%s is not among %+v", title, i.Items)
		return 0
	}
	for _, name := range []string{"", rowlink.Scan, "boosted trees on as-of features", "decayed entity mean"} {
		i := measure(d, name)
		if name == "decayed entity mean" { // reads past labels only
			if loss(i, "orders") != 0 || loss(i, "target history.label") <= 0 {
				t.Errorf("%s: %+v", name, i.Items[:3])
			}
			continue
		}
		if orders, stores := loss(i, "orders"), loss(i, "stores.city"); orders < 0.03 || orders < 3*stores {
			t.Errorf("%s: %g without the orders, %g without the stores' cities", i.Served, orders, stores)
		}
	}
	first := measure(d, "")
	if err := first.Keep(d.Workspace); err != nil {
		t.Fatal(err)
	}
	text := func(i *rowlink.Importance) string {
		data, err := json.Marshal(i)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	if again := measure(open(t, rowlink.Options{URL: "sqlite:" + path, Workspace: folder, Threads: 3}), ""); text(again) != text(first) {
		t.Errorf("with other threads:\n%s\n%s", text(again), text(first))
	}
	kept, err := rowlink.ReadImportance(d.Workspace, "churn", version)
	if err != nil || kept == nil || text(kept) != text(first) {
		t.Errorf("kept %v, %v", kept, err)
	}
	if _, err := d.Workspace.RemoveModels("churn"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(d.Workspace.NotePath("churn", version, "importance.json")); err == nil {
		t.Error("what was kept of a version that is gone is there")
	}
}
