package rowlink_test

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/internal/shop"
	"github.com/rowlink/rowlink/tabular/blend"
	"github.com/rowlink/rowlink/tasks"
)

// The blend is what its parts make of it, and a part that gives reasons gives
// the blend's.
func TestFit_blend(t *testing.T) {
	d := open(t, rowlink.Options{URL: "sqlite:" + smallShop(t), Workspace: t.TempDir()})
	f, err := d.Fit(t.Context(), shop.Churn, rowlink.FitOptions{Train: quick()})
	if err != nil {
		t.Fatal(err)
	}
	b := &blend.Blend{Mean: blend.LogOdds, Width: 1, Names: []string{"linear on as-of features", rowlink.GNN}, Weights: []float64{0.25, 0.75}}
	f.Report.Blend, f.Report.Served = &blend.Weighing{Blend: b}, rowlink.Blend
	f.Report.Honesty = &rowlink.Honesty{} // of another predictor
	if _, err := f.Save(d.Workspace); err != nil {
		t.Fatal(err)
	}
	l, err := d.Load(t.Context(), "churn", "", "")
	if err != nil {
		t.Fatal(err)
	}
	row := int32(f.Labels.Entity[f.Labels.Rows(tasks.Test)[0]])
	q := []model.Query{{Row: row, Cut: shop.TestAnchor.UnixMicro(), Anchor: shop.TestAnchor.UnixMicro()}}
	score := func(s predict.Scorer) float64 {
		t.Helper()
		out, err := s.Score(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		return out[0]
	}
	want := 0.0
	for i, name := range b.Names {
		s, err := l.ScorerOf(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		p := score(s)
		want += b.Weights[i] * math.Log(p/(1-p))
	}
	if got := score(l.Scorer); math.Abs(got-1/(1+math.Exp(-want))) > 1e-9 {
		t.Errorf("the blend %+v answers %v, its parts have log odds of %v", b, got, want)
	}
	// Every reason of a part is one of the blend: its share is taken out of the log odds.
	logit := func(p float64) float64 { return math.Log(p / (1 - p)) }
	parts := 0
	all := map[string]float64{}
	id := func(r predict.Reason) string { r.Effect = 0; return r.String() }
	for _, r := range l.Scorer.(predict.Explainer).Explain(q[0], math.MaxInt) {
		all[id(r)] = r.Effect
	}
	for i, name := range b.Names {
		s, err := l.ScorerOf(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		p := score(s)
		for _, r := range s.(predict.Explainer).Explain(q[0], math.MaxInt) {
			parts++
			left := want - b.Weights[i]*(logit(p)-logit(p-r.Effect))
			effect := 1/(1+math.Exp(-want)) - 1/(1+math.Exp(-left))
			if got, ok := all[id(r)]; !ok || math.Abs(got-effect) > 1e-6 {
				t.Errorf("%s: %v, in the blend %v (%t), want %v", name, r, got, ok, effect)
			}
		}
	}
	if len(all) == 0 || len(all) != parts {
		t.Errorf("%d reasons of the blend, %d of its parts", len(all), parts)
	}
}

// A version of which one predictor alone was best has no blend, and says so.
func TestLoad_noBlend(t *testing.T) {
	d := open(t, rowlink.Options{URL: "sqlite:" + smallShop(t), Workspace: t.TempDir()})
	f, err := d.Fit(t.Context(), shop.Spend, rowlink.FitOptions{Train: quick()})
	if err != nil {
		t.Fatal(err)
	}
	f.Report.Blend = nil
	if _, err := f.Save(d.Workspace); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Load(t.Context(), "spend", "", rowlink.Blend); err == nil || !strings.Contains(err.Error(), "no blend") {
		t.Errorf("error %v", err)
	}
}

// A refit is what is stored: it answers with the scores of its own row, and the rows of
// the choice stay as they were.
func TestFit_refit(t *testing.T) {
	d := open(t, rowlink.Options{URL: "sqlite:" + smallShop(t), Workspace: t.TempDir()})
	opt := rowlink.FitOptions{Train: quick(), Model: rowlink.GNN}
	plain, err := d.Fit(t.Context(), shop.Spend, opt)
	if err != nil {
		t.Fatal(err)
	}
	opt.Refit = true
	f, err := d.Fit(t.Context(), shop.Spend, opt)
	if err != nil {
		t.Fatal(err)
	}
	last := len(plain.Report.Rows) - 1
	if a, b := plain.Report.Rows[last].Test["mae"], f.Report.Rows[last].Test["mae"]; a != b {
		t.Errorf("the row of the choice has a test error of %v, with a refit of %v", a, b)
	}
	if _, err := f.Save(d.Workspace); err != nil {
		t.Fatal(err)
	}
	l, err := d.Load(t.Context(), "spend", "", "")
	if err != nil {
		t.Fatal(err)
	}
	got, err := rowlink.Evaluate(t.Context(), l.Scorer, f.Labels, l.Scaling, tasks.Test)
	if err != nil {
		t.Fatal(err)
	}
	if want := l.Report.Refit.Test["mae"]; got["mae"] != want || l.Report.Refit.Name != rowlink.GNN {
		t.Errorf("what is stored has a test error of %v, the refit %+v", got["mae"], l.Report.Refit)
	}
}

// Earlier blocks are validated as of their own anchors: nothing later than a block's
// stretch reaches its scores.
func TestFit_earlierBlocks(t *testing.T) {
	first, second := twoFutures(t, shop.ValAnchor)
	scores := func(d *rowlink.Database) []rowlink.BlockReport {
		t.Helper()
		f, err := d.Fit(t.Context(), shop.Churn, rowlink.FitOptions{Train: quick(), ValBlocks: 2})
		if err != nil {
			t.Fatal(err)
		}
		return f.Report.Blocks
	}
	before := scores(first)
	if len(before) != 1 || before[0].Examples == 0 || len(before[0].Scores) < 5 {
		t.Fatalf("earlier blocks %+v, want one with the scores of every predictor", before)
	}
	if want := shop.ValAnchor.Add(-shop.TestAnchor.Sub(shop.ValAnchor)).UnixMicro(); before[0].ValAnchor != want {
		t.Errorf("the block before the last is validated from %d, want %d", before[0].ValAnchor, want)
	}
	if after := scores(second); !reflect.DeepEqual(after, before) {
		t.Errorf("with other rows after the block's stretch its scores are\n%+v\nbefore\n%+v", after, before)
	}
}

// Probabilities are averaged as log odds or logarithms, by the names that task types have.
func TestMeanOf(t *testing.T) {
	want := map[string]blend.Mean{tasks.Binary: blend.LogOdds, tasks.Multiclass: blend.Geometric, tasks.Multilabel: blend.LogOdds, tasks.Regression: blend.Arithmetic, tasks.Forecasting: blend.Arithmetic}
	for _, name := range tasks.TypeNames() {
		if got := rowlink.MeanOf(name); want[name] == "" || got != want[name] {
			t.Errorf("%s: %q, want %q", name, got, want[name])
		}
	}
}
