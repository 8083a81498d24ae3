package baseline

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

// past is two entities and five labels of the first, with windows that closed on days
// 10, 20, 30, 40 and 50, as the target history of a task.
func past(typ string, classes []string, labels ...float64) *Data {
	s := &schema.Schema{Tables: []*schema.Table{
		{Name: "riders", Key: []int{0}, Columns: []schema.Column{{Name: "id", Kind: schema.Int}}},
		{Name: "target history", Columns: []schema.Column{{Name: "label", Kind: schema.Float}},
			Links: []schema.Link{{Name: "entity", Columns: []int{0}, To: 0}}, Time: &schema.RowTime{Column: -1, Via: -1, Until: -1}},
	}}
	h := &ingest.Table{Def: s.Tables[1], Rows: len(labels), Columns: []ingest.Column{{Kind: schema.Float, Floats: labels}},
		Parents: [][]int32{make([]int32, len(labels))}, Dangling: []int{0}}
	for i := range labels {
		h.Times = append(h.Times, day(10*(i+1)))
	}
	snap := &ingest.Snapshot{Schema: s, Tables: []*ingest.Table{
		{Def: s.Tables[0], Rows: 2, Columns: []ingest.Column{{Kind: schema.Int, Ints: []int64{1, 2}}}}, h}}
	g, err := graph.Build(snap)
	if err != nil {
		panic(err)
	}
	return &Data{Graph: g, History: labels, Classes: classes, Pool: tensor.NewPool(1), Task: &tasks.Task{Name: "t", Type: typ, Horizon: tasks.Span{Days: 1}}}
}

func day(n int) int64 { return int64(n) * dayMicros }

// TestHistory_byHand checks decayed means against a hand calculation: with a half-life of
// 10 days the labels of days 10, 20, 30 weigh 1/4, 1/2, 1 at day 30, and the prior 1.
func TestHistory_byHand(t *testing.T) {
	d := past(tasks.Regression, nil, 8, 4, 2, 100, 200)
	h := &History{HalfLife: 10, Prior: []float64{6}, PriorWeight: 1}
	if err := h.Attach(d); err != nil {
		t.Fatal(err)
	}
	got, err := h.Predict(t.Context(), []Query{{Row: 0, Cut: day(30)}, {Row: 0, Cut: day(30) - 1}, {Row: 0, Cut: day(9)}, {Row: 1, Cut: day(99)}})
	if err != nil {
		t.Fatal(err)
	}
	// A microsecond before day 30 its label does not exist; the weights are 1/4 and 1/2
	// at day 30, all but the microsecond.
	near(t, "decayed means", got, []float64{(8./4 + 4./2 + 2 + 6) / 2.75, (8./4 + 4./2 + 6) / 1.75, 6, 6}, 1e-6)

	plain := &History{Prior: []float64{6}, PriorWeight: 1}
	if err := plain.Attach(d); err != nil {
		t.Fatal(err)
	}
	if got, err = plain.Predict(t.Context(), []Query{{Row: 0, Cut: day(30)}}); err != nil {
		t.Fatal(err)
	}
	near(t, "plain mean", got, []float64{(8 + 4 + 2 + 6) / 4.}, 1e-12)
	if plain.Setting() != "mean of closed labels" || h.Setting() != "closed labels, half-life 10 d" {
		t.Errorf("settings %q and %q", plain.Setting(), h.Setting())
	}
}

func TestHistory_strict(t *testing.T) {
	d := past(tasks.Regression, nil, 8, 4, 2)
	d.Task.Options.Rule.Strict = true
	h := &History{Prior: []float64{0}, PriorWeight: 1}
	if err := h.Attach(d); err != nil {
		t.Fatal(err)
	}
	got, err := h.Predict(t.Context(), []Query{{Row: 0, Cut: day(20)}})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "mean before day 20", got, []float64{4}, 1e-12) // (8 + 0) / 2
}

// A row that has ended counts no more, and one without a value never did.
func TestHistory_endedRows(t *testing.T) {
	d := past(tasks.Regression, nil, 8, 4, math.NaN())
	table := d.Graph.Snap.Tables[1]
	table.Until = []int64{day(25), ingest.Never, ingest.Never}
	h := &History{Prior: []float64{0}, PriorWeight: 1}
	if err := h.Attach(d); err != nil {
		t.Fatal(err)
	}
	got, err := h.Predict(t.Context(), []Query{{Row: 0, Cut: day(25) - 1}, {Row: 0, Cut: day(25)}, {Row: 0, Cut: day(40)}})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "means", got, []float64{4, 2, 2}, 1e-12) // (8 + 4 + 0) / 3, then (4 + 0) / 2
	if m := h.visibleMean(day(24)); m != 6 {
		t.Errorf("the mean of what is visible on day 24 is %v, want 6", m)
	}
	if m := h.visibleMean(day(99)); m != 4 {
		t.Errorf("the mean of what is visible on day 99 is %v, want 4", m)
	}
}

func TestHistory_classShares(t *testing.T) {
	d := past(tasks.Multiclass, []string{"bus", "car", "rail"}, 2, 0, 2)
	h := &History{HalfLife: 10, Prior: []float64{.5, .25, .25}, PriorWeight: 1}
	if err := h.Attach(d); err != nil {
		t.Fatal(err)
	}
	got, err := h.Predict(t.Context(), []Query{{Row: 0, Cut: day(30)}})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "shares", got, []float64{(.5 + .5) / 2.75, .25 / 2.75, (1.25 + .25) / 2.75}, 1e-12)
}

// The calibration is applied to mean and log count: logit for probabilities.
func TestHistory_calibrated(t *testing.T) {
	d := past(tasks.Binary, nil, 1, 0, 1)
	h := &History{Prior: []float64{.5}, PriorWeight: 1, Calibration: []float64{2, -1, .5}}
	if err := h.Attach(d); err != nil {
		t.Fatal(err)
	}
	got, err := h.Predict(t.Context(), []Query{{Row: 0, Cut: day(30)}})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "probability", got, []float64{sigmoid(2*2.5/4 - math.Log(3.05) + .5)}, 1e-12)
}

func TestHistory_attachErrors(t *testing.T) {
	d := past(tasks.Regression, nil, 1, 2)
	d.History = nil // a graph without the task's own labels
	if err := (&History{Prior: []float64{0}}).Attach(d); err == nil || !strings.Contains(err.Error(), "closed labels") {
		t.Errorf("error %v, want one that misses the closed labels", err)
	}
}

func TestPrior(t *testing.T) {
	for _, c := range []struct {
		typ     string
		classes []string
		labels  []float64
		want    []float64
	}{
		{tasks.Binary, nil, []float64{1, 0, 0, 0}, []float64{.25}},
		{tasks.Regression, nil, []float64{1, 2, 30}, []float64{2}},
		{tasks.Multiclass, []string{"a", "b", "c"}, []float64{0, 2, 2, 2}, []float64{.25, 0, .75}},
	} {
		near(t, c.typ, prior(&Data{Task: &tasks.Task{Type: c.typ}, Classes: c.classes}, c.labels), c.want, 1e-12)
	}
}

// Stored state answers the same; what cannot be read says which baseline it was.
func TestLoad(t *testing.T) {
	d := past(tasks.Regression, nil, 8, 4, 2)
	h := &History{HalfLife: 10, Prior: []float64{6}, PriorWeight: 1}
	if err := h.Attach(d); err != nil {
		t.Fatal(err)
	}
	state, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Load("decayed entity mean", state, d)
	if err != nil {
		t.Fatal(err)
	}
	q := []Query{{Row: 0, Cut: day(25)}, {Row: 0, Cut: day(35)}, {Row: 1, Cut: day(35)}}
	want, err := h.Predict(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	got, err := again.Predict(t.Context(), q)
	if err != nil || !slices.Equal(got, want) || again.Setting() != h.Setting() {
		t.Errorf("read back it predicts %v, %v, want %v", got, err, want)
	}
	for name, c := range map[string]struct{ state, want string }{
		"decayed entity mean": {"{", "decayed entity mean"},
		"entity mean":         {`{"Rows": true}`, "entity mean"}, // the task's target has no rows
		"entity meen":         {"{}", "entity mean"},             // lists the known ones
	} {
		if _, err := Load(name, []byte(c.state), d); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}
