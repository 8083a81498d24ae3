package kernel

import "math"

// plain is the path in portable Go.
var plain = Path{
	Name:       "go",
	PackedLen:  plainPackedLen,
	Pack:       plainPack,
	Mul:        plainMul,
	Add:        plainAdd,
	Axpy:       plainAxpy,
	Dot:        plainDot,
	GatherSum:  plainGatherSum,
	GatherAxpy: plainGatherAxpy,
	Attention:  plainAttention,
	Gaussian:   plainGaussian,
	Adam:       plainAdam,
	Rows:       plainRows,
	Flat:       plainFlat,
	Halves:     plainHalves,
}

func plainAdd(dst, x []Real) {
	x = x[:len(dst)]
	for j := range dst {
		dst[j] += x[j]
	}
}

func plainAxpy(dst []Real, a Real, x []Real) {
	x = x[:len(dst)]
	for j := range dst {
		dst[j] += a * x[j]
	}
}

// plainDot keeps four running sums: one sum would wait for each addition.
func plainDot(x, y []Real) Real {
	var s0, s1, s2, s3 Real
	y = y[:len(x)]
	for len(x) >= 4 && len(y) >= 4 {
		s0 += x[0] * y[0]
		s1 += x[1] * y[1]
		s2 += x[2] * y[2]
		s3 += x[3] * y[3]
		x, y = x[4:], y[4:]
	}
	for j := range x {
		s0 += x[j] * y[j]
	}
	return (s0 + s1) + (s2 + s3)
}

// plainGatherSum takes four rows at a time, so dst is loaded and stored once per four.
func plainGatherSum(dst, x []Real, stride int, rows []int32) {
	n := len(dst)
	for len(rows) >= 4 {
		x0 := x[int(rows[0])*stride:][:n]
		x1 := x[int(rows[1])*stride:][:n]
		x2 := x[int(rows[2])*stride:][:n]
		x3 := x[int(rows[3])*stride:][:n]
		for j := range dst {
			dst[j] += (x0[j] + x1[j]) + (x2[j] + x3[j])
		}
		rows = rows[4:]
	}
	for _, r := range rows {
		plainAdd(dst, x[int(r)*stride:][:n])
	}
}

func plainGatherAxpy(dst, x []Real, stride int, rows []int32, w []Real, wStride int) {
	n := len(dst)
	e := 0
	for ; e+4 <= len(rows); e += 4 {
		w0, w1, w2, w3 := w[e*wStride], w[(e+1)*wStride], w[(e+2)*wStride], w[(e+3)*wStride]
		x0 := x[int(rows[e])*stride:][:n]
		x1 := x[int(rows[e+1])*stride:][:n]
		x2 := x[int(rows[e+2])*stride:][:n]
		x3 := x[int(rows[e+3])*stride:][:n]
		for j := range dst {
			dst[j] += (w0*x0[j] + w1*x1[j]) + (w2*x2[j] + w3*x3[j])
		}
	}
	for ; e < len(rows); e++ {
		plainAxpy(dst, w[e*wStride], x[int(rows[e])*stride:][:n])
	}
}

func plainAdam(p, g, m, v []Real, s AdamStep) {
	g, m, v = g[:len(p)], m[:len(p)], v[:len(p)]
	c1, c2 := 1-s.Beta1, 1-s.Beta2
	for j := range p {
		x := p[j]
		d := g[j] + s.L2*x
		mj := s.Beta1*m[j] + c1*d
		vj := s.Beta2*v[j] + c2*d*d
		m[j], v[j] = mj, vj
		p[j] = s.Shrink*x - s.Rate*mj/(s.Root*Real(math.Sqrt(float64(vj)))+s.Eps)
	}
}
