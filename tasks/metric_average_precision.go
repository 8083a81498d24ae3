package tasks

func init() { register(2, measure{"average_precision", true, averagePrecision}, Binary) }

// averagePrecision is the sum of precision times the gain in recall over all thresholds;
// rows of one score are taken together. It is 0 without positives.
func averagePrecision(truth, score []float64) float64 {
	order := byScore(score)
	var total float64
	for _, y := range truth {
		total += y
	}
	if total == 0 {
		return 0
	}
	var sum, hits, seen float64
	for hi := len(order); hi > 0; {
		lo := hi
		before := hits
		for lo > 0 && score[order[lo-1]] == score[order[hi-1]] {
			lo--
			hits += truth[order[lo]]
			seen++
		}
		sum += (hits - before) / total * hits / seen
		hi = lo
	}
	return sum
}
