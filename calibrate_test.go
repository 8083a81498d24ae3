package rowlink_test

import (
	"bytes"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/internal/shop"
	"github.com/rowlink/rowlink/tabular/calibrate"
	"github.com/rowlink/rowlink/tasks"
)

// What is served is calibrated, also after storing: its probabilities, and its reasons,
// which are differences of such. Another predictor of the version answers as it is.
func TestFit_calibration(t *testing.T) {
	d := open(t, rowlink.Options{URL: "sqlite:" + smallShop(t), Workspace: t.TempDir()})
	f, err := d.Fit(t.Context(), shop.Churn, rowlink.FitOptions{Train: quick(), Model: rowlink.GNN})
	if err != nil {
		t.Fatal(err)
	}
	h := f.Report.Honesty
	if h.Calibration == nil || h.Before == nil || h.After == nil || h.Interval != nil || h.Examples != len(f.Labels.Rows(tasks.Val)) {
		t.Fatalf("the report says %+v", h)
	}
	c := &calibrate.Calibration{Kind: calibrate.Platt, Maps: []calibrate.Map{{Kind: calibrate.Platt, Slope: 0.5, Shift: -1}}}
	h.Calibration = c
	if _, err := f.Save(d.Workspace); err != nil {
		t.Fatal(err)
	}
	l, err := d.Load(t.Context(), "churn", "", "")
	if err != nil {
		t.Fatal(err)
	}
	plain, err := l.ScorerOf(t.Context(), rowlink.GNN)
	if err != nil {
		t.Fatal(err)
	}
	at := shop.TestAnchor.UnixMicro()
	q := model.Query{Row: f.Labels.Entity[f.Labels.Rows(tasks.Test)[0]], Cut: at, Anchor: at}
	raw, err := plain.Score(t.Context(), []model.Query{q})
	if err != nil {
		t.Fatal(err)
	}
	answers, err := l.Predict(t.Context(), []int32{q.Row}, at, 3)
	if err != nil {
		t.Fatal(err)
	}
	if want := c.Apply(raw)[0]; *answers[0].Probability != want || want == raw[0] {
		t.Errorf("the version answers %v, calibrated it is %v, as it is %v", *answers[0].Probability, want, raw[0])
	}
	reasons := plain.(predict.Explainer).Explain(q, math.MaxInt)
	if len(answers[0].Reasons) != 3 {
		t.Fatalf("%d reasons, want 3", len(answers[0].Reasons))
	}
	for _, got := range answers[0].Reasons {
		found := false
		for _, r := range reasons {
			want := c.Apply(raw)[0] - c.Apply([]float64{raw[0] - r.Effect})[0]
			r.Effect = got.Effect
			found = found || r == got && math.Abs(want-got.Effect) < 1e-12
		}
		if !found {
			t.Errorf("reason %+v is none of the network's in calibrated probabilities", got)
		}
	}
	other, err := d.Load(t.Context(), "churn", "", "linear on as-of features")
	if err != nil {
		t.Fatal(err)
	}
	same, err := l.ScorerOf(t.Context(), "linear on as-of features")
	if err != nil {
		t.Fatal(err)
	}
	a, err := other.Scorer.Score(t.Context(), []model.Query{q})
	if err != nil {
		t.Fatal(err)
	}
	if b, err := same.Score(t.Context(), []model.Query{q}); err != nil || a[0] != b[0] {
		t.Errorf("another predictor answers %v, as it is %v (%v)", a, b, err)
	}
	path := l.Version.Path("task.json")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.Replace(data, []byte(`"slope"`), []byte(`"bend"`), 1), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Load(t.Context(), "churn", "", ""); err == nil || !strings.Contains(err.Error(), `unknown field "bend"`) {
		t.Errorf("a map of another kind is read: %v", err)
	}
}

// Values have intervals, each timeframe of a forecast its own, probabilities do not, and another
// predictor has none.
func TestLoad_interval(t *testing.T) {
	t.Run("value", func(t *testing.T) { testIntervals(t, shop.Spend, func(int) int { return 0 }) })
	t.Run("forecast", func(t *testing.T) {
		testIntervals(t, `CREATE TASK spend AS PREDICT SUM(orders.total, 0, 10, days) FORECAST 3 FOR EACH customers
			WHERE COUNT(orders.*, -90, 0, days) > 0 WITH (step = '30 days', eval_anchors = 3)`, func(i int) int { return i%3 + 1 })
	})
}

// testIntervals trains and loads a task; step is the timeframe of each value of the label table.
func testIntervals(t *testing.T, text string, step func(i int) int) {
	d := open(t, rowlink.Options{URL: "sqlite:" + smallShop(t), Workspace: t.TempDir()})
	f, err := d.Fit(t.Context(), text, rowlink.FitOptions{Train: quick()})
	if err != nil {
		t.Fatal(err)
	}
	h := f.Report.Honesty
	if (h.Interval == nil) == (len(h.Steps) != 3) || len(h.Coverage) == 0 || h.Calibration != nil {
		t.Fatalf("the report says %+v", h)
	}
	if _, err := f.Save(d.Workspace); err != nil {
		t.Fatal(err)
	}
	l, err := d.Load(t.Context(), "spend", "", "")
	if err != nil {
		t.Fatal(err)
	}
	around, err := l.Interval(0.8)
	if err != nil {
		t.Fatal(err)
	}
	o, err := rowlink.Ask(t.Context(), l.Scorer, f.Labels, tasks.Test)
	if err != nil {
		t.Fatal(err)
	}
	inside := 0.0
	for i, y := range o.Truth {
		if lower, upper := around(step(i), o.Predicted[i]); lower <= y && y <= upper {
			inside += 1 / float64(len(o.Truth))
		}
	}
	for _, c := range h.Coverage {
		if c.Level == 0.8 && math.Abs(c.Inside-inside) > 1e-9 {
			t.Errorf("the stored version holds %v, the report says %v", inside, c.Inside)
		}
	}
	if inside < 0.7 {
		t.Errorf("80 %% intervals hold %.2f of the test values", inside)
	}
	for _, tt := range []struct {
		level float64
		want  string
	}{{0, "between 0 and 1"}, {1, "between 0 and 1"}, {0.9999, "can promise"}} {
		if _, err := l.Interval(tt.level); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("level %g: error %v, want %q", tt.level, err, tt.want)
		}
	}
	if l, err = d.Load(t.Context(), "spend", "", "constant"); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Interval(0.8); f.Report.Served != "constant" && (err == nil || !strings.Contains(err.Error(), "no intervals")) {
		t.Errorf("of another predictor: error %v", err)
	}
}
