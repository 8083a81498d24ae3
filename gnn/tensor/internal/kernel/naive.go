package kernel

import "math"

// naive states the meaning of every kernel as the shortest loop; the other
// paths are tested against it.
var naive = Path{
	Name:      "naive",
	Rows:      plainRows,
	Flat:      plainFlat,
	Halves:    plainHalves,
	PackedLen: func(k, n int) int { return k * n },
	Pack: func(dst []Real, k, n int, b []Real, row, col int) {
		for p := range k {
			for j := range n {
				dst[p*n+j] = b[p*row+j*col]
			}
		}
	},
	Mul: naiveMul,
	Add: func(dst, x []Real) {
		for j := range dst {
			dst[j] += x[j]
		}
	},
	Axpy: func(dst []Real, a Real, x []Real) {
		for j := range dst {
			dst[j] += a * x[j]
		}
	},
	Dot: func(x, y []Real) Real {
		var s Real
		for j := range x {
			s += x[j] * y[j]
		}
		return s
	},
	GatherSum: func(dst, x []Real, stride int, rows []int32) {
		for _, r := range rows {
			for j := range dst {
				dst[j] += x[int(r)*stride+j]
			}
		}
	},
	GatherAxpy: func(dst, x []Real, stride int, rows []int32, w []Real, wStride int) {
		for e, r := range rows {
			for j := range dst {
				dst[j] += w[e*wStride] * x[int(r)*stride+j]
			}
		}
	},
	Attention: naiveAttention,
	Gaussian:  plainGaussian,
	Adam: func(p, g, m, v []Real, s AdamStep) {
		for j := range p {
			d := g[j] + s.L2*p[j]
			m[j] = s.Beta1*m[j] + (1-s.Beta1)*d
			v[j] = s.Beta2*v[j] + (1-s.Beta2)*d*d
			p[j] = s.Shrink*p[j] - s.Rate*m[j]/(s.Root*Real(math.Sqrt(float64(v[j])))+s.Eps)
		}
	},
}

func naiveMul(x Product) {
	for i := range x.M {
		for j := range x.N {
			var sum Real
			for p := range x.K {
				sum += x.A[i*x.ARow+p*x.ACol] * x.B[p*x.N+j]
			}
			c := &x.C[i*x.CRow+j]
			switch {
			case x.Add:
				*c += sum
			case x.Bias != nil:
				*c = x.Bias[j] + sum
			default:
				*c = sum
			}
			if x.ReLU {
				*c = max(*c, 0)
			}
		}
	}
}
