package tensor

import (
	"math"
	"testing"
)

func TestTapeProduct(t *testing.T) {
	for _, form := range []Form{NN, NT, TN} {
		for _, s := range [][3]int{{0, 3, 2}, {1, 1, 1}, {5, 0, 3}, {7, 5, 3}, {300, 33, 17}, {40, 2500, 9}} {
			m, k, n := s[0], s[1], s[2]
			a, b, c := NewMat(m, k), NewMat(k, n), NewMat(m, n)
			if form == TN {
				a = NewMat(k, m)
			}
			if form == NT {
				b = NewMat(n, k)
			}
			for i := range a.Data {
				a.Data[i] = Real(Normal(1, uint64(i)))
			}
			for i := range b.Data {
				b.Data[i] = Real(Normal(2, uint64(i)))
			}
			for i := range c.Data {
				c.Data[i] = Real(math.NaN()) // a product overwrites
			}
			tape := NewTape(NewPool(2))
			tape.Product(form, c, a, b)
			for i := range m {
				for j := range n {
					want := 0.0
					for x := range k {
						p, q := [2]int{i, x}, [2]int{x, j}
						if form == TN {
							p = [2]int{x, i}
						}
						if form == NT {
							q = [2]int{j, x}
						}
						want += float64(a.At(p[0], p[1])) * float64(b.At(q[0], q[1]))
					}
					if got := float64(c.At(i, j)); !(math.Abs(got-want) <= 1e-4*math.Sqrt(float64(k+1))) {
						t.Fatalf("%s %v: element %d,%d is %g, want %g", form, s, i, j, got, want)
					}
				}
			}
		}
	}
	if got := Form(9).String(); got != "Form(9)" {
		t.Errorf("unknown form prints %q", got)
	}
}
