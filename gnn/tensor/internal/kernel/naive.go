package kernel

import "math"

// naive states the meaning of every kernel as the shortest loop; the other
// paths are tested against it.
var naive = Path{
	Name: "naive",
	NN: func(m, n, k int, a []Real, lda int, b []Real, ldb int, c []Real, ldc int, add bool) {
		naiveGemm(m, n, k, a, lda, 1, b, ldb, 1, c, ldc, add)
	},
	NT: func(m, n, k int, a []Real, lda int, b []Real, ldb int, c []Real, ldc int, add bool) {
		naiveGemm(m, n, k, a, lda, 1, b, 1, ldb, c, ldc, add)
	},
	TN: func(m, n, k int, a []Real, lda int, b []Real, ldb int, c []Real, ldc int, add bool) {
		naiveGemm(m, n, k, a, 1, lda, b, ldb, 1, c, ldc, add)
	},
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
	Adam: func(p, g, m, v []Real, s AdamStep) {
		for j := range p {
			d := g[j] + s.L2*p[j]
			m[j] = s.Beta1*m[j] + (1-s.Beta1)*d
			v[j] = s.Beta2*v[j] + (1-s.Beta2)*d*d
			p[j] = s.Shrink*p[j] - s.Rate*m[j]/(s.Root*Real(math.Sqrt(float64(v[j])))+s.Eps)
		}
	},
}

// naiveGemm takes A(i,p) = a[i*ai+p*ap] and B(p,j) = b[p*bp+j*bj].
func naiveGemm(m, n, k int, a []Real, ai, ap int, b []Real, bp, bj int, c []Real, ldc int, add bool) {
	for i := range m {
		for j := range n {
			var s Real
			for p := range k {
				s += a[i*ai+p*ap] * b[p*bp+j*bj]
			}
			if add {
				s += c[i*ldc+j]
			}
			c[i*ldc+j] = s
		}
	}
}
