package baseline_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
	_ "github.com/rowlink/rowlink/ingest/sqlite"
	"github.com/rowlink/rowlink/internal/shop"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tabular/baseline"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
)

// writeShop writes a small shop as a SQLite file and returns its path.
func writeShop(t *testing.T, customers int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "shop.db")
	if err := shop.Generate(shop.Options{Customers: customers, Products: 40, Suppliers: 8, Seed: 1}).WriteSQLite(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	return path
}

// take reads a SQLite file, with the given schema or what is inferred.
func take(t *testing.T, path string, sc *schema.Schema) *ingest.Snapshot {
	t.Helper()
	src, err := ingest.Open(t.Context(), "sqlite:"+path, ingest.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	raw, err := ingest.Take(t.Context(), src, ingest.TakeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if sc == nil {
		sc = raw.Schema.Clone()
		schema.Infer(sc, raw.Stats())
	}
	snap, err := raw.Derive(sc)
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

// world is a task over a snapshot with what baselines read; encoders nil = fitted.
func world(t *testing.T, snap *ingest.Snapshot, text string, encoders []*encode.Table, threads int) (*baseline.Data, *tasks.LabelTable) {
	t.Helper()
	task, err := tql.Bind(text, snap.Schema)
	if err != nil {
		t.Fatal(err)
	}
	if err := tasks.Resolve(task, snap); err != nil {
		t.Fatal(err)
	}
	labels, err := tasks.Label(t.Context(), snap, task, threads)
	if err != nil {
		t.Fatal(err)
	}
	g, err := model.Graph(t.Context(), snap, task, true)
	if err != nil {
		t.Fatal(err)
	}
	if encoders == nil {
		if encoders, err = model.Encoders(g, task, 1); err != nil {
			t.Fatal(err)
		}
	}
	d := &baseline.Data{Graph: g, Task: task, Classes: labels.Classes, Encoders: encoders, Pool: tensor.NewPool(threads)}
	history := g.Snap.Tables[len(g.Snap.Tables)-1]
	c := &history.Columns[history.Def.Column("label")]
	for i := range history.Rows {
		if labels.Classes == nil {
			d.History = append(d.History, c.Floats[i])
			continue
		}
		at, _ := slices.BinarySearch(labels.Classes, c.Text(i))
		d.History = append(d.History, float64(at))
	}
	return d, labels
}

// fitOn gives a baseline the splits of a label table.
func fitOn(t *testing.T, d *baseline.Data, l *tasks.LabelTable) *baseline.Fit {
	t.Helper()
	f := &baseline.Fit{Data: d, Train: baseline.Collect(l, tasks.Train), Val: baseline.Collect(l, tasks.Val)}
	scaling, err := tasks.FitScaling(l)
	if err != nil {
		t.Fatal(err)
	}
	m, err := d.Task.MetricOf(scaling)
	if err != nil {
		t.Fatal(err)
	}
	f.Score = func(predicted []float64) float64 {
		if v := m.Compute(f.Val.Label, predicted); m.HigherIsBetter() {
			return v
		} else {
			return -v
		}
	}
	f.Watch = f.Score
	return f
}

// shortRun says that of the task types only the binary one is tested.
func shortRun(name string) bool { return testing.Short() && name != "binary" }

// eachBaseline runs f for every registered baseline on a task of every type.
func eachBaseline(t *testing.T, f func(t *testing.T, name, text string)) {
	for _, task := range []struct{ name, text string }{{"binary", shop.Churn}, {"regression", shop.Spend}, {"multiclass", shop.Channel}} {
		if shortRun(task.name) {
			continue
		}
		for _, name := range baseline.Names() {
			t.Run(name+"/"+task.name, func(t *testing.T) { f(t, name, task.text) })
		}
	}
}

func predict(t *testing.T, b baseline.Baseline, q []baseline.Query) []float64 {
	t.Helper()
	out, err := b.Predict(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func state(t *testing.T, b baseline.Baseline) string {
	t.Helper()
	s, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(s)
}

// TestContract holds what every baseline keeps: predictions in the range of the task
// type, equal bits at any number of threads and after a round trip through its stored
// form, and no reading of rows beyond the cut.
func TestContract(t *testing.T) {
	path := writeShop(t, 60)
	snap := take(t, path, nil)
	cut := shop.Anchor(shop.Periods - 4)
	past := cutOff(t, path, snap, cut.Format("2006-01-02 15:04:05"))
	eachBaseline(t, func(t *testing.T, name, text string) {
		d, l := world(t, snap, text, nil, 1)
		f := fitOn(t, d, l)
		top, score := math.Inf(-1), f.Score
		f.Score = func(predicted []float64) float64 {
			top = math.Max(top, score(predicted))
			return score(predicted)
		}
		b, err := baseline.Train(t.Context(), name, f)
		if err != nil {
			t.Fatal(err)
		}
		if got := score(predict(t, b, f.Val.Queries)); got < top {
			t.Errorf("it scores %v on validation, a setting that it tried %v", got, top)
		}
		test := baseline.Collect(l, tasks.Test).Queries
		want := predict(t, b, test)
		checkRange(t, d, want, len(test))
		if name != "constant" && b.Setting() == "" {
			t.Error("the setting is empty")
		}

		d4, l4 := world(t, snap, text, nil, 4)
		b4, err := baseline.Train(t.Context(), name, fitOn(t, d4, l4))
		if err != nil {
			t.Fatal(err)
		}
		if state(t, b4) != state(t, b) || !slices.Equal(predict(t, b4, test), want) {
			t.Error("4 threads fit or predict otherwise than one")
		}

		again, err := baseline.Load(name, []byte(state(t, b)), d)
		if err != nil {
			t.Fatal(err)
		}
		if again.Setting() != b.Setting() || state(t, again) != state(t, b) || !slices.Equal(predict(t, again, test), want) {
			t.Error("read back from its stored form it is another one")
		}

		then, _ := world(t, past, text, d.Encoders, 1)
		then.Classes = d.Classes
		old, err := baseline.Load(name, []byte(state(t, b)), then)
		if err != nil {
			t.Fatal(err)
		}
		var now, before []baseline.Query
		for row := range int32(past.Tables[d.Task.Entity].Rows) { // every customer who had signed up
			same, ok := snap.Tables[d.Task.Entity].Find(past.Tables[d.Task.Entity].Key(row))
			if !ok {
				t.Fatal("a customer of the past is not in the present")
			}
			now = append(now, baseline.Query{Row: same, Cut: cut.UnixMicro()})
			before = append(before, baseline.Query{Row: row, Cut: cut.UnixMicro()})
		}
		if !slices.Equal(predict(t, b, now), predict(t, old, before)) {
			t.Error("rows after the cut change predictions")
		}
		if out := predict(t, b, nil); len(out) != 0 {
			t.Errorf("no queries give %v", out)
		}
	})
}

func checkRange(t *testing.T, d *baseline.Data, out []float64, queries int) {
	t.Helper()
	if queries == 0 || len(out) != queries*d.Width() {
		t.Fatalf("%d numbers for %d queries of width %d", len(out), queries, d.Width())
	}
	for i := 0; i < len(out); i += d.Width() {
		sum := 0.0
		for _, v := range out[i : i+d.Width()] {
			sum += v
			if math.IsNaN(v) || math.IsInf(v, 0) || d.Task.Type != tasks.Regression && (v < 0 || v > 1) {
				t.Fatalf("prediction %v", out[i:i+d.Width()])
			}
		}
		if len(d.Classes) > 0 && math.Abs(sum-1) > 1e-9 {
			t.Fatalf("class probabilities %v add up to %v", out[i:i+d.Width()], sum)
		}
	}
}

// cutOff deletes the rows after the cut from the file and reads what is left. The last
// order of all stays: it tells that the data is complete beyond the cut, without which
// the label whose window ends at the cut is not closed (rule R10).
func cutOff(t *testing.T, path string, like *ingest.Snapshot, cut string) *ingest.Snapshot {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{
		"DELETE FROM returns WHERE returned_at > ?1",
		"DELETE FROM support_tickets WHERE opened_at > ?1",
		"DELETE FROM order_lines WHERE order_id IN (SELECT order_id FROM orders WHERE ordered_at > ?1)",
		"DELETE FROM orders WHERE ordered_at > ?1 AND order_id < (SELECT max(order_id) FROM orders)",
		"DELETE FROM customers WHERE signed_up_at > ?1",
		"DELETE FROM products WHERE listed_on > ?1",
	} {
		if _, err := db.ExecContext(t.Context(), statement, cut); err != nil {
			t.Fatal(err)
		}
	}
	return take(t, path, like.Schema)
}

func TestTrain_unknownName(t *testing.T) {
	_, err := baseline.Train(t.Context(), "constnat", &baseline.Fit{})
	for _, name := range append(baseline.Names(), "constnat") {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v does not name %q", err, name)
		}
	}
	if names := baseline.Names(); names[0] != "constant" {
		t.Errorf("baselines %q, want the simplest first", names)
	}
}

// Fitted anew with the validation examples it is another predictor with the same settings,
// which reads no further and is stored as well.
func TestRefit(t *testing.T) {
	snap := take(t, writeShop(t, 40), nil)
	eachBaseline(t, func(t *testing.T, name, text string) {
		d, l := world(t, snap, text, nil, 1)
		f := fitOn(t, d, l)
		b, err := baseline.Train(t.Context(), name, f)
		if err != nil {
			t.Fatal(err)
		}
		r, ok := b.(baseline.Refitter)
		if !ok {
			return
		}
		before := state(t, b)
		again, err := r.Refit(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		if state(t, b) != before {
			t.Error("fitting anew changes what was there")
		}
		if again.Setting() != b.Setting() || state(t, again) == before {
			t.Errorf("%s, before %s: want the same setting and another state", again.Setting(), b.Setting())
		}
		stored, err := baseline.Load(name, []byte(state(t, again)), d)
		if err != nil {
			t.Fatal(err)
		}
		test := baseline.Collect(l, tasks.Test).Queries
		if !slices.Equal(predict(t, stored, test), predict(t, again, test)) {
			t.Error("read back from its stored form it is another one")
		}
	})
}

// What takes long stops when it is told to.
func TestTrain_cancelled(t *testing.T) {
	d, l := world(t, take(t, writeShop(t, 40), nil), shop.Spend, nil, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, name := range []string{"decayed entity mean", "linear on as-of features", "boosted trees on as-of features"} {
		if _, err := baseline.Train(ctx, name, fitOn(t, d, l)); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v, want %v", name, err, context.Canceled)
		}
	}
}

// Where validation is frozen and trees prefer aged examples, they read how stale the rows are.
func TestBoosted_aged(t *testing.T) {
	snap := take(t, writeShop(t, 60), nil)
	d, l := world(t, snap, strings.Replace(shop.Churn, "eval_anchors = 3", "eval_anchors = 3, regime = frozen", 1), nil, 1)
	b, err := baseline.Train(t.Context(), "boosted trees on as-of features", fitOn(t, d, l))
	if err != nil {
		t.Fatal(err)
	}
	trees := b.(*baseline.Boosted)
	const age = "days from the rows' cut to the anchor"
	if reads := slices.Contains(trees.Features, age); reads != trees.Aged {
		t.Errorf("aged %t, but the features have %q: %t", trees.Aged, age, reads)
	}
}
