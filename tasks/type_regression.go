package tasks

import "math"

func init() { types.Add(Regression, regressionType{}) }

// regressionType has one output in units of the training labels' mean distance from their
// median. Its loss is the absolute error, rounded off within smoothL1 of 0 so that the
// gradient does not jump. Predictions are clipped to the 2-98 % range of the training
// labels.
type regressionType struct{}

// smoothL1 is the half-width of the quadratic part, in scaled units.
const smoothL1 = 0.1

func (regressionType) Outputs(*Scaling) int { return 1 }

func (regressionType) Loss(s *Scaling, out, target, grad []float64) float64 {
	var sum float64
	n := float64(len(target))
	for i, x := range out {
		d := x - (target[i]-s.Center)/s.Scale
		if a := math.Abs(d); a < smoothL1 {
			sum += d*d/(2*smoothL1) + smoothL1/2
			grad[i] = d / smoothL1 / n
		} else {
			sum += a
			grad[i] = math.Copysign(1, d) / n
		}
	}
	return sum / n
}

func (regressionType) Decode(s *Scaling, out []float64) []float64 {
	y := make([]float64, len(out))
	for i, x := range out {
		y[i] = math.Max(s.Low, math.Min(s.High, s.Center+s.Scale*x))
	}
	return y
}
