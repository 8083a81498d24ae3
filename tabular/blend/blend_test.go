package blend_test

import (
	"math"
	"slices"
	"testing"

	"github.com/rowlink/rowlink/tabular/blend"
	"github.com/rowlink/rowlink/tasks"
)

func metric(t *testing.T, typ, name string) tasks.Metric {
	t.Helper()
	m, err := tasks.MetricByName(typ, name, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// noise is a fixed number between -1 and 1 for each key.
func noise(key, i int) float64 { return math.Sin(float64(i*i+7*i)*1.7 + float64(key)*1000.3) }

// values are n examples, ten of an anchor, whose truth is a curve.
func values(t *testing.T, n int, answers map[string]func(truth float64, i int) float64, order ...string) *blend.Validation {
	b := blend.Block{Answers: make([][]float64, len(order))}
	for i := range n {
		y := 5 * math.Sin(float64(i))
		b.Truth, b.Anchor = append(b.Truth, y), append(b.Anchor, int64(i/10))
		for c, name := range order {
			b.Answers[c] = append(b.Answers[c], answers[name](y, i))
		}
	}
	return &blend.Validation{Names: order, Metric: metric(t, "regression", "mae"), Blocks: []blend.Block{b}, Seed: 3}
}

var answers = map[string]func(float64, int) float64{
	"constant": func(float64, int) float64 { return 0 },
	"a":        func(y float64, i int) float64 { return y + noise(1, i) },
	"b":        func(y float64, i int) float64 { return y + noise(2, i) },
	"almost a": func(y float64, i int) float64 { return y + 1.02*noise(1, i) },
	"undefined": func(float64, int) float64 {
		return math.NaN()
	},
}

func TestWeigh(t *testing.T) {
	v := values(t, 400, answers, "constant", "a", "b")
	w := v.Weigh(blend.Arithmetic)
	if !w.Worth || !(w.Gain > 0.02) || !slices.Equal(w.Blend.Names, []string{"a", "b"}) {
		t.Fatalf("two predictors with errors of their own: %+v of %+v", w, w.Blend)
	}
	if d := math.Abs(w.Blend.Weights[0] - 0.5); d > 0.15 {
		t.Errorf("weights %v, want about a half each", w.Blend.Weights)
	}
	if err := w.Blend.Check(); err != nil {
		t.Error(err)
	}
	b := v.Blocks[0]
	for i, other := range []int{2, 1} { // without a only b is left, and the other way round
		if want := v.Metric.Compute(b.Truth, b.Answers[other]); w.Without[i] != want {
			t.Errorf("without %s: %v, want %v", w.Blend.Names[i], w.Without[i], want)
		}
	}
	out := w.Blend.Combine(b.Answers[1:])
	if got, one := v.Metric.Compute(b.Truth, out), v.Metric.Compute(b.Truth, b.Answers[1]); got > 0.85*one {
		t.Errorf("the blend's error is %.3f, that of one %.3f", got, one)
	}
	again := values(t, 400, answers, "constant", "a", "b").Weigh(blend.Arithmetic)
	if !slices.Equal(again.Blend.Weights, w.Blend.Weights) || again.Gain != w.Gain {
		t.Error("the same validation gives other weights")
	}
}

func TestWeigh_nothingToGain(t *testing.T) {
	for name, v := range map[string]*blend.Validation{
		"one predictor":      values(t, 100, answers, "a"),
		"beside a constant":  values(t, 400, answers, "constant", "a"),
		"the same twice":     values(t, 400, answers, "a", "almost a"),
		"none is defined":    values(t, 100, answers, "undefined", "undefined"),
		"no examples at all": values(t, 0, answers, "a", "b"),
		"one anchor":         values(t, 10, answers, "a", "almost a"),
	} {
		if w := v.Weigh(blend.Arithmetic); w.Worth {
			t.Errorf("%s: a blend is said to be worth it: gain %v, %+v", name, w.Gain, w.Blend)
		}
	}
}

// The simplest that is no worse than the best by more than the error of the difference.
func TestChoose(t *testing.T) {
	for _, tt := range []struct {
		name  string
		n     int
		order []string
		want  string
		best  string
	}{
		{"a clear winner", 400, []string{"constant", "a"}, "a", "a"},
		{"a tie goes to the simpler", 400, []string{"constant", "b", "a"}, "b", ""},
		{"undefined ones are passed over", 400, []string{"undefined", "a"}, "a", "a"},
		{"none is defined", 400, []string{"undefined"}, "", ""},
		{"no examples", 0, []string{"a"}, "", ""},
	} {
		c := values(t, tt.n, answers, tt.order...).Choose()
		if c.Name != tt.want || tt.best != "" && c.Best != tt.best {
			t.Errorf("%s: %+v, want %q", tt.name, c, tt.want)
		}
		if c.Name == c.Best && (c.Behind != 0 || c.Error != 0) || c.Name != c.Best && !(c.Behind <= c.Error) {
			t.Errorf("%s: %+v", tt.name, c)
		}
	}
}

// A predictor that is a little better in one block and much worse in another is not the
// best, though the first block alone says so.
func TestChoose_blocks(t *testing.T) {
	first := map[string]func(float64, int) float64{"steady": answers["almost a"], "lucky": answers["a"]}
	v := values(t, 200, first, "steady", "lucky")
	if c := v.Choose(); c.Best != "lucky" {
		t.Fatalf("in the first block alone %+v", c)
	}
	second := map[string]func(float64, int) float64{"steady": answers["a"], "lucky": answers["constant"]}
	v.Blocks = append(v.Blocks, values(t, 100, second, "steady", "lucky").Blocks...)
	if c := v.Choose(); c.Name != "steady" || c.Best != "steady" {
		t.Errorf("in both blocks %+v", c)
	}
	v.Blocks = append(v.Blocks, blend.Block{Answers: make([][]float64, 2)})
	if c := v.Choose(); c.Name != "steady" {
		t.Errorf("with a block without examples %+v", c)
	}
}

func TestCombine(t *testing.T) {
	near := func(a, b float64) bool { return math.Abs(a-b) < 1e-12 }
	odds := &blend.Blend{Mean: blend.LogOdds, Width: 1, Names: []string{"a", "b"}, Weights: []float64{0.5, 0.5}}
	if p := odds.Combine([][]float64{{0.8, 1}, {0.2, 0.5}}); !near(p[0], 0.5) || !(p[1] > 0.9 && p[1] < 1) {
		t.Errorf("log odds: %v", p)
	}
	classes := &blend.Blend{Mean: blend.Geometric, Width: 2, Names: []string{"a", "b"}, Weights: []float64{0.5, 0.5}}
	p := classes.Combine([][]float64{{0.8, 0.2, 0.5, 0.5}, {0.2, 0.8, 0.9, 0.1}})
	if !near(p[0], 0.5) || !near(p[2], 0.75) || !near(p[2]+p[3], 1) {
		t.Errorf("geometric: %v", p)
	}
	alone := classes.Combine([][]float64{{0.5, 0.5}, {0.9, 0.1}})
	if alone[0] != p[2] {
		t.Errorf("an example alone gets %v, among others %v", alone[0], p[2])
	}
}

func TestCheck(t *testing.T) {
	for name, b := range map[string]*blend.Blend{
		"nothing":      {},
		"weights":      {Mean: blend.Arithmetic, Width: 1, Names: []string{"a", "b"}, Weights: []float64{1}},
		"negative":     {Mean: blend.Arithmetic, Width: 1, Names: []string{"a", "b"}, Weights: []float64{-1, 2}},
		"sum":          {Mean: blend.Arithmetic, Width: 1, Names: []string{"a", "b"}, Weights: []float64{0.5, 0.1}},
		"mean":         {Mean: "median", Width: 1, Names: []string{"a"}, Weights: []float64{1}},
		"no width":     {Mean: blend.Arithmetic, Names: []string{"a"}, Weights: []float64{1}},
		"not a number": {Mean: blend.Arithmetic, Width: 1, Names: []string{"a"}, Weights: []float64{math.NaN()}},
	} {
		if b.Check() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
