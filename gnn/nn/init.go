package nn

import (
	"math"

	"github.com/rowlink/rowlink/gnn/tensor"
)

// Init fills a new parameter; key names its stream of random numbers. Weights are
// in x out, so rows are the fan-in and columns the fan-out.
type Init func(m tensor.Mat, key uint64)

// Zeros fills with 0.
func Zeros(tensor.Mat, uint64) {}

// Ones fills with 1.
func Ones(m tensor.Mat, key uint64) { Constant(1)(m, key) }

// Constant fills with v.
func Constant(v float64) Init {
	return func(m tensor.Mat, _ uint64) {
		for i := range m.Data {
			m.Data[i] = tensor.Real(v)
		}
	}
}

// Normal draws from a normal distribution with mean 0 and that deviation.
func Normal(deviation float64) Init {
	return func(m tensor.Mat, key uint64) {
		for i := range m.Data {
			m.Data[i] = tensor.Real(deviation * tensor.Normal(key, uint64(i)))
		}
	}
}

// Uniform draws evenly from [-bound, bound).
func Uniform(bound float64) Init {
	return func(m tensor.Mat, key uint64) {
		for i := range m.Data {
			m.Data[i] = tensor.Real(bound * (2*tensor.Uniform(key, uint64(i)) - 1))
		}
	}
}

// GlorotUniform draws evenly within sqrt(6 / (in + out)) (Glorot and Bengio, 2010).
func GlorotUniform(m tensor.Mat, key uint64) {
	Uniform(math.Sqrt(6/float64(m.Rows+m.Cols)))(m, key)
}

// KaimingUniform draws evenly within 1/sqrt(in), as PyTorch's linear layer does (He et
// al., 2015, with slope sqrt(5)).
func KaimingUniform(m tensor.Mat, key uint64) {
	Uniform(1/math.Sqrt(float64(max(m.Rows, 1))))(m, key)
}
