package boost

import (
	"encoding/json"
	"math"
	"testing"
)

// uniform is number i of column j of a table, in [0, 1).
func uniform(key uint64, j, i int) float64 {
	return float64(draw(draw(key, uint64(j)), uint64(i))>>11) / (1 << 53)
}

// tableOf is a table of six columns with all that columns can have: x0 is smooth, x1 has
// few values, x2 lacks 30 % of its values, x3 is a category of 12, x4 one of 400 and x5
// constant. signal is what labels follow.
func tableOf(rows int, key uint64) (d *Dataset, signal []float64) {
	d = &Dataset{Columns: make([]Column, 6)}
	names := []string{"x0", "x1", "x2", "x3", "x4", "x5"}
	for j, n := range names {
		d.Columns[j] = Column{Name: n, Values: make([]float64, rows)}
	}
	d.Columns[3].Categories, d.Columns[4].Categories = make([]string, 12), make([]string, 400)
	for i := range rows {
		u := func(j int) float64 { return uniform(key, j, i) }
		v := [6]float64{2*u(0) - 1, math.Floor(4 * u(1)), 2*u(2) - 1, math.Floor(12 * u(3)), math.Floor(400 * u(4) * u(14)), 7}
		s := math.Sin(3*v[0]) + 0.3*v[1] + []float64{0, 1, -1}[int(v[3])%3]
		if u(12) < 0.3 {
			v[2] = math.NaN()
			s += 0.8
		} else {
			s += v[2] * v[0]
		}
		if int(v[4])%2 == 1 {
			s += 0.4
		}
		for j := range v {
			d.Columns[j].Values[i] = v[j]
		}
		signal = append(signal, s)
	}
	return d, signal
}

// taskOf turns the signal into labels of an objective, with weights.
func taskOf(objective string, rows int, key uint64) (*Dataset, Options) {
	d, signal := tableOf(rows, key)
	opt := Options{Objective: objective, Rounds: 40, MaxLeaves: 12, MinRows: 8, L2: 0.5, Categories: CategoryOptions{MinRows: 20}, Objectives: ObjectiveOptions{Classes: 3}}
	for i, s := range signal {
		noise := 2*uniform(key, 30, i) - 1
		y := s + noise
		switch objective {
		case "binary":
			y = positive(s + 2*noise - 0.5)
		case "softmax":
			y = positive(s+noise) + positive(s+noise-1)
		case "poisson":
			y = math.Floor(math.Exp(s/2) + uniform(key, 31, i))
		case "lambdarank":
			y = math.Min(4, math.Max(0, math.Floor(s+noise+1)))
		}
		d.Label = append(d.Label, y)
		d.Weight = append(d.Weight, 0.5+uniform(key, 32, i))
	}
	if objective == "lambdarank" {
		for left := rows; left > 0; left -= 20 {
			d.Group = append(d.Group, min(20, left))
		}
	}
	return d, opt
}

func positive(v float64) float64 {
	if v > 0 {
		return 1
	}
	return 0
}

func fit(t testing.TB, d *Dataset, opt Options) *Model {
	t.Helper()
	m, err := Fit(t.Context(), d, opt)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// rowMajor is the matrix of a table.
func rowMajor(d *Dataset) []float64 {
	x := make([]float64, 0, d.Rows()*len(d.Columns))
	for i := range d.Rows() {
		for _, c := range d.Columns {
			x = append(x, c.Values[i])
		}
	}
	return x
}

func text(t testing.TB, m *Model) string {
	t.Helper()
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if !(math.Abs(got-want) <= within) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}
