package calibrate

import "math"

// Quality says how far probabilities are from what comes true; less is better.
type Quality struct {
	Brier   float64 `json:"brier"`    // mean squared distance, over classes summed up
	LogLoss float64 `json:"log_loss"` // mean of minus the logarithm of the true class's probability
	// ECE is the expected calibration error over ten equal bins: of the probability of the
	// event, or of the likeliest class.
	ECE float64 `json:"ece"`
}

// bins is the number of bins of the calibration error.
const bins = 10

// QualityOf measures probabilities, examples x width, beside what came true.
func QualityOf(truth, predicted []float64) Quality {
	var q Quality
	var hit, said [bins]float64
	n := float64(len(truth))
	if n == 0 {
		return Quality{math.NaN(), math.NaN(), math.NaN()}
	}
	width := len(predicted) / len(truth)
	a := Answers{Truth: truth, Predicted: predicted}
	for _, loss := range losses(fit(Identity, Answers{}, width), a, width) {
		q.LogLoss += loss / n
	}
	for i, y := range truth {
		row := predicted[i*width : (i+1)*width]
		confidence, came := row[0], y
		if width > 1 {
			best := 0
			for k, p := range row {
				if p > row[best] {
					best = k
				}
				q.Brier += square(p-is(int(y) == k)) / n
			}
			confidence, came = row[best], is(int(y) == best)
		} else {
			q.Brier += square(row[0]-y) / n
		}
		b := max(0, min(int(confidence*bins), bins-1))
		hit[b] += came
		said[b] += confidence
	}
	for b := range bins {
		q.ECE += math.Abs(hit[b]-said[b]) / n
	}
	return q
}

func square(x float64) float64 { return x * x }

func is(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
