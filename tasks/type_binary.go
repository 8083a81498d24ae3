package tasks

import "math"

func init() { types.Add(Binary, binaryType{}) }

// binaryType has one logit; its loss is the cross-entropy log(1 + e^x) - y x.
type binaryType struct{}

func (binaryType) Outputs(*Scaling) int { return 1 }

func (binaryType) Loss(_ *Scaling, out, target, grad []float64) float64 {
	var sum float64
	n := float64(len(target))
	for i, x := range out {
		sum += math.Max(x, 0) - x*target[i] + math.Log1p(math.Exp(-math.Abs(x)))
		grad[i] = (sigmoid(x) - target[i]) / n
	}
	return sum / n
}

func (binaryType) Decode(_ *Scaling, out []float64) []float64 {
	p := make([]float64, len(out))
	for i, x := range out {
		p[i] = sigmoid(x)
	}
	return p
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
