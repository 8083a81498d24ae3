package tasks

import "math"

func init() { register(7, measure{"max_error", false, maxError}, quantities...) }

// maxError is the largest distance of a prediction from its label.
func maxError(truth, predicted []float64) float64 {
	var worst float64
	for i, y := range truth {
		worst = math.Max(worst, math.Abs(predicted[i]-y))
	}
	return worst
}
