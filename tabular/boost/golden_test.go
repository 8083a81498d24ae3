package boost_test

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/rowlink/rowlink/internal/testdata"
	"github.com/rowlink/rowlink/tabular/boost"
)

// goldenTable reads a table of golden/gbdt: its training and its test rows.
func goldenTable(t testing.TB, name string) (train, test *boost.Dataset) {
	t.Helper()
	file, err := os.Open(testdata.Path(t, "golden", "gbdt", name+".csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	names := rows[0][:6]
	parts := map[string]*boost.Dataset{"train": {}, "test": {}}
	x := map[string][]float64{}
	for _, r := range rows[1:] {
		split := r[7]
		for _, cell := range r[:6] {
			x[split] = append(x[split], number(t, cell))
		}
		parts[split].Label = append(parts[split].Label, number(t, r[6]))
	}
	for split, d := range parts {
		d.Columns = boost.FromRows(names, x[split])
	}
	return parts["train"], parts["test"]
}

func number(t testing.TB, cell string) float64 {
	if cell == "" {
		return math.NaN()
	}
	v, err := strconv.ParseFloat(cell, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// matrix is the rows of a table, row-major.
func matrix(d *boost.Dataset) []float64 {
	x := make([]float64, 0, d.Rows()*len(d.Columns))
	for i := range d.Rows() {
		for _, c := range d.Columns {
			x = append(x, c.Values[i])
		}
	}
	return x
}

func meanAbsolute(label, predicted []float64) float64 {
	var sum float64
	for i, y := range label {
		sum += math.Abs(y - predicted[i])
	}
	return sum / float64(len(label))
}

// auroc is the share of pairs in the right order, ties counting half.
func auroc(label, score []float64) float64 {
	order := make([]int, len(label))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(score[a], score[b]) })
	var below, right, positives float64
	for lo := 0; lo < len(order); {
		hi, pos, neg := lo, 0.0, 0.0
		for ; hi < len(order) && score[order[hi]] == score[order[lo]]; hi++ {
			pos, neg = pos+label[order[hi]], neg+1-label[order[hi]]
		}
		right += pos * (below + neg/2)
		below, positives, lo = below+neg, positives+pos, hi
	}
	return right / (below * positives)
}

// TestFit_golden holds the bounds of golden/gbdt: within 5 % of the worse of LightGBM and
// scikit-learn with the same parameters.
func TestFit_golden(t *testing.T) {
	var want struct {
		Results struct {
			Regression struct {
				Bound    float64 `json:"bound_test_mae"`
				Lightgbm struct {
					MAE float64 `json:"test_mae"`
				}
			}
			Binary struct {
				Bound    float64 `json:"bound_test_auroc"`
				Lightgbm struct {
					AUROC float64 `json:"test_auroc"`
				}
			}
		}
	}
	data, err := os.ReadFile(testdata.Path(t, "golden", "gbdt", "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	opt := boost.Options{Rounds: 100, LearningRate: 0.1, MaxLeaves: 15, MinRows: 10, L2: 1}
	train, test := goldenTable(t, "regression")
	m, err := boost.Fit(t.Context(), train, opt)
	if err != nil {
		t.Fatal(err)
	}
	got := meanAbsolute(test.Label, m.Predict(matrix(test), 1))
	t.Logf("regression: test MAE %.5f, LightGBM %.5f, bound %.5f", got, want.Results.Regression.Lightgbm.MAE, want.Results.Regression.Bound)
	if !(got <= want.Results.Regression.Bound) {
		t.Errorf("test MAE %v, want at most %v", got, want.Results.Regression.Bound)
	}
	train, test = goldenTable(t, "binary")
	opt.Objective = "binary"
	if m, err = boost.Fit(t.Context(), train, opt); err != nil {
		t.Fatal(err)
	}
	got = auroc(test.Label, m.Predict(matrix(test), 1))
	t.Logf("binary: test AUROC %.5f, LightGBM %.5f, bound %.5f", got, want.Results.Binary.Lightgbm.AUROC, want.Results.Binary.Bound)
	if !(got >= want.Results.Binary.Bound) {
		t.Errorf("test AUROC %v, want at least %v", got, want.Results.Binary.Bound)
	}
}
