package tasks

func init() { register(3, measure{"r2", true, rSquared}, quantities...) }

// rSquared is 1 - squared error / squared distance from the labels' mean. For constant
// labels it is 1 when every prediction is exact, else 0.
func rSquared(truth, predicted []float64) float64 {
	return explained(meanSquare(truth, predicted), spread(truth))
}

// spread is the mean squared distance from the mean, in two passes.
func spread(values []float64) float64 {
	m := mean(values)
	var sum float64
	for _, v := range values {
		sum += (v - m) * (v - m)
	}
	return sum / float64(len(values))
}

func explained(lost, total float64) float64 {
	switch {
	case total > 0:
		return 1 - lost/total
	case lost == 0:
		return 1
	}
	return 0
}
