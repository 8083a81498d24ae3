package tasks

import (
	"math"
	"slices"
)

func init() { register(6, measure{"median_ae", false, medianAbsolute}, quantities...) }

// medianAbsolute is the median distance of predictions from labels.
func medianAbsolute(truth, predicted []float64) float64 {
	d := make([]float64, len(truth))
	for i, y := range truth {
		d[i] = math.Abs(predicted[i] - y)
	}
	slices.Sort(d)
	return quantile(d, 0.5)
}
