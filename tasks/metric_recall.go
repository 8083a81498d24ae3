package tasks

func init() { register(7, measure{"recall", true, recall}, Binary) }

// recall is the share of positives that are decided positive (probability at least 0.5);
// 0 without positives.
func recall(truth, score []float64) float64 {
	c := confuse(truth, score)
	return share(c.truePositive, c.truePositive+c.falseNegative)
}
