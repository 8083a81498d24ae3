package rowlink_test

import (
	"database/sql"
	"slices"
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
