package tasks

func init() { register(8, measure{"mrr", true, reciprocalRank}, Multiclass) }

// reciprocalRank is the mean of 1 / rank of the true class; ties share the best rank.
func reciprocalRank(truth, predicted []float64) float64 {
	k, sum := width(truth, predicted), 0.0
	for i, y := range truth {
		row := predicted[i*k : (i+1)*k]
		rank := 1
		for _, v := range row {
			if v > row[int(y)] {
				rank++
			}
		}
		sum += 1 / float64(rank)
	}
	return sum / float64(len(truth))
}
