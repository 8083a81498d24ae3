package tasks

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/internal/testdata"
)

func readJSON(t *testing.T, to any, elem ...string) {
	t.Helper()
	text, err := os.ReadFile(testdata.Path(t, elem...))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, to); err != nil {
		t.Fatal(err)
	}
}

// expect compares metrics of one case with golden values; null is undefined.
func expect(t *testing.T, typ, name string, truth, predicted []float64, want map[string]*float64, rename map[string]string) {
	t.Helper()
	for metric, v := range want {
		if to, ok := rename[metric]; ok {
			metric = to
		}
		m, err := MetricByName(typ, metric, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		have := m.Compute(truth, predicted)
		// Golden values are rounded to 9 significant digits.
		if v == nil != math.IsNaN(have) || v != nil && math.Abs(have-*v) > 1e-7 {
			t.Errorf("%s: %s is %v, want %v", name, metric, have, v)
		}
	}
}

func TestMetric_goldenBinary(t *testing.T) {
	var golden struct {
		Cases []struct {
			Name     string
			Truth    []float64           `json:"y_true"`
			Score    []float64           `json:"y_score"`
			Expected map[string]*float64 `json:"expected"`
		}
		Logits struct {
			Truth   []float64 `json:"y_true"`
			Score   []float64 `json:"y_score"`
			AUC     *float64  `json:"roc_auc"`
			Average *float64  `json:"average_precision"`
		} `json:"auroc_on_logits"`
	}
	readJSON(t, &golden, "golden", "metrics", "binary.json")
	for _, c := range golden.Cases {
		expect(t, Binary, c.Name, c.Truth, c.Score, c.Expected, nil)
	}
	l := golden.Logits
	expect(t, Binary, "logits", l.Truth, l.Score, map[string]*float64{"roc_auc": l.AUC, "average_precision": l.Average}, nil)
}

func TestMetric_goldenRegression(t *testing.T) {
	var golden struct {
		Cases []struct {
			Name      string
			Truth     []float64           `json:"y_true"`
			Predicted []float64           `json:"y_pred"`
			Expected  map[string]*float64 `json:"expected"`
		}
		NMAE struct {
			Train     []float64 `json:"train_target"`
			Truth     []float64 `json:"y_true"`
			Predicted []float64 `json:"y_pred"`
			Std       float64   `json:"std_ddof1"`
			NMAE      float64   `json:"nmae"`
		} `json:"nmae"`
	}
	readJSON(t, &golden, "golden", "metrics", "regression.json")
	for _, c := range golden.Cases {
		if c.Name == "large_offset" {
			// The file rounds its inputs to 9 digits, which makes them all 1e9. These give
			// the expected values: errors 0.5, 0, -1 on labels 0, 1, 3 above the offset.
			c.Truth, c.Predicted = []float64{1e9, 1e9 + 1, 1e9 + 3}, []float64{1e9 + 0.5, 1e9 + 1, 1e9 + 2}
		}
		expect(t, Regression, c.Name, c.Truth, c.Predicted, c.Expected, nil)
	}
	l := &LabelTable{Task: &Task{Type: Regression}, Label: golden.NMAE.Train, Split: make([]Split, len(golden.NMAE.Train))}
	s, err := FitScaling(l)
	if err != nil {
		t.Fatal(err)
	}
	m, err := MetricByName(Regression, "nmae", s)
	if err != nil {
		t.Fatal(err)
	}
	have := m.Compute(golden.NMAE.Truth, golden.NMAE.Predicted)
	if math.Abs(have-golden.NMAE.NMAE) > 1e-7 || math.Abs(s.Std-golden.NMAE.Std) > 1e-7 {
		t.Errorf("nmae %v std %v, want %v %v", have, s.Std, golden.NMAE.NMAE, golden.NMAE.Std)
	}
}

func TestMetric_goldenMulticlass(t *testing.T) {
	var golden struct {
		Cases []struct {
			Name     string
			Truth    []float64           `json:"y_true"`
			Scores   [][]float64         `json:"scores"`
			Expected map[string]any      `json:"expected"`
			Values   map[string]*float64 `json:"-"`
		} `json:"multiclass"`
	}
	readJSON(t, &golden, "golden", "metrics", "multiclass.json")
	for _, c := range golden.Cases {
		k := len(c.Scores[0])
		s := &Scaling{Classes: make([]string, k)}
		var scores []float64
		for _, row := range c.Scores {
			scores = append(scores, row...)
		}
		values := map[string]*float64{}
		for name, v := range c.Expected {
			if x, ok := v.(float64); ok {
				values[name] = &x
			}
		}
		predicted := multiclassType{}.Decode(s, scores)
		expect(t, Multiclass, c.Name, c.Truth, predicted, values, map[string]string{"log_loss_of_softmax": "log_loss"})
	}
}

// TestMetric_byHand has cases small enough to compute on paper.
func TestMetric_byHand(t *testing.T) {
	for _, test := range []struct {
		name             string
		typ              string
		truth, predicted []float64
		want             float64
	}{
		// Pairs (positive, negative): (.8,.3) and (.8,.5) right, (.5,.3) right, (.5,.5) tied.
		{"roc_auc", Binary, []float64{1, 1, 0, 0}, []float64{.8, .5, .3, .5}, 3.5 / 4},
		{"roc_auc", Binary, []float64{1, 1}, []float64{.8, .5}, math.NaN()},
		// Thresholds .9: P 1, R 1/2; .7: P 1/2, R 1/2; .4: P 2/3, R 1. 1/2*1 + 1/2*2/3.
		{"average_precision", Binary, []float64{1, 0, 1}, []float64{.9, .7, .4}, 5.0 / 6},
		{"accuracy", Binary, []float64{1, 0, 1}, []float64{.5, .5, .6}, 2.0 / 3}, // .5 is negative
		{"f1", Binary, []float64{1, 0, 1}, []float64{.5, .5, .6}, 4.0 / 5},       // .5 is positive
		{"log_loss", Binary, []float64{1, 0}, []float64{.5, .75}, (math.Log(2) + math.Log(4)) / 2},
		{"mae", Regression, []float64{1, 2, 3}, []float64{2, 2, 5}, 1},
		{"rmse", Regression, []float64{0, 0}, []float64{3, 4}, math.Sqrt(12.5)},
		{"r2", Regression, []float64{1, 3}, []float64{1, 2}, 0.5},
		// Class 0: F1 1; class 1: 2*1/(1+2) = 2/3; class 2 was true and never guessed: 0.
		{"macro_f1", Multiclass, []float64{0, 1, 2}, []float64{1, 0, 0, 0, 1, 0, 0, 1, 0}, 5.0 / 9},
		{"accuracy", Multiclass, []float64{0, 1}, []float64{.4, .4, .2, .4, .4, .2}, 0.5}, // the first of equals
	} {
		m, err := MetricByName(test.typ, test.name, nil)
		if err != nil {
			t.Fatal(err)
		}
		have := m.Compute(test.truth, test.predicted)
		if math.IsNaN(have) != math.IsNaN(test.want) || math.Abs(have-test.want) > 1e-12 {
			t.Errorf("%s of %v for %v: %v, want %v", test.name, test.predicted, test.truth, have, test.want)
		}
	}
}

func TestMetricNames_defaults(t *testing.T) {
	for typ, want := range map[string]string{Binary: "roc_auc average_precision accuracy f1 log_loss",
		Regression: "mae rmse r2 nmae", Multiclass: "accuracy macro_f1 log_loss"} {
		if have := strings.Join(MetricNames(typ), " "); !strings.HasPrefix(have, want) {
			t.Errorf("metrics of %s: %s, want %s first", typ, have, want)
		}
	}
}

func TestMetricByName_errors(t *testing.T) {
	_, err := MetricByName(Binary, "roc_acu", nil)
	if err == nil || !strings.Contains(err.Error(), "did you mean roc_auc?") {
		t.Errorf("%v", err)
	}
	if _, err = MetricByName(Binary, "mae", nil); err == nil {
		t.Error("mae of a binary task is allowed")
	}
	if _, err = MetricByName(Regression, "nmae", nil); err == nil {
		t.Error("nmae without the scale of the training labels is allowed")
	}
	if _, err = (&Task{Type: "clustering"}).MetricOf(); err == nil || !strings.Contains(err.Error(), "binary_classification") {
		t.Errorf("%v, want the known task types", err)
	}
}

func TestBootstrap(t *testing.T) {
	// 400 anchors of one example each: the standard error of the mean of |error| is
	// deviation / sqrt(400). Errors are 0, 1, 2, 3 in equal parts: deviation 1.119.
	n := 400
	truth, predicted, anchors := make([]float64, n), make([]float64, n), make([]int64, n)
	for i := range n {
		predicted[i], anchors[i] = float64(i%4), int64(i)
	}
	m, err := MetricByName(Regression, "mae", nil)
	if err != nil {
		t.Fatal(err)
	}
	have := Bootstrap(m, truth, predicted, anchors, 1000, 7)
	if want := deviation(predicted) / 20; math.Abs(have-want) > 0.1*want {
		t.Errorf("standard error %g, want about %g", have, want)
	}
	if again := Bootstrap(m, truth, predicted, anchors, 1000, 7); again != have {
		t.Error("equal arguments give different bits")
	}
	// Four anchors that hold one kind of error each: the error of their mean is wider.
	for i := range n {
		anchors[i] = int64(i % 4)
	}
	if wide := Bootstrap(m, truth, predicted, anchors, 1000, 7); wide < 5*have {
		t.Errorf("standard error over 4 anchors %g, over 400 %g", wide, have)
	}
	if v := Bootstrap(m, nil, nil, nil, 10, 1); !math.IsNaN(v) {
		t.Errorf("of nothing: %g", v)
	}
}

func TestFitScaling(t *testing.T) {
	l := contractLabels(Regression, 300)
	for i := range l.Label {
		l.Label[i] = float64(i / 3) // 0..99 in each split
	}
	s, err := FitScaling(l)
	if err != nil {
		t.Fatal(err)
	}
	if s.Center != 50 || s.Low != 2 || s.High != 97 || math.Abs(s.Scale-25) > 0.1 || math.Abs(s.Std-29.0115) > 1e-3 {
		t.Errorf("%+v", s)
	}
	one := contractLabels(Binary, 30)
	clear(one.Label)
	if _, err := FitScaling(one); err == nil || !strings.Contains(err.Error(), "TK176") {
		t.Errorf("%v, want TK176", err)
	}
	if _, err := FitScaling(&LabelTable{Task: &Task{}}); err == nil {
		t.Error("no training labels are enough")
	}
}
