package tasks

func init() { register(5, measure{"mse", false, meanSquare}, quantities...) }

// meanSquare is the mean squared distance of predictions from labels.
func meanSquare(truth, predicted []float64) float64 {
	var sum float64
	for i, y := range truth {
		sum += (predicted[i] - y) * (predicted[i] - y)
	}
	return sum / float64(len(truth))
}
