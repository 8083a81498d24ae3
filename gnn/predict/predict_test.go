package predict_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/tasks"
)

// fixed is a scorer that answers every query with the same numbers.
type fixed []float64

func (f fixed) Score(_ context.Context, q []model.Query) ([]float64, error) {
	var out []float64
	for range q {
		out = append(out, f...)
	}
	return out, nil
}

func mustPredictor(t testing.TB, typ string, s predict.Scorer, classes []string) *predict.Predictor {
	t.Helper()
	snap := snapshot(someRides, someRepairs)
	p, err := predict.New(snap, bind(snap, typ), s, classes, day(18))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPredict_byType(t *testing.T) {
	for _, c := range []struct {
		typ     string
		out     fixed
		classes []string
		want    any
	}{
		{tasks.Binary, fixed{.7}, nil, true}, {tasks.Binary, fixed{.5}, nil, false}, {tasks.Regression, fixed{12.5}, nil, 12.5},
		{tasks.Multiclass, fixed{.2, .5, .3}, []string{"a", "b", "c"}, "b"},
	} {
		got, err := mustPredictor(t, c.typ, c.out, c.classes).Predict(t.Context(), []int32{1, 0}, day(10), 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != 2 || got[0].Row != 1 || got[1].Row != 0 || got[0].Value != c.want {
			t.Errorf("%s: %+v, want value %v for the rows 1 and 0", c.typ, got, c.want)
		}
		if p := got[0].Probability; (p != nil) != (c.typ == tasks.Binary) || p != nil && *p != c.out[0] {
			t.Errorf("%s: probability %v", c.typ, p)
		}
		if c.classes != nil && (len(got[0].Probabilities) != 3 || got[0].Probabilities["c"] != .3) {
			t.Errorf("probabilities %v", got[0].Probabilities)
		}
	}
}

// Every row is scored; whether it is eligible is said beside it.
func TestPredict_eligibility(t *testing.T) {
	p := mustPredictor(t, tasks.Binary, fixed{.7}, nil)
	for _, c := range []struct {
		day  int
		want []bool // a ride in the seven days up to the day, and joined by then
		all  []int32
	}{{10, []bool{true, true, false}, []int32{0, 1}}, {16, []bool{true, true, false}, []int32{0, 1}}, {18, []bool{true, false, true}, []int32{0, 2}}, {30, []bool{false, false, false}, nil}} {
		got, err := p.Predict(t.Context(), []int32{0, 1, 2}, day(c.day), 0)
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			if got[i].Eligible != c.want[i] {
				t.Errorf("day %d: rider %d eligible %t, want %t", c.day, i, got[i].Eligible, c.want[i])
			}
		}
		if all, err := p.All(t.Context(), day(c.day)); err != nil || !slices.Equal(all, c.all) {
			t.Errorf("day %d: all eligible riders are %v, want %v", c.day, all, c.all)
		}
	}
}

func TestPredict_anchorBeforeTheData(t *testing.T) {
	p := mustPredictor(t, tasks.Binary, fixed{.7}, nil)
	_, err := p.Predict(t.Context(), []int32{0}, day(3)-1, 0)
	var early *predict.AnchorError
	if !errors.As(err, &early) || early.First != "2024-01-03T00:00:00Z" || !strings.Contains(err.Error(), early.First) {
		t.Errorf("error %v, want an anchor error that names the first day", err)
	}
	if err := p.CheckAnchor(day(3)); err != nil {
		t.Error(err)
	}
}

func TestVisible(t *testing.T) {
	p := mustPredictor(t, tasks.Binary, fixed{.7}, nil)
	for _, c := range []struct {
		row  int32
		at   int64
		want bool
	}{{2, day(15) - 1, false}, {2, day(15), true}, {0, day(31), true}} {
		if got := p.Visible(c.row, c.at); got != c.want {
			t.Errorf("rider %d visible at %d: %t, want %t", c.row, c.at, got, c.want)
		}
	}
	p.Task.Options.Rule.Strict = true
	if p.Visible(2, day(15)) {
		t.Error("under the strict rule a rider is visible at the moment of joining")
	}
	p.Task.Options.IgnoreEntityTime = true
	if !p.Visible(2, day(1)) {
		t.Error("with entity_time = ignore a rider is not visible before joining")
	}
}

// Reasons are given where the scorer can, as many as are asked for.
func TestPredict_explain(t *testing.T) {
	snap := snapshot(someRides, someRepairs)
	n := network(t, snap, model.Config{FanOut: []int{8, 4}}, bind(snap, tasks.Binary), nil, 3)
	for asked, want := range map[int]int{0: 0, 2: 2, 100: 5} {
		got, err := mustPredictor(t, tasks.Binary, n, nil).Predict(t.Context(), []int32{0}, day(10), asked)
		if err != nil {
			t.Fatal(err)
		}
		if len(got[0].Reasons) != want {
			t.Errorf("asked for %d reasons: %+v, want %d", asked, got[0].Reasons, want)
		}
	}
	got, err := mustPredictor(t, tasks.Binary, fixed{.7}, nil).Predict(t.Context(), []int32{0}, day(10), 3)
	if err != nil || len(got[0].Reasons) != 0 {
		t.Errorf("reasons %v of a scorer without any, error %v", got, err)
	}
}

// Callers run side by side and get what each gets alone.
func TestNetwork_sideBySide(t *testing.T) {
	snap := snapshot(someRides, someRepairs)
	n := network(t, snap, model.Config{FanOut: []int{8, 4}}, bind(snap, tasks.Binary), nil, 3)
	q := []model.Query{query(0, 10), query(1, 12), query(0, 20), query(2, 20), query(1, 6)}
	want := score(t, n, q...)
	for i, v := range want {
		if math.IsNaN(v) || v <= 0 || v >= 1 || slices.Contains(want[:i], v) {
			t.Fatalf("probabilities %v, want different ones between 0 and 1", want)
		}
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range q {
				k := (i + j) % len(q)
				if got := score(t, n, q[k]); got[0] != want[k] {
					t.Errorf("query %d alone gives %v, among others %v", k, got[0], want[k])
				}
				n.Explain(q[k], 3)
			}
		})
	}
	wg.Wait()
}

func TestScore_cancelled(t *testing.T) {
	snap := snapshot(someRides, someRepairs)
	n := network(t, snap, model.Config{FanOut: []int{8}}, bind(snap, tasks.Binary), nil, 3)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, s := range []predict.Scorer{n, predict.Ensemble{n, n}} {
		if _, err := s.Score(ctx, []model.Query{query(0, 10)}); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want %v", err, context.Canceled)
		}
		if _, err := mustPredictor(t, tasks.Binary, s, nil).Predict(ctx, []int32{0}, day(10), 1); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want %v", err, context.Canceled)
		}
	}
}

func TestNewNetwork_unknownType(t *testing.T) {
	snap := snapshot(someRides, someRepairs)
	task := bind(snap, "binary_clasification")
	if _, err := predict.NewNetwork(nil, task, &tasks.Scaling{}, nil); err == nil || !strings.Contains(err.Error(), tasks.Binary) {
		t.Errorf("error %v, want one that lists %s", err, tasks.Binary)
	}
}
