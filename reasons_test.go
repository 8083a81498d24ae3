package rowlink_test

import (
	"database/sql"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/gnn/train"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/shop"
	"github.com/rowlink/rowlink/tabular/blend"
)

// The features of a predicted value account for all of it: what is left without them is the
// same for everybody. A reason that were wrong, or one that were missing, would break that.
func TestReasons_addUp(t *testing.T) {
	d := open(t, rowlink.Options{URL: "sqlite:" + smallShop(t), Workspace: t.TempDir()})
	f, err := d.Fit(t.Context(), shop.Spend, rowlink.FitOptions{Train: quick()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Save(d.Workspace); err != nil {
		t.Fatal(err)
	}
	at := shop.TestAnchor.UnixMicro()
	for _, name := range []string{"boosted trees on as-of features", "linear on as-of features"} {
		l, err := d.Load(t.Context(), f.Task.Name, "", name)
		if err != nil {
			t.Fatal(err)
		}
		base, asked := math.NaN(), 0
		for _, row := range everybody(t, l, at)[:40] {
			q := model.Query{Row: row, Cut: at, Anchor: at}
			out, err := l.Scorer.Score(t.Context(), []model.Query{q})
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(name, "linear") && out[0] == 0 {
				continue // clipped
			}
			left, some := out[0], false
			for _, r := range l.Scorer.(predict.Explainer).Effects(q, 0) {
				left -= r.Effect
				some = true
				if r.Column == "" || r.Table == "" || r.Rows != 0 {
					t.Errorf("%s: %v", name, r)
				}
			}
			if asked++; math.IsNaN(base) {
				base = left
			}
			if !some || math.Abs(left-base) > 1e-4*(1+math.Abs(base)) {
				t.Errorf("%s, customer %d: %v without its features, %v for another", name, row, left, base)
			}
		}
		if asked < 10 {
			t.Errorf("%s: only %d were asked", name, asked)
		}
	}
}

// faithfulEnv asks for a larger shop and a longer training than the default; its value is
// the number of customers in the shop.
const faithfulEnv = "ROWLINK_FAITHFUL"

// TestReasons_faithful takes the rows that a blend of a network and trees names out of the
// database, for 200 customers at once, and asks again; and the same number of other rows of
// the same customers. The score must move more when the named ones are gone.
func TestReasons_faithful(t *testing.T) {
	customers, o := 400, quick()
	o.Epochs = 3
	if text := os.Getenv(faithfulEnv); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		customers, o = n, train.Options{Seed: 3}
	}
	_, path := writeShop(t, shop.Options{Customers: customers, Products: 40, Suppliers: 8, Seed: 1})
	folder := t.TempDir()
	d := open(t, rowlink.Options{URL: "sqlite:" + path, Workspace: folder})
	f, err := d.Fit(t.Context(), shop.Churn, rowlink.FitOptions{Train: o})
	if err != nil {
		t.Fatal(err)
	}
	b := &blend.Blend{Mean: blend.LogOdds, Width: 1, Names: []string{"boosted trees on as-of features", rowlink.GNN}, Weights: []float64{0.5, 0.5}}
	f.Report.Blend, f.Report.Served, f.Report.Honesty = &blend.Weighing{Blend: b}, rowlink.Blend, &rowlink.Honesty{}
	if _, err := f.Save(d.Workspace); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{rowlink.GNN, rowlink.Blend} {
		l, err := d.Load(t.Context(), "churn", "", name)
		if err != nil {
			t.Fatal(err)
		}
		at := shop.TestAnchor.UnixMicro()
		draw := rand.New(rand.NewPCG(1, 1))
		var asked []ingest.Key
		var named, others []predict.Reason
		for _, row := range everybody(t, l, at) {
			q := model.Query{Row: row, Cut: at, Anchor: at}
			var single []predict.Reason
			for _, r := range l.Scorer.(predict.Explainer).Effects(q, 0) {
				if r.Key != "" && (r.Table == "orders" || r.Table == "support_tickets") {
					single = append(single, r)
				}
			}
			const each = 2
			if len(single) < 2*each || len(asked) == 200 {
				continue
			}
			single = predict.Largest(single, len(single))
			asked, named = append(asked, d.Snap.Tables[l.Task.Entity].Key(row)), append(named, single[:each]...)
			rest := single[each:]
			draw.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
			others = append(others, rest[:each]...)
		}
		if len(asked) < 50 {
			t.Fatalf("only %d customers have enough rows", len(asked))
		}
		before := scoresOf(t, l, asked, at)
		moved := func(gone []predict.Reason) (mean float64) {
			db := open(t, rowlink.Options{URL: "sqlite:" + lessRows(t, path, gone), Workspace: folder, Fresh: true})
			now, err := db.Load(t.Context(), "churn", "", name)
			if err != nil {
				t.Fatal(err)
			}
			for i, p := range scoresOf(t, now, asked, at) {
				mean += math.Abs(p-before[i]) / float64(len(before))
			}
			return mean
		}
		by, chance := moved(named), moved(others)
		t.Logf("%s, %d customers: without the two rows named the probability moves by %.4f on average, without two others by %.4f (%.1f times)", name, len(asked), by, chance, by/chance)
		if !(by > 1.5*chance) {
			t.Errorf("%s: the rows named move the score by %.4f, others by %.4f", name, by, chance)
		}
	}
}

func scoresOf(t *testing.T, l *rowlink.Loaded, keys []ingest.Key, at int64) []float64 {
	t.Helper()
	var q []model.Query
	for _, k := range keys {
		row, ok := l.Snap.Tables[l.Task.Entity].Find(k)
		if !ok {
			t.Fatalf("customer %v is gone", k)
		}
		q = append(q, model.Query{Row: row, Cut: at, Anchor: at})
	}
	out, err := l.Scorer.Score(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// lessRows copies a shop without some rows.
func lessRows(t *testing.T, path string, gone []predict.Reason) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	less := filepath.Join(t.TempDir(), "shop.db")
	if err := os.WriteFile(less, data, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", less)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, r := range gone {
		key := map[string]string{"orders": "order_id", "support_tickets": "ticket_id"}[r.Table]
		res, err := db.ExecContext(t.Context(), fmt.Sprintf("DELETE FROM %s WHERE %s = ?", r.Table, key), r.Key)
		if err != nil {
			t.Fatal(err)
		}
		if n, _ := res.RowsAffected(); n != 1 {
			t.Fatalf("%d rows of %s have the key %s", n, r.Table, r.Key)
		}
	}
	return less
}
