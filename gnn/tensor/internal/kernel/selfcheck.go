package kernel

import (
	"fmt"
	"math"
)

// selfChecks compare a path in machine code with plain Go before it is offered; each
// says what differs, or nothing. They take some microseconds.
var selfChecks = []func(*Path) string{checkProducts, checkRows}

func (p *Path) disagreement() string {
	for _, check := range selfChecks {
		if what := check(p); what != "" {
			return what
		}
	}
	return ""
}

// checkProducts covers every height of tile and every width of strip, whole and cut.
func checkProducts(p *Path) string {
	for _, n := range []int{5, 32, 45, 60} {
		if what := checkProduct(p, 23, n, 7); what != "" {
			return what
		}
	}
	return ""
}

func checkProduct(p *Path, m, n, k int) string {
	x := Product{M: m, N: n, K: k, A: ramp(m * k), ARow: k, ACol: 1, CRow: n + 1, Bias: ramp(n), ReLU: true}
	var c [2][]Real
	for i, path := range []*Path{p, &plain} {
		c[i] = ramp(m * x.CRow)
		x.C, x.B = c[i], make([]Real, path.PackedLen(k, n))
		path.Pack(x.B, k, n, ramp(k*n), n, 1)
		path.Mul(x)
	}
	for i := range c[0] {
		if d := math.Abs(float64(c[0][i] - c[1][i])); !(d < 1e-5) {
			return fmt.Sprintf("its product of %dx%d and %dx%d differs from plain Go's by %g at row %d, column %d", m, k, k, n, d, i/x.CRow, i%x.CRow)
		}
	}
	return ""
}

// ramp returns n numbers between -1 and 1 in no simple order.
func ramp(n int) []Real {
	x := make([]Real, n)
	for i := range x {
		x[i] = Real((i*7919+13)%2003)/1001 - 1
	}
	return x
}
