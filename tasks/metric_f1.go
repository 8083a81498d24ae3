package tasks

func init() { register(4, measure{"f1", true, f1}, Binary) }

// f1 is the harmonic mean of precision and recall of the positive class, decided at a
// probability of at least 0.5; 0 where undefined.
func f1(truth, score []float64) float64 {
	c := confuse(truth, score)
	return share(2*c.truePositive, 2*c.truePositive+c.falsePositive+c.falseNegative)
}

// confusion counts decisions at a probability of at least 0.5.
type confusion struct{ truePositive, falsePositive, falseNegative, trueNegative float64 }

func confuse(truth, score []float64) (c confusion) {
	for i, y := range truth {
		switch guess := score[i] >= 0.5; {
		case guess && y != 0:
			c.truePositive++
		case guess:
			c.falsePositive++
		case y != 0:
			c.falseNegative++
		default:
			c.trueNegative++
		}
	}
	return c
}

// share is 0 of nothing.
func share(part, of float64) float64 {
	if of == 0 {
		return 0
	}
	return part / of
}
