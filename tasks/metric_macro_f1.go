package tasks

func init() {
	register(4, measure{"macro_f1", true, classF1(func(*classCounts) float64 { return 1 })}, Multiclass)
	register(6, measure{"weighted_f1", true, classF1(func(c *classCounts) float64 { return c.truths })}, Multiclass)
}

// classCounts counts one class among labels and decisions.
type classCounts struct{ truths, guesses, hits float64 }

// classF1 is the mean F1 over the classes that occur in labels or decisions, by weight.
func classF1(weight func(c *classCounts) float64) func(truth, predicted []float64) float64 {
	return func(truth, predicted []float64) float64 {
		k := width(truth, predicted)
		counts := make([]classCounts, k)
		for i, y := range truth {
			guess := argMax(predicted[i*k : (i+1)*k])
			counts[int(y)].truths++
			counts[guess].guesses++
			if guess == int(y) {
				counts[guess].hits++
			}
		}
		var sum, total float64
		for i := range counts {
			c := &counts[i]
			if c.truths+c.guesses == 0 {
				continue
			}
			sum += weight(c) * 2 * c.hits / (c.truths + c.guesses)
			total += weight(c)
		}
		return share(sum, total)
	}
}
