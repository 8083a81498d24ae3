package rowlink

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestMoved compares the index with what it is by hand, and its verdicts with draws from
// equal and from moved distributions.
func TestMoved(t *testing.T) {
	m := moved("x", []int{500, 500}, []int{250, 750})
	want := (0.25-0.5)*math.Log(0.5) + (0.75-0.5)*math.Log(1.5)
	if math.Abs(m.PSI-want) > 1e-12 || m.Before != 1000 || m.Now != 1000 || m.Verdict != "moved far" {
		t.Errorf("%+v, want a PSI of %v", m, want)
	}
	r := rand.New(rand.NewPCG(1, 2))
	draw := func(n int, shift, spread float64) []float64 {
		out := make([]float64, n)
		for i := range out {
			out[i] = r.NormFloat64()*spread + shift
		}
		return out
	}
	for _, c := range []struct {
		name          string
		shift, spread float64
		n, nulls      int
		verdict       string
		ksFrom, ksTo  float64
	}{
		{"the same", 0, 1, 5000, 0, "stable", 0, 0.04},
		{"a third of a deviation", 0.36, 1, 5000, 0, "moved", 0.1, 0.2},
		{"a deviation", 1, 1, 5000, 0, "moved far", 0.35, 0.42},
		{"wider", 0, 3, 5000, 0, "moved far", 0.2, 0.3},
		{"a third is NULL", 0, 1, 5000, 2500, "moved far", 0, 0.04},
		{"few", 3, 1, 50, 0, "few rows", 0.8, 1},
	} {
		m := numbersMoved(c.name, draw(5000, 0, 1), draw(c.n, c.shift, c.spread), 0, c.nulls)
		if m.Verdict != c.verdict || *m.KS < c.ksFrom || *m.KS > c.ksTo || math.IsNaN(m.PSI) || m.PSI < 0 {
			t.Errorf("%s: %+v with KS %v, want %s and KS from %v to %v", c.name, m, *m.KS, c.verdict, c.ksFrom, c.ksTo)
		}
	}
	if m := numbersMoved("constant", []float64{3, 3, 3}, []float64{3, 3}, 0, 0); m.PSI != 0 || *m.KS != 0 {
		t.Errorf("a constant moved: %+v", m)
	}
	if m := valuesMoved("kinds", map[string]int{"a": 900, "b": 100}, map[string]int{"a": 900, "b": 50, "new": 50}); m.Verdict != "moved far" && m.Verdict != "moved" || m.KS != nil {
		t.Errorf("a new kind: %+v", m)
	}
}
