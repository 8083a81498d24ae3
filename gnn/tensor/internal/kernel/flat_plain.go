package kernel

import "math"

// plainFlat are the twins in portable Go.
var plainFlat = Flat{
	Scale:    plainScale,
	Product:  plainProduct,
	ReLU:     plainRectify,
	ReLUBack: plainReLUBack,
	Exp:      plainExp,
	Log1p:    plainLog1p,
	Sigmoid:  plainSigmoid,
	SiLU:     plainSiLU,
	Dropout:  plainDropout,
}

func plainScale(dst []Real, a Real, x []Real) {
	x = x[:len(dst)]
	for j := range dst {
		dst[j] = a * x[j]
	}
}

func plainProduct(dst, x, y []Real, mode Mode) {
	x, y = x[:len(dst)], y[:len(dst)]
	for j := range dst {
		v := x[j] * y[j]
		if mode&AddTo != 0 {
			v += dst[j]
		}
		dst[j] = v
	}
}

func plainRectify(dst, x []Real) {
	x = x[:len(dst)]
	for j := range dst {
		dst[j] = max(x[j], 0)
	}
}

func plainReLUBack(dst, g, y []Real, mode Mode) {
	g, y = g[:len(dst)], y[:len(dst)]
	for j := range dst {
		v := g[j]
		if !(y[j] > 0) {
			v = 0
		}
		if mode&AddTo != 0 {
			v += dst[j]
		}
		dst[j] = v
	}
}

func plainExp(dst, x []Real) {
	x = x[:len(dst)]
	for j := range dst {
		dst[j] = Real(math.Exp(float64(x[j])))
	}
}

func plainLog1p(dst, x []Real) {
	x = x[:len(dst)]
	for j := range dst {
		dst[j] = Real(math.Log1p(float64(x[j])))
	}
}

func plainSigmoid(dst, x []Real) {
	x = x[:len(dst)]
	for j := range dst {
		dst[j] = Real(1 / (1 + math.Exp(-float64(x[j]))))
	}
}

func plainSiLU(dst, x []Real) {
	x = x[:len(dst)]
	for j := range dst {
		dst[j] = Real(float64(x[j]) / (1 + math.Exp(-float64(x[j]))))
	}
}

// splitmix is number c of the stream of that key.
func splitmix(key, c uint64) uint64 {
	x := key + (c+1)*splitStep
	x = (x ^ x>>30) * splitMul1
	x = (x ^ x>>27) * splitMul2
	return x ^ x>>31
}

func plainDropout(dst, x []Real, d Dropout, mode Mode) {
	var bits uint64
	x = x[:len(dst)]
	for j := range dst {
		if j%2 == 0 {
			bits = splitmix(d.Key, uint64(d.First+j)/2)
		}
		var v Real
		if uint32(bits) >= d.Limit {
			v = x[j] * d.Scale
		}
		if mode&AddTo != 0 {
			v += dst[j]
		}
		dst[j] = v
		bits >>= 32
	}
}
