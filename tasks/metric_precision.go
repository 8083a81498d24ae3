package tasks

func init() { register(6, measure{"precision", true, precision}, Binary) }

// precision is the share of positives among those decided positive (probability at least
// 0.5); 0 when nothing is.
func precision(truth, score []float64) float64 {
	c := confuse(truth, score)
	return share(c.truePositive, c.truePositive+c.falsePositive)
}
