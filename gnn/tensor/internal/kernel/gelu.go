package kernel

import "math"

// Gaussian are the kernels of x Phi(x), Phi being the normal distribution.
type Gaussian struct {
	GELU     func(dst, x []Real)               // dst = x Phi(x); dst may be x
	GELUBack func(dst, g, x []Real, mode Mode) // dst = g times the slope of that; dst may be g
}

// GELU is [Gaussian.GELU] on the path in use.
func GELU(dst, x []Real) { active.GELU(dst, x) }

// GELUBack is [Gaussian.GELUBack] on the path in use.
func GELUBack(dst, g, x []Real, mode Mode) { active.GELUBack(dst, g, x, mode) }

var plainGaussian = Gaussian{GELU: plainGELU, GELUBack: plainGELUBack}

func phi(x float64) float64 { return 0.5 * math.Erfc(-x/math.Sqrt2) }

func plainGELU(dst, x []Real) {
	x = x[:len(dst)]
	for i, v := range x {
		dst[i] = Real(float64(v) * phi(float64(v)))
	}
}

func plainGELUBack(dst, g, x []Real, mode Mode) {
	g, x = g[:len(dst)], x[:len(dst)]
	for i, v := range x {
		v := float64(v)
		d := g[i] * Real(phi(v)+v*math.Exp(-0.5*v*v)/math.Sqrt(2*math.Pi))
		if mode&AddTo != 0 {
			d += dst[i]
		}
		dst[i] = d
	}
}
