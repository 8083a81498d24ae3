package tasks

func init() { register(3, measure{"accuracy", true, accuracy}, Binary, Multiclass) }

// accuracy is the share of right decisions: a probability above 0.5, or the first of the
// most probable classes.
func accuracy(truth, predicted []float64) float64 {
	k, right := width(truth, predicted), 0
	for i, y := range truth {
		guess := 0.0
		if k > 1 {
			guess = float64(argMax(predicted[i*k : (i+1)*k]))
		} else if predicted[i] > 0.5 {
			guess = 1
		}
		if guess == y {
			right++
		}
	}
	return float64(right) / float64(len(truth))
}
