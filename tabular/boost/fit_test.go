package boost

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// meanLoss is the mean loss of a model on a table.
func meanLoss(m *Model, d *Dataset, loss func(y float64, s []float64) float64) float64 {
	raw, k := m.Raw(rowMajor(d), 1), m.Outputs()
	var sum float64
	for i, y := range d.Label {
		sum += loss(y, raw[i*k:(i+1)*k])
	}
	return sum / float64(len(d.Label))
}

// TestContract holds what every objective keeps: it learns what was planted, equal bits at
// any number of threads and after a round trip, and predictions on raw rows that are the
// scores of the training.
func TestContract(t *testing.T) {
	for _, name := range Objectives() {
		t.Run(name, func(t *testing.T) {
			d, opt := taskOf(name, 1500, 1)
			test, _ := taskOf(name, 1500, 2)
			opt.Threads = 1
			m := fit(t, d, opt)
			if loss := lossOf[name]; loss != nil {
				base := &Model{Objective: m.Objective, Features: m.Features, Base: m.Base}
				if got, without := meanLoss(m, test, loss), meanLoss(base, test, loss); got > 0.85*without {
					t.Errorf("loss %v on unseen rows, %v without trees", got, without)
				}
			} else if got := NDCG(5, test.Label, m.Raw(rowMajor(test), 1), test.Group); got < 0.75 {
				t.Errorf("NDCG@5 is %v on unseen groups", got)
			}
			sampled := opt
			sampled.Subsample, sampled.Colsample, sampled.Seed = 0.7, 0.6, 5
			for _, o := range []Options{opt, sampled} {
				o.Threads = 1
				want := text(t, fit(t, d, o))
				for _, o.Threads = range []int{2, 4} {
					if text(t, fit(t, d, o)) != want {
						t.Errorf("%d threads give another model than one", o.Threads)
					}
				}
			}
			again := &Model{}
			if err := again.UnmarshalJSON([]byte(text(t, m))); err != nil {
				t.Fatal(err)
			}
			x := rowMajor(test)
			want := m.Predict(x, 1)
			if text(t, again) != text(t, m) || !slices.Equal(again.Predict(x, 3), want) || !slices.Equal(again.Explain(x[:6]), m.Explain(x[:6])) {
				t.Error("read back from its stored form it is another model")
			}
		})
	}
}

// The scores that training keeps are those of the stored thresholds, for rows in and out of
// the sample.
func TestFit_scoresAreThoseOfRawRows(t *testing.T) {
	d, opt := taskOf("binary", 3000, 1)
	d.Columns[0].Values[7], d.Columns[0].Values[8], d.Columns[2].Values[9] = math.Inf(1), math.Inf(-1), math.Inf(1)
	opt.Subsample, opt.Rounds = 0.5, 30
	opt = opt.withDefaults()
	k, _ := kinds.Get(opt.Objective)
	o, err := k.fit(d, opt.Objectives)
	if err != nil {
		t.Fatal(err)
	}
	b, err := newBooster(d, opt, k, o)
	if err != nil {
		t.Fatal(err)
	}
	m, err := b.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, raw := range m.Raw(rowMajor(d), 2) {
		near(t, fmt.Sprint("row ", i), raw, b.score[0][i], 1e-9)
	}
}

// Every leaf has its rows, every node those of its children, and no leaf fewer than
// MinRows: with Hessians that differ, rows are estimated first and counted then.
func TestFit_rows(t *testing.T) {
	for _, name := range []string{"binary", "poisson", "l2", "lambdarank"} {
		d, opt := taskOf(name, 1200, 7)
		opt.MinRows, opt.Rounds, opt.MaxLeaves = 25, 20, 40
		for i, s := range d.Columns[0].Values { // weights that mislead the estimate
			d.Weight[i] = math.Exp(6 * s)
		}
		m := fit(t, d, opt)
		if len(m.Trees[0].Leaves) < 8 {
			t.Errorf("%s: %d leaves", name, len(m.Trees[0].Leaves))
		}
		for _, tree := range m.Trees {
			sum := 0
			for _, l := range tree.Leaves {
				sum += l.Rows
				if l.Rows < opt.MinRows {
					t.Errorf("%s: a leaf of %d rows, want at least %d", name, l.Rows, opt.MinRows)
				}
			}
			for _, n := range tree.Nodes {
				if n.Rows != tree.rowsOf(n.Left)+tree.rowsOf(n.Right) {
					t.Errorf("%s: a node of %d rows", name, n.Rows)
				}
			}
			if sum != d.Rows() || len(tree.Leaves) > opt.MaxLeaves {
				t.Errorf("%s: %d leaves of %d rows", name, len(tree.Leaves), sum)
			}
		}
	}
}

func TestFit_depth(t *testing.T) {
	d, opt := taskOf("l2", 1000, 1)
	opt.MaxDepth = 2
	for _, tree := range fit(t, d, opt).Trees {
		if tree.depth() > 2 {
			t.Fatalf("a tree is %d deep", tree.depth())
		}
	}
}

// Monotone columns: a step in the constrained direction never turns predictions around,
// though the signal falls and rises.
func TestFit_monotone(t *testing.T) {
	for _, name := range []string{"l2", "l1", "binary"} {
		for _, direction := range []int{1, -1} {
			d, opt := taskOf(name, 2000, 1)
			d.Columns[0].Monotone, d.Columns[2].Monotone = direction, -direction
			opt.MaxLeaves, opt.MinRows = 31, 5
			m := fit(t, d, opt)
			if m.Importance()[0].Splits == 0 {
				t.Errorf("%s: the constrained column is never used", name)
			}
			x := rowMajor(d)
			for i := range 100 {
				row := x[i*6 : (i+1)*6]
				for j, sign := range map[int]float64{0: float64(direction), 2: -float64(direction)} {
					var line []float64
					for v := -1.2; v <= 1.2; v += 0.01 {
						r := slices.Clone(row)
						r[j] = v
						line = append(line, r...)
					}
					raw := m.Raw(line, 1)
					for s := 1; s < len(raw); s++ {
						if sign*(raw[s]-raw[s-1]) < 0 {
							t.Fatalf("%s, direction %d: column %d at step %d goes from %v to %v", name, direction, j, s, raw[s-1], raw[s])
						}
					}
				}
			}
		}
	}
}

// The label is 1 where the value is missing: one split finds it, whichever side the rest
// is on.
func TestFit_missingValues(t *testing.T) {
	d := &Dataset{Columns: []Column{{Name: "x", Values: make([]float64, 200)}}, Label: make([]float64, 200)}
	for i := range 200 {
		d.Columns[0].Values[i] = float64(i % 7)
		if i%4 == 0 {
			d.Columns[0].Values[i], d.Label[i] = math.NaN(), 1
		}
	}
	m := fit(t, d, Options{Rounds: 1, LearningRate: 1, MaxLeaves: 2})
	for i, got := range m.Predict([]float64{math.NaN(), 3, math.Inf(1), -1e300}, 1) {
		near(t, "prediction", got, []float64{1, 0, 0, 0}[i], 1e-9)
	}
	// Missing values like the large ones: they go the same way.
	for i := range 200 {
		d.Label[i] = positive(d.Columns[0].Values[i] - 3)
		if i%4 == 0 {
			d.Label[i] = 1
		}
	}
	m = fit(t, d, Options{Rounds: 1, LearningRate: 1, MaxLeaves: 2})
	for i, got := range m.Predict([]float64{math.NaN(), 4, 3}, 1) {
		near(t, "prediction", got, []float64{1, 1, 0}[i], 1e-9)
	}
}

// Categories in no order: one split divides them by their labels; an unseen one goes with
// the missing ones.
func TestFit_categories(t *testing.T) {
	const n = 4000
	d := &Dataset{Columns: []Column{{Name: "c", Values: make([]float64, n), Categories: make([]string, 40)}}, Label: make([]float64, n)}
	odd := func(c int) bool { return mix(uint64(c))&1 == 1 }
	for i := range n {
		c := i % 39
		d.Columns[0].Values[i] = float64(c)
		if odd(c) {
			d.Label[i] = 1
		}
	}
	m := fit(t, d, Options{Rounds: 1, LearningRate: 1, MaxLeaves: 2})
	for c := range 39 {
		want := 0.0
		if odd(c) {
			want = 1
		}
		near(t, fmt.Sprint("category ", c), m.Predict([]float64{float64(c)}, 1)[0], want, 1e-9)
	}
	unseen := m.Predict([]float64{39, math.NaN(), -3, 1e12}, 1)
	for _, v := range unseen {
		if v != unseen[1] {
			t.Errorf("unseen categories give %v, want what a missing one gives", unseen)
		}
	}
}

func TestFit_earlyStopping(t *testing.T) {
	train, opt := taskOf("l2", 600, 1)
	valid, _ := taskOf("l2", 600, 2)
	opt.Rounds, opt.Patience, opt.Valid, opt.LearningRate = 2000, 10, valid, 0.3
	var scores []float64
	opt.Score = func(p []float64) float64 {
		var se float64
		for i, y := range valid.Label {
			se += (y - p[i]) * (y - p[i])
		}
		return -se
	}
	opt.OnRound = func(_ int, s float64) { scores = append(scores, s) }
	m := fit(t, train, opt)
	best := slices.Index(scores, slices.Max(scores))
	if m.Rounds() != best+1 || len(scores) != best+1+10 {
		t.Errorf("%d rounds of %d, the best was %d", m.Rounds(), len(scores), best+1)
	}
	near(t, "score of the kept rounds", opt.Score(m.Predict(rowMajor(valid), 1)), scores[best], 1e-6)
}

func TestFit_cancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	d, opt := taskOf("l2", 500, 1)
	opt.OnRound = func(round int, _ float64) {
		if round == 3 {
			cancel()
		}
		if round > 3 {
			t.Error("it goes on")
		}
	}
	if _, err := Fit(ctx, d, opt); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

// Tables from which nothing can be learned give the constant.
func TestFit_nothingToLearn(t *testing.T) {
	for name, d := range map[string]*Dataset{
		"one row":          {Columns: []Column{{Name: "x", Values: []float64{1}}}, Label: []float64{3}},
		"constant column":  {Columns: []Column{{Name: "x", Values: make([]float64, 100)}}, Label: slices.Repeat([]float64{2, 4}, 50)},
		"missing column":   {Columns: []Column{{Name: "x", Values: slices.Repeat([]float64{math.NaN()}, 100)}}, Label: slices.Repeat([]float64{2, 4}, 50)},
		"equal labels":     {Columns: []Column{{Name: "x", Values: bigRange(100)}}, Label: slices.Repeat([]float64{3}, 100)},
		"infinite numbers": {Columns: []Column{{Name: "x", Values: slices.Repeat([]float64{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}, 25)}}, Label: slices.Repeat([]float64{2, 4}, 50)},
	} {
		m := fit(t, d, Options{Rounds: 5})
		near(t, name, m.Predict([]float64{5}, 1)[0], 3, 1e-9)
	}
}

func bigRange(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = float64(i)
	}
	return out
}

// Labels that differ by ten million must not hide what the small ones say.
func TestFit_heavyTail(t *testing.T) {
	const n = 5000
	d := &Dataset{Columns: []Column{{Name: "big", Values: make([]float64, n)}, {Name: "x", Values: make([]float64, n)}}, Label: make([]float64, n)}
	for i := range n {
		x := uniform(1, 0, i)
		d.Columns[1].Values[i], d.Label[i] = x, math.Floor(4*x)
		if i%100 == 0 {
			d.Columns[0].Values[i], d.Label[i] = 1, 1e7
		}
	}
	m := fit(t, d, Options{Rounds: 200, LearningRate: 0.2})
	for _, x := range []float64{0.1, 0.4, 0.6, 0.9} {
		near(t, fmt.Sprint("small label at ", x), m.Predict([]float64{0, x}, 1)[0], math.Floor(4*x), 0.3)
	}
}

func TestFit_errors(t *testing.T) {
	good := func() *Dataset { d, _ := taskOf("l2", 50, 1); return d }
	for want, c := range map[string]struct {
		opt  Options
		harm func(d *Dataset)
	}{
		`unknown objective "l3" (have `:             {Options{Objective: "l3"}, func(*Dataset) {}},
		"Rounds is -1":                              {Options{Rounds: -1, MaxLeaves: 1}, func(*Dataset) {}},
		"MaxLeaves is 1":                            {Options{Rounds: -1, MaxLeaves: 1}, func(*Dataset) {}},
		"49 labels for 50 rows":                     {Options{}, func(d *Dataset) { d.Label = d.Label[1:] }},
		"weight -1 of row 3":                        {Options{}, func(d *Dataset) { d.Weight[3] = -1 }},
		`column "x3": category 12 in row 1`:         {Options{}, func(d *Dataset) { d.Columns[3].Values[1] = 12 }},
		`column "x3": categories have no order`:     {Options{}, func(d *Dataset) { d.Columns[3].Monotone = 1 }},
		`column "x1": 49 values`:                    {Options{}, func(d *Dataset) { d.Columns[1].Values = d.Columns[1].Values[1:] }},
		"label NaN of row 2, want a finite number":  {Options{}, func(d *Dataset) { d.Label[2] = math.NaN() }},
		"of row 0, want 0 or 1":                     {Options{Objective: "binary"}, func(*Dataset) {}},
		"Objectives.Classes is 0":                   {Options{Objective: "softmax"}, func(*Dataset) {}},
		"lambdarank needs Group":                    {Options{Objective: "lambdarank"}, func(*Dataset) {}},
		"groups hold 40 rows, the table 50":         {Options{}, func(d *Dataset) { d.Group = []int{40} }},
		"early stopping needs both Valid and Score": {Options{Valid: &Dataset{}}, func(*Dataset) {}},
		"no rows": {Options{}, func(d *Dataset) { *d = Dataset{} }},
	} {
		d := good()
		c.harm(d)
		if _, err := Fit(t.Context(), d, c.opt); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	opt := Options{Valid: &Dataset{Columns: good().Columns[1:]}, Score: func([]float64) float64 { return 0 }}
	if _, err := Fit(t.Context(), good(), opt); err == nil || !strings.Contains(err.Error(), "has 5 columns, the training table 6") {
		t.Errorf("error %v", err)
	}
}
