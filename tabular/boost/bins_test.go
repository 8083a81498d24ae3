package boost

import (
	"math"
	"slices"
	"testing"
)

func TestSortFloats(t *testing.T) {
	for _, n := range []int{0, 1, 2, 1000} {
		v := make([]float64, n)
		for i := range v {
			v[i] = math.Ldexp(uniform(1, 0, i)-0.5, int(draw(2, uint64(i))%200)-100)
		}
		if n > 2 {
			v[3], v[4], v[5], v[6] = math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1)
		}
		want := slices.Sorted(slices.Values(v))
		sortFloats(v)
		if !slices.Equal(v, want) {
			t.Errorf("%d numbers are not sorted", n)
		}
	}
}

// The fast encoder, the search and the thresholds agree on every value and its neighbours.
func TestFeature_encode(t *testing.T) {
	for _, n := range []int{1, 2, 10, 5000} {
		c := Column{Values: make([]float64, n)}
		for i := range c.Values {
			c.Values[i] = 2*uniform(1, 0, i) - 1
			if i%3 == 0 {
				c.Values[i] = math.Round(20*c.Values[i]) / 20
			}
		}
		f := fitFeature(&c, 255, 1)
		probe := append(slices.Clone(f.Cuts), 0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.NaN(), math.MaxFloat64)
		for _, v := range append(f.Cuts, c.Values...) {
			probe = append(probe, v, math.Nextafter(v, 9), math.Nextafter(v, -9))
		}
		codes := make([]uint8, len(probe))
		f.encode(probe, codes)
		for i, v := range probe {
			if codes[i] != f.bin(v) {
				t.Fatalf("%v is in bin %d, by search in %d", v, codes[i], f.bin(v))
			}
			for b, cut := range f.Cuts {
				if v == v && (v <= cut) != (codes[i] <= uint8(b+1)) {
					t.Fatalf("%v in bin %d, cut %d is %v", v, codes[i], b, cut)
				}
			}
		}
	}
}

// Bins hold about equally many rows, and a value that fills a bin ends its bin.
func TestQuantileCuts(t *testing.T) {
	var v []float64
	for i := range 10_000 {
		v = append(v, float64(i))
	}
	for range 5000 {
		v = append(v, 1234)
	}
	slices.Sort(v)
	cuts := quantileCuts(v, 50)
	if len(cuts) != 49 || !slices.Contains(cuts, 1234.5) {
		t.Fatalf("%d cuts %v", len(cuts), cuts)
	}
	for i := 1; i < len(cuts); i++ {
		if n := cuts[i] - cuts[i-1]; n > 300 {
			t.Errorf("%v values between cuts %d and %d, want about 200", n, i-1, i)
		}
	}
	if got := quantileCuts([]float64{1, 1, 1, 2, 2, 2, 5, 5, 5}, 255); !slices.Equal(got, []float64{1.5, 3.5}) {
		t.Errorf("cuts %v, want one between each two of the distinct values", got)
	}
	if got := quantileCuts([]float64{1, 1, 2, 2, 2, 5, 5, 5, 5}, 255); !slices.Equal(got, []float64{3.5}) {
		t.Errorf("cuts %v: a bin holds at least three rows", got)
	}
	if got := quantileCuts(nil, 255); len(got) != 0 {
		t.Errorf("cuts %v of nothing", got)
	}
}

func TestBetween(t *testing.T) {
	for _, c := range [][2]float64{{1, math.Nextafter(1, 2)}, {-math.MaxFloat64, math.MaxFloat64}, {-math.SmallestNonzeroFloat64, 0}, {0, math.SmallestNonzeroFloat64}} {
		if m := between(c[0], c[1]); !(m >= c[0] && m < c[1]) {
			t.Errorf("between %v and %v: %v", c[0], c[1], m)
		}
	}
}
