package calibrate_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/tabular/calibrate"
	"github.com/rowlink/rowlink/tasks"
)

// uniform is a fixed number between 0 and 1 for each key and position.
func uniform(key, i int) float64 {
	x := math.Sin(float64(i)*12.9898+float64(key)*78.233) * 43758.5453
	return x - math.Floor(x)
}

// events are n examples, ten of an anchor, whose event comes with a probability that the
// score tells through tell.
func events(n int, tell func(p float64) float64) calibrate.Answers {
	var a calibrate.Answers
	for i := range n {
		p := uniform(1, i)
		y := 0.0
		if uniform(2, i) < p {
			y = 1
		}
		a.Truth, a.Predicted, a.Anchor = append(a.Truth, y), append(a.Predicted, tell(p)), append(a.Anchor, int64(i/10))
	}
	return a
}

func odds(p float64) float64 { return math.Log(p / (1 - p)) }
func sure(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

var (
	right     = func(p float64) float64 { return p }
	stretched = func(p float64) float64 { return sure(3*odds(p) + 1) } // too certain: the inverse is of Platt's shape
	stairs    = func(p float64) float64 { return 0.1 + 0.01*p + 0.8*math.Round(p*p*p*4)/4 }
)

func TestChoose(t *testing.T) {
	for _, tt := range []struct {
		name string
		tell func(float64) float64
		want calibrate.Kind
	}{{"probabilities that are right", right, calibrate.Identity}, {"too certain", stretched, calibrate.Platt}, {"stairs", stairs, calibrate.Isotonic}} {
		a, fresh := events(2000, tt.tell), events(6000, tt.tell).Truth[2000:]
		c := calibrate.Choose(a)
		if c.Kind != tt.want {
			t.Errorf("%s: chose %s with gain %.4f ± %.4f, want %s", tt.name, c.Kind, c.Gain, c.Error, tt.want)
		}
		if err := c.Check(1); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if tt.want == calibrate.Identity {
			continue
		}
		p := events(6000, tt.tell).Predicted[2000:]
		before, after := calibrate.QualityOf(fresh, p), calibrate.QualityOf(fresh, c.Apply(p))
		if !(after.LogLoss < before.LogLoss && after.Brier < before.Brier && after.ECE < before.ECE/2) {
			t.Errorf("%s: on other examples %+v -> %+v", tt.name, before, after)
		}
		if again := calibrate.Choose(events(2000, tt.tell)); fmt.Sprint(again) != fmt.Sprint(c) {
			t.Errorf("%s: equal answers give another map", tt.name)
		}
	}
}

// No map changes the order of two probabilities, so that the AUROC stays to the bit.
func TestApply_order(t *testing.T) {
	auroc, err := tasks.MetricByName(tasks.Binary, "roc_auc", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, tell := range map[string]func(float64) float64{"platt": stretched, "isotonic": stairs} {
		a := events(2000, tell)
		c := calibrate.Choose(a)
		if string(c.Kind) != name {
			t.Fatalf("chose %s, want %s", c.Kind, name)
		}
		grid := make([]float64, 1001)
		for i := range grid {
			grid[i] = float64(i) / 1000
		}
		out := c.Apply(grid)
		for i := 1; i < len(out); i++ {
			if c.Kind == calibrate.Isotonic && !(out[i] > out[i-1]) || !(out[i] >= out[i-1]) || out[i] > 1 || out[i-1] < 0 {
				t.Fatalf("%s: %g -> %g and %g -> %g", name, grid[i-1], out[i-1], grid[i], out[i])
			}
		}
		if before, after := auroc.Compute(a.Truth, a.Predicted), auroc.Compute(a.Truth, c.Apply(a.Predicted)); before != after {
			t.Errorf("%s: AUROC %v -> %v", name, before, after)
		}
		if alone := c.Apply(a.Predicted[7:8]); alone[0] != c.Apply(a.Predicted)[7] {
			t.Errorf("%s: an example alone gets another answer", name)
		}
	}
}

// Labels of one kind, scores that are all equal, scores that point the wrong way and few
// examples must not make a map that is certain or upside down.
func TestChoose_hard(t *testing.T) {
	for name, a := range map[string]calibrate.Answers{
		"no example":    {},
		"one example":   {Truth: []float64{1}, Predicted: []float64{0.5}, Anchor: []int64{0}},
		"one positive":  change(events(500, right), func(i int, y, p float64) (float64, float64) { return b2f(i == 77), p }),
		"all positive":  change(events(500, right), func(i int, y, p float64) (float64, float64) { return 1, p }),
		"one score":     change(events(500, right), func(i int, y, p float64) (float64, float64) { return y, 0.9 }),
		"upside down":   change(events(500, right), func(i int, y, p float64) (float64, float64) { return y, 1 - p }),
		"zero and one":  change(events(500, right), func(i int, y, p float64) (float64, float64) { return y, math.Round(p) }),
		"few":           events(49, stretched),
		"of one anchor": change(events(10, stretched), func(i int, y, p float64) (float64, float64) { return y, p }),
	} {
		c := calibrate.Choose(a)
		if err := c.Check(1); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, p := range c.Apply([]float64{0, 0.25, 0.5, 0.75, 1}) {
			if !(p >= 0 && p <= 1) {
				t.Errorf("%s: %s gives %v", name, c.Kind, p)
			}
		}
		if out := c.Apply([]float64{0.3, 0.6}); !(out[0] <= out[1]) {
			t.Errorf("%s: %s turns the order round: %v", name, c.Kind, out)
		}
	}
}

func b2f(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func change(a calibrate.Answers, f func(i int, y, p float64) (float64, float64)) calibrate.Answers {
	for i := range a.Truth {
		a.Truth[i], a.Predicted[i] = f(i, a.Truth[i], a.Predicted[i])
	}
	return a
}

// Three classes whose scores are too certain get probabilities that add up to 1 and are
// worth more.
func TestChoose_classes(t *testing.T) {
	make := func(from, n int) calibrate.Answers {
		var a calibrate.Answers
		for i := from; i < from+n; i++ {
			row := []float64{uniform(1, i), uniform(2, i), uniform(3, i)}
			sum, sharp := row[0]+row[1]+row[2], 0.0
			y, u := 2.0, uniform(4, i)*sum
			if u < row[0] {
				y = 0
			} else if u < row[0]+row[1] {
				y = 1
			}
			for k := range row {
				row[k] = math.Pow(row[k], 4)
				sharp += row[k]
			}
			for k := range row {
				row[k] /= sharp
			}
			a.Truth, a.Predicted, a.Anchor = append(a.Truth, y), append(a.Predicted, row...), append(a.Anchor, int64(i/10))
		}
		return a
	}
	c := calibrate.Choose(make(0, 1000))
	if c.Kind == calibrate.Identity {
		t.Fatalf("nothing is chosen: %+v", c)
	}
	fresh := make(1000, 2000)
	out := c.Apply(fresh.Predicted)
	for lo := 0; lo < len(out); lo += 3 {
		if sum := out[lo] + out[lo+1] + out[lo+2]; math.Abs(sum-1) > 1e-12 {
			t.Fatalf("probabilities add up to %v", sum)
		}
	}
	before, after := calibrate.QualityOf(fresh.Truth, fresh.Predicted), calibrate.QualityOf(fresh.Truth, out)
	if !(after.LogLoss < before.LogLoss-0.05 && after.ECE < before.ECE/2) {
		t.Errorf("%+v -> %+v", before, after)
	}
}

func TestQualityOf(t *testing.T) {
	q := calibrate.QualityOf([]float64{1, 0, 0, 0}, []float64{0.5, 0.5, 0.5, 0.5})
	if q.Brier != 0.25 || math.Abs(q.LogLoss-math.Ln2) > 1e-12 || q.ECE != 0.25 {
		t.Errorf("binary: %+v", q)
	}
	q = calibrate.QualityOf([]float64{0, 1}, []float64{0.5, 0.25, 0.25, 0.5, 0.25, 0.25})
	if want := (0.25+0.0625+0.0625)/2 + (0.25+0.5625+0.0625)/2; math.Abs(q.Brier-want) > 1e-12 || q.ECE != 0 {
		t.Errorf("classes: %+v, want Brier %v and no calibration error", q, want)
	}
	for _, metric := range []struct {
		name string
		got  float64
	}{{"brier", 0}, {"log_loss", 0}, {"ece_10", 0}} {
		a := events(300, stairs)
		m, err := tasks.MetricByName(tasks.Binary, metric.name, nil)
		if err != nil {
			t.Fatal(err)
		}
		q := calibrate.QualityOf(a.Truth, a.Predicted)
		got := map[string]float64{"brier": q.Brier, "log_loss": q.LogLoss, "ece_10": q.ECE}[metric.name]
		if want := m.Compute(a.Truth, a.Predicted); math.Abs(got-want) > 1e-9 {
			t.Errorf("%s is %v, the task's metric says %v", metric.name, got, want)
		}
	}
}

func TestCalibration_file(t *testing.T) {
	for _, tell := range []func(float64) float64{right, stretched, stairs} {
		a := events(2000, tell)
		c := calibrate.Choose(a)
		data, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var back calibrate.Calibration
		if err := json.Unmarshal(data, &back); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(c.Apply(a.Predicted), back.Apply(a.Predicted)) {
			t.Errorf("%s: other answers after reading", c.Kind)
		}
	}
	var c calibrate.Calibration
	for _, text := range []string{`{"kind": "none", "maps": [{"kind": "none"}], "beta": 1}`, `{"kind": "beta", "maps": [{"kind": "beta", "c": 1}]}`} {
		if err := json.Unmarshal([]byte(text), &c); err == nil || !strings.Contains(err.Error(), "unknown field") {
			t.Errorf("%s: error %v", text, err)
		}
	}
	for name, c := range map[string]calibrate.Calibration{
		"another kind":   {Kind: "beta", Maps: []calibrate.Map{{Kind: "beta"}}},
		"mixed kinds":    {Kind: calibrate.Platt, Maps: []calibrate.Map{{Kind: calibrate.Identity}}},
		"two maps":       {Kind: calibrate.Identity, Maps: []calibrate.Map{{Kind: calibrate.Identity}, {Kind: calibrate.Identity}}},
		"slope":          {Kind: calibrate.Platt, Maps: []calibrate.Map{{Kind: calibrate.Platt, Slope: -1}}},
		"no knots":       {Kind: calibrate.Isotonic, Maps: []calibrate.Map{{Kind: calibrate.Isotonic}}},
		"falling":        {Kind: calibrate.Isotonic, Maps: []calibrate.Map{{Kind: calibrate.Isotonic, From: []float64{0, 1}, To: []float64{0.5, 0.4}}}},
		"beyond 1":       {Kind: calibrate.Isotonic, Maps: []calibrate.Map{{Kind: calibrate.Isotonic, From: []float64{0, 1}, To: []float64{0.5, 1.4}}}},
		"knots in a row": {Kind: calibrate.Isotonic, Maps: []calibrate.Map{{Kind: calibrate.Isotonic, From: []float64{1, 1}, To: []float64{0.5, 0.5}}}},
	} {
		if c.Check(1) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
