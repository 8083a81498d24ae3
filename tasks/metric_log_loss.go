package tasks

import "math"

func init() { register(5, measure{"log_loss", false, logLoss}, Binary, Multiclass) }

// logLossEps keeps probabilities from 0 and 1: the spacing of float64 at 1.
const logLossEps = 2.220446049250313e-16

// logLoss is the mean of minus the logarithm of the probability of the true class.
func logLoss(truth, predicted []float64) float64 {
	k, sum := width(truth, predicted), 0.0
	for i, y := range truth {
		p := predicted[i*k]
		if k > 1 {
			p = predicted[i*k+int(y)]
		} else if y == 0 {
			p = 1 - p
		}
		sum -= math.Log(math.Min(math.Max(p, logLossEps), 1-logLossEps))
	}
	return sum / float64(len(truth))
}
