package tasks

import "math"

func init() {
	register(10, measure{"ece_10", false, calibrationError(10)}, Binary)
	register(11, measure{"ece_5", false, calibrationError(5)}, Binary)
}

// calibrationError is the expected calibration error over equal bins of the probability,
// the lower edge inside and 1 in the last: the mean distance of the share of positives
// from the mean probability, weighted by rows.
func calibrationError(bins int) func(truth, score []float64) float64 {
	return func(truth, score []float64) float64 {
		y, p := make([]float64, bins), make([]float64, bins)
		for i, s := range score {
			b := max(0, min(int(s*float64(bins)), bins-1))
			y[b] += truth[i]
			p[b] += s
		}
		var sum float64
		for b := range bins {
			sum += math.Abs(y[b] - p[b])
		}
		return sum / float64(len(truth))
	}
}
