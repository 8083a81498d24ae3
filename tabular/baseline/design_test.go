package baseline

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// columns makes a design of its columns.
func columns(cols ...[]float64) design {
	d := design{n: len(cols[0]), k: len(cols)}
	for i := range d.n {
		for _, c := range cols {
			d.x = append(d.x, c[i])
		}
	}
	return d
}

func near(t *testing.T, what string, got, want []float64, within float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %v, want %v", what, got, want)
	}
	for i := range want {
		if !(math.Abs(got[i]-want[i]) <= within) {
			t.Errorf("%s: %v, want %v", what, got, want)
			return
		}
	}
}

func TestWeighted_knownSolutions(t *testing.T) {
	x := columns([]float64{-1, 0, 1})
	for _, c := range []struct {
		name   string
		w, z   []float64
		lambda float64
		want   []float64
	}{
		{"line through three points", nil, []float64{-1, 1, 3}, 0, []float64{2, 1}},
		// slope = sum(x z) / (sum(x^2) + lambda n) = 4 / (2 + 3), intercept free = mean
		{"penalty", nil, []float64{-1, 1, 3}, 1, []float64{0.8, 1}},
		// the third point counts nothing: a line through the first two
		{"weights", []float64{1, 1, 0}, []float64{-1, 1, 100}, 0, []float64{2, 1}},
		// weights 1, 2, 1: slope = (0 - 0 + 6) / 2, intercept = (0 + 0 + 6) / 4
		{"weighted mean", []float64{1, 2, 1}, []float64{0, 0, 6}, 0, []float64{3, 1.5}},
	} {
		got, err := x.weighted(c.w, c.z, c.lambda)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		near(t, c.name, got, c.want, 1e-6)
	}
	twice := columns([]float64{1, 2, 3}, []float64{2, 4, 6})
	if _, err := twice.weighted(nil, []float64{1, 2, 3}, -1); err == nil {
		t.Error("normal equations that are not positive definite give no error")
	}
}

// Two groups, of which one in four and three in four are positive: the log odds are
// known.
func TestLogistic_twoGroups(t *testing.T) {
	x := columns([]float64{0, 0, 0, 0, 1, 1, 1, 1})
	got, err := x.logistic([]float64{1, 0, 0, 0, 1, 1, 1, 0}, 1e-12)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "log odds", got, []float64{2 * math.Log(3), -math.Log(3)}, 1e-5)
}

// With a penalty the optimum is where sum((p - y) x) + lambda n b vanishes for every
// weight, and sum(p - y) for the intercept.
func TestLogistic_penalisedOptimum(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	n := 300
	a, b, y := make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range n {
		a[i], b[i] = r.NormFloat64(), r.NormFloat64()
		if r.Float64() < sigmoid(1.5*a[i]-b[i]+0.5) {
			y[i] = 1
		}
	}
	x := columns(a, b)
	for _, lambda := range []float64{0.001, 0.1, 1} {
		w, err := x.logistic(y, lambda)
		if err != nil {
			t.Fatal(err)
		}
		grad := []float64{lambda * w[0], lambda * w[1], 0}
		for i := range n {
			e := (sigmoid(dot(w, x.row(i))) - y[i]) / float64(n)
			grad[0], grad[1], grad[2] = grad[0]+e*a[i], grad[1]+e*b[i], grad[2]+e
		}
		near(t, "gradient at the optimum", grad, []float64{0, 0, 0}, 1e-5)
	}
}

// Separable labels have no finite optimum without a penalty; with one there is an answer.
func TestLogistic_separable(t *testing.T) {
	x := columns([]float64{-2, -1, 1, 2})
	w, err := x.logistic([]float64{0, 0, 1, 1}, 0.01)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{false, false, true, true} {
		if p := sigmoid(dot(w, x.row(i))); math.IsNaN(p) || (p > 0.5) != want {
			t.Errorf("example %d has probability %v", i, p)
		}
	}
}

// The least absolute deviations ignore outliers that draw the least squares away.
func TestAbsolute_knownSolutions(t *testing.T) {
	one := columns([]float64{0, 0, 0, 0, 0}) // nothing but an intercept
	got, err := one.absolute([]float64{1, 2, 3, 4, 1000}, 0.1)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(got[1]-3) > 20 { // within 5 % of the mean distance from the median, about 200, of the median
		t.Errorf("intercept %v, want the median 3 and not the mean 202", got[1])
	}
	var x, y []float64
	for i := range 100 {
		v := float64(i-50) / 10
		x, y = append(x, v), append(y, 3*v+1)
	}
	for i := range 10 {
		y[10*i] = 500
	}
	if got, err = columns(x).absolute(y, 1e-9); err != nil {
		t.Fatal(err)
	}
	near(t, "line with outliers", got, []float64{3, 1}, 0.5) // of values that reach to 500
	squares, err := columns(x).weighted(nil, y, 1e-9)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(squares[1]-1) < 10 {
		t.Errorf("least squares give %v, so the outliers do not matter and the test shows nothing", squares)
	}
}

func TestStandardise(t *testing.T) {
	d := columns([]float64{1, 2, 3}, []float64{7, 7, 7})
	mean, scale := d.standardise()
	s := math.Sqrt(2.0 / 3)
	near(t, "mean", mean, []float64{2, 7}, 1e-12)
	near(t, "scale", scale, []float64{s, 0}, 1e-12)
	near(t, "values", d.x, []float64{-1 / s, 0, 0, 0, 1 / s, 0}, 1e-12)
	other := columns([]float64{5}, []float64{8})
	other.apply(mean, scale)
	near(t, "values of another row", other.x, []float64{3 / s, 0}, 1e-12)
}

func TestMiddle(t *testing.T) {
	var labels []float64
	for i := range 101 {
		labels = append(labels, float64((i*37)%101)) // 0 to 100 in some order
	}
	if low, high := middle(labels); low != 2 || high != 98 {
		t.Errorf("middle of 0 to 100 is %v to %v, want 2 to 98", low, high)
	}
	if low, high := middle([]float64{5}); low != 5 || high != 5 {
		t.Errorf("middle of one value 5 is %v to %v", low, high)
	}
	if !slices.Equal(labels[:3], []float64{0, 37, 74}) {
		t.Error("middle reorders its argument")
	}
}

func TestMedianAndSpread(t *testing.T) {
	for _, c := range []struct {
		values         []float64
		median, spread float64
	}{
		{[]float64{3, 1, 2}, 2, 2.0 / 3}, {[]float64{4, 1, 3, 2}, 2.5, 1}, {[]float64{7}, 7, 1e-9}, {nil, 0, 1e-9},
	} {
		if m, s := median(c.values), spread(c.values); m != c.median || math.Abs(s-c.spread) > 1e-12 {
			t.Errorf("%v: median %v and spread %v, want %v and %v", c.values, m, s, c.median, c.spread)
		}
	}
}

// Of many columns those are chosen that go with the labels, whatever their scale.
func TestDesign_telling(t *testing.T) {
	x := design{4, 3, []float64{
		0, 1, 5,
		1, -1, 5,
		0, -1, 5,
		1, 1, 5,
	}}
	x.standardise()
	if got := x.telling([]float64{2, 100, 1, 50}, 1); len(got) != 1 || got[0] != 0 {
		t.Errorf("chose columns %v, want the first: the second goes with nothing, the third is constant", got)
	}
	if y := x.take([]int{2, 0}); y.k != 2 || y.row(1)[1] != x.row(1)[0] {
		t.Errorf("took %+v", y)
	}
}
