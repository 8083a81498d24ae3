package model

import (
	"slices"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

// nextResults is a task over the world: an aggregate of a driver's results in the ten
// days after each anchor.
func nextResults(fn, typ string, arg tasks.Expr) *tasks.Task {
	ten := tasks.Span{Days: 10}
	return &tasks.Task{Name: "next", Type: typ, Entity: drivers, Horizon: ten,
		Target: &tasks.Aggregate{Fn: fn, Table: results, Path: []tasks.Step{{Table: results, Link: 0}}, Arg: arg,
			Window: tasks.Window{End: ten}, Empty: tasks.DefaultEmpty(fn)},
		Options: tasks.Options{ValAnchor: 40 * day, TestAnchor: 60 * day}}
}

func count() *tasks.Task { return nextResults("count", tasks.Regression, nil) }

func mustHistory(t *testing.T, specs []spec, task *tasks.Task) *graph.Graph {
	t.Helper()
	g, err := Graph(t.Context(), snapshot(specs), task, true)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// A label row says what its window held, and is known when the window has closed.
func TestGraph_history(t *testing.T) {
	specs := world(1, 1)[:history]
	g := mustHistory(t, specs, count())
	res, hist := g.Snap.Tables[results], g.Snap.Tables[history]
	if hist.Rows < 20 || hist.Def.Name != HistoryName {
		t.Fatalf("%d rows of %q", hist.Rows, hist.Def.Name)
	}
	for row, closed := range hist.Times {
		n := 0.0
		for r, at := range res.Times {
			if res.Parents[0][r] == hist.Parents[0][row] && at > closed-10*day && at <= closed {
				n++
			}
		}
		if got, ok := hist.Columns[1].Number(row); !ok || got != n {
			t.Errorf("the label of driver %d closed on day %d is %v, counted %v", hist.Parents[0][row], closed/day, got, n)
		}
	}
	if without, err := Graph(t.Context(), snapshot(specs), count(), false); err != nil || len(without.Snap.Tables) != history {
		t.Errorf("without history: %v", err)
	}
}

// The history of a multiclass task holds the names of the classes.
func TestGraph_historyOfClasses(t *testing.T) {
	status := &tasks.ColumnExpr{Table: results, Column: 3, Kind: tasks.KindText}
	g := mustHistory(t, world(1, 1)[:history], nextResults("last", tasks.Multiclass, status))
	hist := g.Snap.Tables[history]
	if got := hist.Def.Columns[1]; got.Kind != schema.Text || got.Sem != schema.SemCategorical || hist.Rows == 0 {
		t.Fatalf("%d rows with a label of kind %s, %s", hist.Rows, got.Kind, got.Sem)
	}
	for row := range hist.Rows {
		if v := hist.Columns[1].Text(row); !slices.Contains([]string{"red", "green", "blue", "white"}, v) {
			t.Errorf("label %d is %q", row, v)
		}
	}
}

// Labels of the future are in the same table as those of the past: the rule that keeps
// rows of the future from a prediction keeps them too.
func TestGraph_futureLabels(t *testing.T) {
	const cut = 50 * day
	for seed := range uint64(6) {
		before := world(seed, 1)[:history]
		after, number := alterFuture(before, draws(seed+100), ingest.TimeRule{}, cut)
		task := count()
		g, g2 := mustHistory(t, before, task), mustHistory(t, after, count())
		enc, err := Encoders(g, task, 2)
		if err != nil {
			t.Fatal(err)
		}
		m, err := New(Config{Outputs: 1, Width: 8}.Complete(10), g, drivers, enc, 5)
		if err != nil {
			t.Fatal(err)
		}
		enc2, err := Encoders(g2, task, 2)
		if err != nil {
			t.Fatal(err)
		}
		m2, err := New(m.Config, g2, drivers, enc2, 5)
		if err != nil {
			t.Fatal(err)
		}
		var q, q2 []Query
		for _, x := range queries(36, 12) {
			if g.Snap.Tables[drivers].VisibleAt(ingest.TimeRule{}, x.Row, x.Cut) {
				q, q2 = append(q, x), append(q2, Query{Row: number[drivers][x.Row], Cut: x.Cut, Anchor: x.Anchor})
			}
		}
		if want, got := mustScore(t, mustBind(t, m, g, 1), q), mustScore(t, mustBind(t, m2, g2, 1), q2); !slices.Equal(got.Data, want.Data) {
			t.Errorf("world %d: rows after the cut change predictions", seed)
		}
		if slices.Equal(g.Snap.Tables[history].Columns[1].Floats, g2.Snap.Tables[history].Columns[1].Floats) {
			t.Errorf("world %d: the change of later rows changes no label: the test shows nothing", seed)
		}
	}
}

// Default anchors follow the latest row. A model must see its history on the lattice
// that it was trained on, whatever came later.
func TestMetadata_Pin(t *testing.T) {
	specs := world(2, 1)[:history]
	task := count()
	task.Options = tasks.Options{}
	g := mustHistory(t, specs, task)
	var meta Metadata
	meta.Note(task)

	last := 0
	for _, v := range specs[results].column("day").values {
		if v != nil {
			last = max(last, v.(int))
		}
	}
	for i := range specs[results].cols { // one more result, three days after the last
		c := &specs[results].cols[i]
		c.values = append(c.values, c.values[0])
	}
	specs[results].cols[0].values[specs[results].rows()-1] = 1_000_000
	specs[results].cols[1].values[specs[results].rows()-1] = last + 3*day
	for i := range specs[results].links {
		specs[results].links[i].parents = append(specs[results].links[i].parents, 0)
	}

	old := g.Snap.Tables[history].Times
	pinned, free := count(), count()
	pinned.Options, free.Options = tasks.Options{}, tasks.Options{}
	meta.Pin(pinned)
	if got := mustHistory(t, specs, pinned).Snap.Tables[history].Times; !slices.Equal(got[:len(old)], old) {
		t.Error("a later row moves the history of a pinned task")
	}
	if got := mustHistory(t, specs, free).Snap.Tables[history].Times; slices.Equal(got[:min(len(old), len(got))], old) {
		t.Error("a later row does not move the history of a task that is not pinned: the test shows nothing")
	}
	if pinned.Options.ValAnchor != task.Options.ValAnchor || pinned.Options.TestAnchor != task.Options.TestAnchor {
		t.Error("the pinned task has other splits")
	}
}

func TestEncoders_masksAndReach(t *testing.T) {
	g := mustGraph(t, world(1, 1))
	task := count()
	points := g.Snap.Tables[results].Def.Column("points")
	task.Options.Mask = []tasks.ColumnRef{{Table: results, Column: points}}
	enc, err := Encoders(g, task, 1)
	if err != nil {
		t.Fatal(err)
	}
	if enc[races] != nil || enc[results] == nil {
		t.Error("one hop reaches results and not races")
	}
	var names []string
	for _, c := range enc[results].Columns {
		names = append(names, c.Name)
	}
	if got := strings.Join(names, " "); got != "day status" {
		t.Errorf("columns of results: %s", got)
	}
	if _, err := enc[results].Features(tensor.NewPool(1), g.Snap.Tables[results]); err != nil {
		t.Error(err)
	}
}
