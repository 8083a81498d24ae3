package kernel

import (
	"math"
	"testing"
)

// The approximation of the tail must not show: values and slopes are within a few units
// of 1e-7 of the exact ones, in all parts of a vector.
func TestGELU_agreesWithErf(t *testing.T) {
	eachPath(t, func(t *testing.T, p *Path) {
		for _, n := range []int{0, 1, 7, 8, 15, 33, 4001} {
			x, g := newGuarded(n, 1), newGuarded(n, 2)
			for i := range x.data {
				x.data[i] = Real(12*float64(i)/math.Max(float64(n-1), 1) - 6)
			}
			y, d := newGuarded(n, 3), newGuarded(n, 4)
			before := append([]Real(nil), d.data...)
			p.GELU(y.data, x.data)
			p.GELUBack(d.data, g.data, x.data, AddTo)
			y.check(t, "gelu")
			d.check(t, "gelu back")
			for i, v := range x.data {
				v := float64(v)
				cdf := 0.5 * math.Erfc(-v/math.Sqrt2)
				if diff := math.Abs(float64(y.data[i]) - v*cdf); !(diff < 1e-6) {
					t.Fatalf("%s: gelu(%v) is off by %g", p.Name, v, diff)
				}
				want := float64(before[i]) + float64(g.data[i])*(cdf+v*math.Exp(-v*v/2)/math.Sqrt(2*math.Pi))
				if diff := math.Abs(float64(d.data[i]) - want); !(diff < 1e-6) {
					t.Fatalf("%s: slope at %v is off by %g", p.Name, v, diff)
				}
			}
			p.GELU(x.data, x.data)
			for i := range x.data {
				if x.data[i] != y.data[i] {
					t.Fatalf("%s: in place element %d is %v, else %v", p.Name, i, x.data[i], y.data[i])
				}
			}
		}
	})
}
