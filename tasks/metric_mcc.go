package tasks

import "math"

func init() { register(8, measure{"mcc", true, mcc}, Binary) }

// mcc is the correlation of labels with decisions at a probability of at least 0.5
// (Matthews, 1975); 0 where undefined.
func mcc(truth, score []float64) float64 {
	c := confuse(truth, score)
	norm := math.Sqrt(c.truePositive+c.falsePositive) * math.Sqrt(c.truePositive+c.falseNegative) *
		math.Sqrt(c.trueNegative+c.falsePositive) * math.Sqrt(c.trueNegative+c.falseNegative)
	return share(c.truePositive*c.trueNegative-c.falsePositive*c.falseNegative, norm)
}
