package boost

import (
	"math"
	"testing"
)

// lossOf is the loss of an objective at the given scores, written down from its definition
// and apart from the gradients. nil: it has gradients only.
var lossOf = map[string]func(y float64, s []float64) float64{
	"l2": func(y float64, s []float64) float64 { return (y - s[0]) * (y - s[0]) / 2 },
	"l1": func(y float64, s []float64) float64 { return math.Abs(y - s[0]) },
	"huber": func(y float64, s []float64) float64 {
		if d := math.Abs(y - s[0]); d > 1 {
			return d - 0.5
		}
		return (y - s[0]) * (y - s[0]) / 2
	},
	"quantile": func(y float64, s []float64) float64 { return math.Max(0.5*(y-s[0]), -0.5*(y-s[0])) },
	"poisson":  func(y float64, s []float64) float64 { return math.Exp(s[0]) - y*s[0] },
	"binary":   func(y float64, s []float64) float64 { return math.Log1p(math.Exp(s[0])) - y*s[0] },
	"softmax": func(y float64, s []float64) float64 {
		return math.Log(math.Exp(s[0])+math.Exp(s[1])+math.Exp(s[2])) - s[int(y)]
	},
	"lambdarank": nil,
}

// Every objective's gradient is the slope of its loss; Hessians are not negative.
func TestObjective_gradients(t *testing.T) {
	for _, name := range Objectives() {
		loss, known := lossOf[name]
		if !known {
			t.Errorf("objective %s has no loss in this test", name)
		}
		d, opt := taskOf(name, 200, 3)
		k, _ := kinds.Get(name)
		o, err := k.fit(d, opt.withDefaults().Objectives)
		if err != nil {
			t.Fatal(err)
		}
		n, out := d.Rows(), o.Outputs()
		score, grad, hess := make([][]float64, out), make([][]float64, out), make([][]float64, out)
		for c := range score {
			score[c], grad[c], hess[c] = make([]float64, n), make([]float64, n), make([]float64, n)
			for i := range n {
				score[c][i] = 3*uniform(9, c, i) - 1.5
			}
		}
		o.Gradients(1, score, grad, hess)
		for i := range n {
			s := make([]float64, out)
			for c := range s {
				s[c] = score[c][i]
			}
			for c := range s {
				if !(hess[c][i] >= 0) {
					t.Fatalf("%s: Hessian %v", name, hess[c][i])
				}
				if loss == nil {
					continue
				}
				const e = 1e-5
				at := s[c]
				s[c] = at + e
				up := loss(d.Label[i], s)
				s[c] = at - e
				slope := (up - loss(d.Label[i], s)) / (2 * e)
				s[c] = at
				near(t, name, grad[c][i], d.Weight[i]*slope, 1e-4)
			}
		}
	}
}

// The base score has no slope: no constant is better.
func TestObjective_base(t *testing.T) {
	for _, name := range Objectives() {
		loss := lossOf[name]
		if loss == nil {
			continue
		}
		d, opt := taskOf(name, 500, 4)
		k, _ := kinds.Get(name)
		o, err := k.fit(d, opt.withDefaults().Objectives)
		if err != nil {
			t.Fatal(err)
		}
		total := func(s []float64) (sum float64) {
			for i, y := range d.Label {
				sum += d.Weight[i] * loss(y, s)
			}
			return sum
		}
		if name == "huber" {
			continue // begins at the median, which is near enough
		}
		best := total(o.Base())
		for c := range o.Base() {
			for _, step := range []float64{-0.05, 0.05} {
				s := append([]float64(nil), o.Base()...)
				s[c] += step
				if total(s) < best {
					t.Errorf("%s: base %v moved by %v is better", name, o.Base(), step)
				}
			}
		}
	}
}

// lambdarank: in a group of two, the relevant row is pushed up by as much as the other one
// is pushed down; a group of equals is left alone.
func TestLambdarank_byHand(t *testing.T) {
	d := &Dataset{Label: []float64{0, 1, 1, 1}, Group: []int{2, 2}}
	o, err := fitLambdarank(d, ObjectiveOptions{MaxRank: 30})
	if err != nil {
		t.Fatal(err)
	}
	grad, hess := [][]float64{make([]float64, 4)}, [][]float64{make([]float64, 4)}
	o.Gradients(1, [][]float64{{0, 0, 1, 0}}, grad, hess)
	// Equal scores: the exchange costs (2^1-1)(1 - 1/log2(3)), halved by the sigmoid; the
	// sum of forces is twice that, and the group is scaled by log2(1+sum)/sum.
	sum := 1 - 1/math.Log2(3)
	want := math.Log2(1+sum) / 2
	near(t, "push down", grad[0][0], want, 1e-12)
	near(t, "push up", grad[0][1], -want, 1e-12)
	if grad[0][2] != 0 || grad[0][3] != 0 || hess[0][3] != 0 {
		t.Errorf("a group of equals is moved: %v", grad)
	}
}

func TestNDCG(t *testing.T) {
	// Gains 3, 0, 1 at ranks 0, 1, 2 against 3, 1 at ranks 0, 1; the second group has
	// nothing relevant and does not count.
	got := NDCG(3, []float64{0, 2, 1, 0}, []float64{5, 9, 1, 3}, []int{3, 1})
	near(t, "NDCG@3", got, (3+1/math.Log2(4))/(3+1/math.Log2(3)), 1e-12)
	near(t, "NDCG@1", NDCG(1, []float64{0, 2, 1, 0}, []float64{5, 9, 1, 3}, []int{3, 1}), 1, 1e-12)
	if got := NDCG(3, []float64{0}, []float64{1}, []int{1}); got == got {
		t.Errorf("NDCG without a relevant row is %v, want NaN", got)
	}
}

func TestQuantileOf(t *testing.T) {
	for _, c := range []struct {
		values, weight []float64
		q, want        float64
	}{
		{[]float64{3, 1, 2}, nil, 0.5, 2},
		{[]float64{3, 1, 2, 4}, nil, 0.5, 2.5},
		{[]float64{3, 1, 2, 4}, nil, 0.9, 4},
		{[]float64{3, 1, 2}, []float64{1, 1, 1}, 0.5, 2},
		{[]float64{3, 1, 2}, []float64{5, 1, 1}, 0.5, 3},
		{[]float64{3, 1, 2, 4}, []float64{1, 1, 1, 1}, 0.5, 2.5},
		{[]float64{1, 2, 9}, []float64{1, 0, 1}, 0.5, 5},
		{nil, nil, 0.5, 0},
	} {
		if got := quantileOf(c.values, c.weight, c.q); got != c.want {
			t.Errorf("quantile %v of %v with weights %v is %v, want %v", c.q, c.values, c.weight, got, c.want)
		}
	}
}
