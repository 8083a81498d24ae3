package main

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/internal/shop"
	"github.com/rowlink/rowlink/server"
)

// TestBackend_rankings compares what the server answers with what predict prints.
func TestBackend_rankings(t *testing.T) {
	dir := t.TempDir()
	if err := shop.Generate(shop.Options{Customers: 40}).WriteSQLite(t.Context(), filepath.Join(dir, "shop.db")); err != nil {
		t.Fatal(err)
	}
	task := filepath.Join(dir, "next.sql")
	text := `CREATE TASK next AS PREDICT LIST_DISTINCT(order_lines.product_id, 0, 30, days) RANK TOP 3 FOR EACH customers
		WHERE COUNT(orders.*, -60, 0, days) > 0 WITH (val_anchor = '2024-09-01', test_anchor = '2024-11-01', data_from = '2024-03-01')`
	if err := os.WriteFile(task, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	workspace := filepath.Join(dir, "workspace")
	command(t, "train", task, "--workspace", workspace, "--db", "sqlite:"+filepath.Join(dir, "shop.db"))
	printed := decode[struct {
		Anchor      time.Time
		Predictions []struct {
			Entity json.RawMessage
			Items  []server.RankedItem
		}
	}](t, command(t, "predict", "next", "--all", "--json", "-q", "--workspace", workspace))

	d, err := rowlink.Open(t.Context(), rowlink.Options{Workspace: workspace})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	b := &backend{db: d, log: slog.New(slog.DiscardHandler)}
	if err := b.refresh(t.Context(), func(task string, err error) {
		if err != nil {
			t.Errorf("%s: %v", task, err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	req := server.PredictRequest{Task: "next", ExplainTop: 1}
	for _, p := range printed.Predictions {
		req.Entities = append(req.Entities, p.Entity)
	}
	req.Entities = append(req.Entities, json.RawMessage("-1"))
	a, err := b.Predict(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if len(printed.Predictions) < 5 || len(a.Predictions) != len(printed.Predictions) || len(a.Errors) != 1 || a.Errors[0].Code != server.CodeUnknownKey || !a.Anchor.Equal(printed.Anchor) || a.Type != "link_prediction" {
		t.Fatalf("%d predictions of type %s at %s, errors %v; predict printed %d at %s", len(a.Predictions), a.Type, a.Anchor, a.Errors, len(printed.Predictions), printed.Anchor)
	}
	for i, p := range a.Predictions {
		if want := printed.Predictions[i].Items; len(want) != 3 || !slices.EqualFunc(p.Items, want, sameItem) || !p.Eligible || p.Explanation.Method != "none" {
			t.Errorf("entity %s: %+v, predict printed %v", req.Entities[i], p, want)
		}
	}
	// All answers alike would be a fault that the comparison cannot see.
	if slices.EqualFunc(a.Predictions[0].Items, a.Predictions[1].Items, sameItem) {
		t.Error("two customers have equal lists with equal scores")
	}
	models, err := b.Models(t.Context())
	if err != nil || len(models) != 1 || !models[0].Serving || models[0].Metrics["test"]["map"] == 0 {
		t.Errorf("models %+v, %v", models, err)
	}
	if _, err := b.Predict(t.Context(), server.PredictRequest{Task: "next", Entities: req.Entities, Interval: 0.9}); err == nil {
		t.Error("an interval around a ranking is no error")
	}
}

func sameItem(x, y server.RankedItem) bool {
	return x.Rank == y.Rank && string(x.Item) == string(y.Item) && x.Score == y.Score
}
