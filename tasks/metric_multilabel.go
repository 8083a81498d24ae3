package tasks

func init() {
	register(1, measure{"multilabel_macro_f1", true, labelF1}, Multilabel)
	register(2, measure{"multilabel_map", true, labelMAP}, Multilabel)
}

// labelF1 is the mean F1 over the classes that occur in labels or answers, a class being
// answered above a probability of one half.
func labelF1(truth, predicted []float64) float64 {
	k := width(truth, predicted)
	var sum, n float64
	for c := range k {
		var counts classCounts
		for i, y := range truth {
			is, said := Holds(y, c), predicted[i*k+c] > 0.5
			if is {
				counts.truths++
			}
			if said {
				counts.guesses++
			}
			if is && said {
				counts.hits++
			}
		}
		if counts.truths+counts.guesses > 0 {
			sum += 2 * counts.hits / (counts.truths + counts.guesses)
			n++
		}
	}
	return share(sum, n)
}

// labelMAP is the mean of the average precisions of the classes that occur in labels.
func labelMAP(truth, predicted []float64) float64 {
	k := width(truth, predicted)
	var sum, n float64
	is, score := make([]float64, len(truth)), make([]float64, len(truth))
	for c := range k {
		found := false
		for i, y := range truth {
			is[i], score[i] = 0, predicted[i*k+c]
			if Holds(y, c) {
				is[i], found = 1, true
			}
		}
		if found {
			sum += averagePrecision(is, score)
			n++
		}
	}
	return share(sum, n)
}
