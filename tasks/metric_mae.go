package tasks

import "math"

func init() { register(1, measure{"mae", false, meanAbsolute}, quantities...) }

// meanAbsolute is the mean distance of predictions from labels.
func meanAbsolute(truth, predicted []float64) float64 {
	var sum float64
	for i, y := range truth {
		sum += math.Abs(predicted[i] - y)
	}
	return sum / float64(len(truth))
}
