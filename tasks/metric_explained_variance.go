package tasks

func init() { register(8, measure{"explained_variance", true, explainedVariance}, quantities...) }

// explainedVariance is r2 of predictions freed of their mean error.
func explainedVariance(truth, predicted []float64) float64 {
	errors := make([]float64, len(truth))
	for i, y := range truth {
		errors[i] = y - predicted[i]
	}
	return explained(spread(errors), spread(truth))
}
