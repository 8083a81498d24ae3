package rowlink_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/gnn/train"
	"github.com/rowlink/rowlink/graph/sample"
	"github.com/rowlink/rowlink/internal/shop"
	"github.com/rowlink/rowlink/tabular/baseline"
	"github.com/rowlink/rowlink/tasks"
)

// midway is an instant between two grid anchors, with a good part of the shop after it.
var midway = shop.Anchor(shop.Periods - 8).Add(10*shop.Day + 7*time.Hour)

// twoFutures opens a shop twice in one workspace: as it is, and with another future after
// the instant. The workspace's mapping holds for both.
func twoFutures(t *testing.T, at time.Time) (before, after *rowlink.Database) {
	t.Helper()
	path, folder := smallShop(t), t.TempDir()
	foresee(t, path, at)
	before = open(t, rowlink.Options{URL: "sqlite:" + path, Workspace: folder})
	alter(t, path, at)
	after = open(t, rowlink.Options{URL: "sqlite:" + path, Workspace: folder, Fresh: true})
	if before.Snap.ID == after.Snap.ID {
		t.Fatal("both snapshots are the same")
	}
	return before, after
}

// visible lists the customers of both snapshots who had signed up by the instant, pair by pair.
func visible(t *testing.T, before, after *rowlink.Database, at time.Time) (a, b []int32) {
	t.Helper()
	n := before.Snap.Schema.Table("customers")
	was, is := before.Snap.Tables[n], after.Snap.Tables[n]
	moved := false
	for row := range int32(was.Rows) {
		if !was.VisibleAt(tasks.Options{}.Rule, row, at.UnixMicro()) {
			continue
		}
		now, ok := is.Find(was.Key(row))
		if !ok {
			t.Fatalf("customer %s is gone", was.KeyText(row))
		}
		a, b, moved = append(a, row), append(b, now), moved || now != row
	}
	if len(a) < 50 || !moved {
		t.Fatalf("%d customers, moved %t, want many whose row numbers moved", len(a), moved)
	}
	return a, b
}

// answers prints what a version says about customers, to the bit and without row numbers,
// and for midway, where rows of both futures meet, the reasons too.
func answers(t *testing.T, l *rowlink.Loaded, rows []int32, at time.Time) []string {
	t.Helper()
	reasons := 0
	if at.Equal(midway) {
		reasons = 6
	}
	got, err := l.Predict(t.Context(), rows, at.UnixMicro(), reasons)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]string, len(got))
	for i, p := range got {
		out[i] = fmt.Sprintf("customer %s value %v eligible %t", l.Snap.Tables[l.Task.Entity].KeyText(rows[i]), p.Value, p.Eligible)
		if p.Probability != nil {
			out[i] += fmt.Sprintf(" probability %x", math.Float64bits(*p.Probability))
		}
		for _, r := range p.Reasons {
			out[i] += fmt.Sprintf(" because of %+v", r)
		}
	}
	return out
}

// TestLeak_storedVersion trains once, stores the version, and lets another future happen
// to the database: what network, ensemble and baselines say at instants before it, with
// eligibility and explanations, does not change by a bit.
func TestLeak_storedVersion(t *testing.T) {
	// The anchors follow from the data, so that another future could move them.
	checkFutures(t, `CREATE TASK churn AS PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR EACH customers
		WHERE COUNT(orders.*, -90, 0, days) > 0 WITH (step = '30 days', eval_anchors = 3)`)
}

// TestLeak_forecast holds the same of a series of timeframes, whose history is finer than its
// anchors.
func TestLeak_forecast(t *testing.T) {
	checkFutures(t, `CREATE TASK churn AS PREDICT SUM(orders.total, 0, 10, days) FORECAST 3 FOR EACH customers
		WHERE COUNT(orders.*, -90, 0, days) > 0 WITH (step = '30 days', eval_anchors = 3)`)
}

func checkFutures(t *testing.T, text string) {
	t.Helper()
	before, after := twoFutures(t, midway)
	for _, o := range []train.Options{quick(), quickScan()} {
		f, err := before.Fit(t.Context(), text, rowlink.FitOptions{Train: o, Ensemble: 2})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Save(before.Workspace); err != nil {
			t.Fatal(err)
		}
	}
	for i, name := range append(baseline.Names(), rowlink.GNN, rowlink.GNN) {
		version, what := "1", name
		if i > len(baseline.Names()) {
			version, what = "2", model.Scan
		}
		t.Run(what, func(t *testing.T) {
			load := func(d *rowlink.Database) *rowlink.Loaded {
				l, err := d.Load(t.Context(), "churn", version, name)
				if err != nil {
					t.Fatal(err)
				}
				return l
			}
			old, now := load(before), load(after)
			for _, at := range []time.Time{midway, midway.Add(-time.Second), shop.Anchor(shop.Periods - 8), midway.Add(-100 * shop.Day)} {
				a, b := visible(t, before, after, at)
				if want, got := answers(t, old, a, at), answers(t, now, b, at); !slices.Equal(want, got) {
					t.Errorf("at %s rows after %s change what is said:\n%s", at, midway, firstDifference(want, got))
				}
				if !slices.Equal(keys(old, everybody(t, old, at.UnixMicro())), keys(now, everybody(t, now, at.UnixMicro()))) {
					t.Errorf("at %s rows after %s change who is eligible", at, midway)
				}
			}
			a, b := visible(t, before, after, midway)
			if late := midway.Add(20 * shop.Day); name != "constant" && slices.Equal(answers(t, old, a, late), answers(t, now, b, late)) {
				t.Errorf("the other future changes nothing at %s, where it may", late)
			}
		})
	}
}

func keys(l *rowlink.Loaded, rows []int32) []string {
	var out []string
	for _, r := range rows {
		out = append(out, l.Snap.Tables[l.Task.Entity].KeyText(r))
	}
	return out
}

func firstDifference(want, got []string) string {
	for i := range want {
		if want[i] != got[i] {
			return want[i] + "\n" + got[i]
		}
	}
	return ""
}

// TestLeak_everyLayer holds the same of every layer with every aggregator and sampling
// strategy.
func TestLeak_everyLayer(t *testing.T) {
	before, after := twoFutures(t, midway)
	a, b := visible(t, before, after, midway)
	data := labelled(t, before)
	then := labelled(t, after)
	check := func(t *testing.T, o train.Options) {
		r, err := train.Fit(t.Context(), data, o)
		if err != nil {
			t.Fatal(err)
		}
		var file bytes.Buffer
		if err := r.Model.Write(&file); err != nil {
			t.Fatal(err)
		}
		want := score(t, file.Bytes(), data, a, midway.UnixMicro(), midway.UnixMicro())
		got := score(t, file.Bytes(), then, b, midway.UnixMicro(), midway.UnixMicro())
		if !slices.Equal(got, want) {
			t.Error("rows after the anchor change predictions")
		}
		if late := shop.End.UnixMicro(); slices.Equal(score(t, file.Bytes(), data, a, late, late), score(t, file.Bytes(), then, b, late, late)) {
			t.Error("the other future changes nothing at the end, where it may")
		}
	}
	t.Run(model.Scan, func(t *testing.T) { check(t, quickScan()) })
	for i, layer := range conv.Names() {
		for j, aggregate := range conv.Aggregators() {
			if testing.Short() && aggregate != "decay" {
				continue
			}
			strategies := sample.Strategies()
			if layer != "sage" { // one of them, in turn
				strategies = strategies[(i+j)%len(strategies):][:1]
			}
			for _, strategy := range strategies {
				t.Run(layer+"/"+aggregate+"/"+strategy, func(t *testing.T) {
					o := quick()
					o.Model.Layer, o.Model.Aggregate, o.Model.Strategy = layer, aggregate, strategy
					check(t, o)
				})
			}
		}
	}
}

// labelled is the task churn, whose text fixes its anchors, over a database.
func labelled(t *testing.T, d *rowlink.Database) train.Data {
	t.Helper()
	task, err := d.Task(shop.Churn)
	if err != nil {
		t.Fatal(err)
	}
	var out train.Data
	if out.Labels, err = tasks.Label(t.Context(), d.Snap, task, 0); err != nil {
		t.Fatal(err)
	}
	if out.Graph, err = model.Graph(t.Context(), d.Snap, task, true); err != nil {
		t.Fatal(err)
	}
	return out
}

// score reads a model file and lets it answer for rows.
func score(t *testing.T, file []byte, d train.Data, rows []int32, cut, anchor int64) []float64 {
	t.Helper()
	pool := tensor.NewPool(2)
	bound, err := predict.Read(file, d.Graph, d.Labels.Task, nil, pool)
	if err != nil {
		t.Fatal(err)
	}
	n, err := predict.Of(bound, d.Labels.Task, &tasks.Scaling{}, pool)
	if err != nil {
		t.Fatal(err)
	}
	var q []model.Query
	for _, r := range rows {
		q = append(q, model.Query{Row: r, Cut: cut, Anchor: anchor})
	}
	out, err := n.Score(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestLeak_labels: a label whose window closed by the instant stays what it was.
func TestLeak_labels(t *testing.T) {
	before, after := twoFutures(t, midway)
	closed := func(d *rowlink.Database) map[string]float64 {
		l := labelled(t, d).Labels
		out := map[string]float64{}
		for i := range l.Label {
			if o := &l.Task.Options; o.Closed(l.Anchor[i], l.Task.Horizon) <= midway.UnixMicro() {
				out[fmt.Sprint(d.Snap.Tables[l.Task.Entity].KeyText(l.Entity[i]), " at ", l.Anchor[i], " in ", l.Split[i])] = l.Label[i]
			}
		}
		return out
	}
	was, is := closed(before), closed(after)
	if len(was) < 500 || len(was) != len(is) {
		t.Fatalf("%d closed labels, then %d", len(was), len(is))
	}
	for k, v := range was {
		if w, ok := is[k]; !ok || w != v {
			t.Errorf("customer %s: label %v, in the other future %v (there: %t)", k, v, w, ok)
		}
	}
}

// TestLeak_training: rows after the validation anchor change neither the statistics of an
// encoder nor, after one epoch, any weight; a fit on all data is the fit on the data that
// was there at the validation anchor.
func TestLeak_training(t *testing.T) {
	before, after := twoFutures(t, shop.ValAnchor)
	fitted := func(d *rowlink.Database, o train.Options) (encoders, weights, constant string) {
		data := labelled(t, d)
		enc, err := model.Encoders(data.Graph, data.Labels.Task, 3)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(enc)
		if err != nil {
			t.Fatal(err)
		}
		r, err := train.Fit(t.Context(), data, o)
		if err != nil {
			t.Fatal(err)
		}
		return string(text), r.Model.WeightsHash(), fmt.Sprint(baseline.Collect(data.Labels, tasks.Train).Label)
	}
	for _, strategy := range append(sample.Strategies(), model.Scan) {
		o := quick()
		if o.Model.Strategy = strategy; strategy == model.Scan {
			o = quickScan()
			o.Epochs = 1 // validation, whose labels are of the future, chooses nothing
		}
		encoders, weights, labels := fitted(before, o)
		encoders2, weights2, labels2 := fitted(after, o)
		if encoders != encoders2 {
			t.Errorf("%s: rows after the validation anchor change the encoders", strategy)
		}
		if labels != labels2 {
			t.Errorf("%s: rows after the validation anchor change training labels", strategy)
		}
		if weights != weights2 {
			t.Errorf("%s: rows after the validation anchor change weights", strategy)
		}
	}
}

// TestLeak_frozen: in the frozen regime every test row is read at the test anchor, so
// nothing that happened after it reaches a score.
func TestLeak_frozen(t *testing.T) {
	before, after := twoFutures(t, shop.TestAnchor)
	a, b := visible(t, before, after, shop.TestAnchor)
	data, then := labelled(t, before), labelled(t, after)
	data.Labels.Task.Options.Regime = tasks.Frozen
	r, err := train.Fit(t.Context(), data, quick())
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := r.Model.Write(&file); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for i, row := range data.Labels.Entity {
		if data.Labels.Split[i] != tasks.Test || data.Labels.Cut(i) != shop.TestAnchor.UnixMicro() || !slices.Contains(a, row) {
			continue
		}
		seen++
	}
	if all := len(data.Labels.Rows(tasks.Test)); seen < all*8/10 {
		t.Fatalf("%d of %d test rows are customers of the test anchor, read at it", seen, all)
	}
	for k := range shop.EvalAnchors {
		cut := shop.TestAnchor.UnixMicro()
		anchor := shop.TestAnchor.Add(time.Duration(k) * shop.Period).UnixMicro()
		if !slices.Equal(score(t, file.Bytes(), data, a, cut, anchor), score(t, file.Bytes(), then, b, cut, anchor)) {
			t.Errorf("rows after the test anchor change frozen scores of test anchor %d", k+1)
		}
		if k > 0 && slices.Equal(score(t, file.Bytes(), data, a, anchor, anchor), score(t, file.Bytes(), then, b, anchor, anchor)) {
			t.Errorf("the other future changes no rolling score of test anchor %d", k+1)
		}
	}
}

// everybody lists the rows that are eligible at an anchor.
func everybody(t testing.TB, p interface {
	All(context.Context, int64) ([]int32, error)
}, at int64) []int32 {
	t.Helper()
	rows, err := p.All(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}
