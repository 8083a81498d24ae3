package tasks

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// contractLabels are labels that every task type can have: 0 and 1, named as classes too.
func contractLabels(typ string, n int) *LabelTable {
	l := &LabelTable{Task: &Task{Name: "contract", Type: typ}}
	if typ == Forecasting {
		l.Task.Forecast = &Forecast{Frames: 2}
	}
	if typ != Binary && !Quantity(typ) {
		l.Classes = []string{"a", "b"}
	}
	for i := range n {
		l.Entity, l.Anchor = append(l.Entity, int32(i)), append(l.Anchor, int64(i/4))
		l.Split, l.Label = append(l.Split, Split(i%3)), append(l.Label, float64(i/3%2))
		if typ == Forecasting {
			l.Series = append(l.Series, l.Label[i], float64(i/5%2))
		}
	}
	return l
}

// TestTypes is the contract of every registered task type.
func TestTypes(t *testing.T) {
	names := TypeNames()
	if len(names) < 3 {
		t.Fatalf("task types %v, want at least three", names)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			typ, err := TypeOf(name)
			if err != nil {
				t.Fatal(err)
			}
			l := contractLabels(name, 60)
			s, err := FitScaling(l)
			if err != nil {
				t.Fatal(err)
			}
			var target []float64
			for i := range l.Label {
				target = append(target, l.Truth(i)...)
			}
			checkGradient(t, typ, s, target)
			out := learnOutputs(typ, s, target)
			checkPerfect(t, typ, s, l, target, out)
			checkRange(t, typ, s, name)
			checkJSON(t, typ, s, out)
		})
	}
}

// checkGradient compares the gradient of the loss with central differences.
func checkGradient(t *testing.T, typ Type, s *Scaling, target []float64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	k := typ.Outputs(s)
	out := make([]float64, k*len(target)/s.targets())
	for i := range out {
		out[i] = rng.NormFloat64() * 3
	}
	grad, scratch := make([]float64, len(out)), make([]float64, len(out))
	typ.Loss(s, out, target, grad)
	const h = 1e-5
	for i := range out {
		x := out[i]
		out[i] = x + h
		up := typ.Loss(s, out, target, scratch)
		out[i] = x - h
		down := typ.Loss(s, out, target, scratch)
		out[i] = x
		if want := (up - down) / (2 * h); math.Abs(grad[i]-want) > 1e-7 {
			t.Errorf("gradient %d is %g, differences give %g", i, grad[i], want)
		}
	}
}

// learnOutputs descends the loss on the outputs themselves.
func learnOutputs(typ Type, s *Scaling, target []float64) []float64 {
	out := make([]float64, typ.Outputs(s)*len(target)/s.targets())
	grad := make([]float64, len(out))
	for range 3000 {
		typ.Loss(s, out, target, grad)
		for i, g := range grad {
			out[i] -= 0.05 * g * float64(len(target))
		}
	}
	return out
}

// checkPerfect demands the best value of the default metric from outputs without loss.
func checkPerfect(t *testing.T, typ Type, s *Scaling, l *LabelTable, target, out []float64) {
	t.Helper()
	m, err := l.Task.MetricOf(s)
	if err != nil {
		t.Fatal(err)
	}
	best := 0.0
	if m.HigherIsBetter() {
		best = 1
	}
	if v := m.Compute(target, typ.Decode(s, out)); math.Abs(v-best) > 1e-6 {
		t.Errorf("%s of learnt outputs is %g, want %g", m.Name(), v, best)
	}
}

// checkRange decodes extreme outputs: values stay finite, probabilities in 0..1 and, of
// several classes, sum to 1.
func checkRange(t *testing.T, typ Type, s *Scaling, name string) {
	t.Helper()
	k := typ.Outputs(s)
	out := slices.Repeat([]float64{-1e4, 1e4, 0, -3, 700, -700}, k)
	for i, v := range typ.Decode(s, out) {
		if math.IsNaN(v) || math.IsInf(v, 0) || !Quantity(name) && (v < 0 || v > 1) || Quantity(name) && (v < s.Low || v > s.High) {
			t.Errorf("output %g decodes to %g", out[i], v)
		}
	}
	grad := make([]float64, len(out))
	if loss := typ.Loss(s, out, make([]float64, len(out)/k*s.targets()), grad); math.IsNaN(loss) || math.IsInf(loss, 0) || slices.ContainsFunc(grad, math.IsNaN) {
		t.Errorf("loss of extreme outputs is %g, gradient %v", loss, grad)
	}
}

// checkJSON demands the same predictions after storing and reading the scaling.
func checkJSON(t *testing.T, typ Type, s *Scaling, out []float64) {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var back Scaling
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(typ.Decode(s, out), typ.Decode(&back, out)) {
		t.Errorf("predictions differ after reading back %s", text)
	}
}

// TestMetrics is the contract of every registered metric.
func TestMetrics(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, name := range metrics.Names() {
		maker, err := metrics.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, typ := range maker.types {
			t.Run(typ+"/"+name, func(t *testing.T) {
				s := &Scaling{Std: 2, Classes: []string{"a", "b", "c"}}
				m, err := MetricByName(typ, name, s)
				if err != nil {
					t.Fatal(err)
				}
				if m.Name() != name {
					t.Errorf("metric %q calls itself %q", name, m.Name())
				}
				if v := m.Compute(nil, nil); !math.IsNaN(v) {
					t.Errorf("of nothing: %g, want NaN", v)
				}
				for range 20 {
					checkMetric(t, m, typ, rng)
				}
			})
		}
	}
}

// checkMetric compares a perfect with a random prediction and permutes the rows.
func checkMetric(t *testing.T, m Metric, typ string, rng *rand.Rand) {
	t.Helper()
	n, k := 30, 1
	if typ == Multiclass || typ == Multilabel {
		k = 3
	}
	truth, perfect, random := make([]float64, n), make([]float64, n*k), make([]float64, n*k)
	for i := range n {
		switch typ {
		case Multiclass:
			truth[i] = float64(rng.IntN(3))
			perfect[i*3+int(truth[i])] = 1
		case Multilabel:
			truth[i] = float64(1 + rng.IntN(7))
			for c := range 3 {
				if Holds(truth[i], c) {
					perfect[i*3+c] = 1
				}
			}
		case Binary:
			truth[i] = float64((i + rng.IntN(2)) % 2)
			perfect[i] = truth[i]
		default:
			truth[i] = rng.NormFloat64()
			perfect[i] = truth[i]
		}
		var sum float64
		for c := range k {
			random[i*k+c] = math.Round(rng.Float64()*10) / 10 // with ties
			sum += random[i*k+c]
		}
		for c := range k {
			if k > 1 {
				random[i*k+c] = (random[i*k+c] + 0.1) / (sum + 0.3)
			}
		}
	}
	best, v := m.Compute(truth, perfect), m.Compute(truth, random)
	if m.HigherIsBetter() && v > best || !m.HigherIsBetter() && v < best {
		t.Errorf("random predictions give %g, perfect ones %g", v, best)
	}
	order := rng.Perm(n)
	y, p := make([]float64, n), make([]float64, 0, n*k)
	for to, from := range order {
		y[to] = truth[from]
		p = append(p, random[from*k:(from+1)*k]...)
	}
	if w := m.Compute(y, p); math.Abs(v-w) > 1e-12*math.Max(1, math.Abs(v)) {
		t.Errorf("%g becomes %g when the rows are permuted", v, w)
	}
}

// targets is the number of labels per example.
func (s *Scaling) targets() int { return max(1, s.Frames) }
