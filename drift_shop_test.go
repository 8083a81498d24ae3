package rowlink_test

import (
	"database/sql"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/internal/shop"
)

// TestDrift doubles what orders cost in the last ninety days of a shop: that column is what
// moved, one that nobody touched is not, and what happens after the anchor is of no account.
func TestDrift(t *testing.T) {
	_, path := writeShop(t, shop.Options{Customers: 600, Products: 40, Suppliers: 8, Seed: 1})
	folder := t.TempDir()
	d := open(t, rowlink.Options{URL: "sqlite:" + path, Workspace: folder})
	f, err := d.Fit(t.Context(), shop.Churn, rowlink.FitOptions{Train: quick()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Save(d.Workspace); err != nil {
		t.Fatal(err)
	}
	at := shop.TestAnchor.UnixMicro()
	look := func(d *rowlink.Database) *rowlink.Drift {
		t.Helper()
		l, err := d.Load(t.Context(), "churn", "", "")
		if err != nil {
			t.Fatal(err)
		}
		out, err := l.Drift(t.Context(), at, 60)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	of := func(d *rowlink.Drift, name string) rowlink.Moved {
		t.Helper()
		i := slices.IndexFunc(d.Columns, func(m rowlink.Moved) bool { return m.Name == name })
		if i < 0 {
			t.Fatalf("column %s is not compared: %+v", name, d)
		}
		return d.Columns[i]
	}
	change := func(statement string) *rowlink.Database {
		t.Helper()
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
		return open(t, rowlink.Options{URL: "sqlite:" + path, Workspace: folder, Fresh: true})
	}
	before := look(d)
	if m := of(before, "orders.total"); m.Verdict != "stable" || m.Before < 200 || before.Scores == nil || len(before.Rows) == 0 {
		t.Errorf("nothing has happened yet: %+v", before)
	}
	future := look(change("UPDATE orders SET total = 1e6 WHERE ordered_at > '2024-10-03'")) // shop.TestAnchor
	if got, want := of(future, "orders.total"), of(before, "orders.total"); got.PSI != want.PSI || *got.KS != *want.KS || future.Scores.PSI != before.Scores.PSI {
		t.Errorf("what happens after the anchor counts: %+v, want %+v", got, want)
	}
	moved := look(change("UPDATE orders SET total = total * 2 + 5 WHERE ordered_at > '2024-07-10'"))
	if m := of(moved, "orders.total"); m.Verdict != "moved far" || moved.Columns[0].Name != "orders.total" {
		t.Errorf("orders cost twice as much: %+v", moved.Columns)
	}
	if m := of(moved, "orders.channel"); m.Verdict != "stable" {
		t.Errorf("a column that nobody touched: %+v", m)
	}
	l, err := d.Load(t.Context(), "churn", "", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Drift(t.Context(), shop.Anchor(3).UnixMicro(), 0); err == nil {
		t.Error("an anchor before the end of the training is compared")
	}
}

// Answers of several classes and rankings are compared too, and where label windows have
// closed the scores at the test anchors are those that the training reported.
func TestDrift_kinds(t *testing.T) {
	_, path := writeShop(t, shop.Options{Customers: 300, Products: 30, Suppliers: 8, Seed: 1})
	d := open(t, rowlink.Options{URL: "sqlite:" + path, Workspace: t.TempDir()})
	at := shop.TestAnchor.AddDate(0, 2, 0).UnixMicro()
	check := func(name string, out *rowlink.Drift, err error, trained float64, scores string, parts int) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if out.Scores == nil || out.Scores.Name != scores || len(out.Parts) < parts || out.Scores.Now == 0 || len(out.Columns) == 0 {
			t.Errorf("%s: scores %+v, parts %+v", name, out.Scores, out.Parts)
		}
		l := out.Later
		if l == nil || len(l.Anchors) == 0 || l.Whole.Value == nil || l.Trained == nil {
			t.Fatalf("%s: later %+v", name, l)
		}
		if *l.Trained != trained || math.Abs(*l.Whole.Value-trained) > 1e-9 {
			t.Errorf("%s: %v over the test anchors, %v was reported, %v is", name, *l.Whole.Value, *l.Trained, trained)
		}
		var text strings.Builder
		if err := out.Text(&text); err != nil || !strings.Contains(text.String(), "once labels had closed") {
			t.Errorf("%s: %s %v", name, &text, err)
		}
	}
	f, err := d.Fit(t.Context(), "CREATE TASK channel AS PREDICT LAST(orders.channel, 0, 60, days) FOR EACH customers WITH (eval_anchors = 1)", rowlink.FitOptions{Train: quick(), Model: "decayed entity mean"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Save(d.Workspace); err != nil {
		t.Fatal(err)
	}
	l, err := d.Load(t.Context(), "channel", "", "")
	if err != nil {
		t.Fatal(err)
	}
	out, err := l.Drift(t.Context(), at, 60)
	trained := 0.0
	for _, row := range f.Report.Rows {
		if row.Name == f.Report.Served {
			trained = row.Test[f.Report.Metric]
		}
	}
	check("channel", out, err, trained, "most likely class", 2)

	r, err := d.FitRanking(t.Context(), `CREATE TASK next AS PREDICT LIST_DISTINCT(order_lines.product_id, 0, 30, days) RANK TOP 3 FOR EACH customers
		WHERE COUNT(orders.*, -90, 0, days) > 0 WITH (eval_anchors = 1, train_anchors = 4)`, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Save(d.Workspace); err != nil {
		t.Fatal(err)
	}
	k, err := d.LoadRanking(t.Context(), "next", "")
	if err != nil {
		t.Fatal(err)
	}
	out, err = k.Drift(t.Context(), at, 60)
	for _, row := range r.Report.Rows {
		if row.Name == r.Report.Served {
			trained = row.Test[r.Report.Metric]
		}
	}
	check("next", out, err, trained, "item ranked first", 2)
}
