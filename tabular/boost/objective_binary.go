package boost

import "math"

func init() {
	kinds.Add("binary", kind{fit: fitBinary, link: func(s []float64) { s[0] = sigmoid(s[0]) }})
}

// fitBinary is the log loss of labels 0 and 1; the score is the log of the odds. Positives
// weigh ScalePosWeight.
func fitBinary(d *Dataset, o ObjectiveOptions) (Objective, error) {
	if err := eachLabel(d.Label, "0 or 1", func(y float64) bool { return y == 0 || y == 1 }); err != nil {
		return nil, err
	}
	w := o.ScalePosWeight
	share := weighted(d.Label, d.Weight)
	share = math.Max(1e-6, math.Min(1-1e-6, share*w/(share*w+1-share)))
	return &pointwise{d.Label, d.Weight, math.Log(share / (1 - share)), func(y, s float64) (g, h float64) {
		p := sigmoid(s)
		g, h = p-y, p*(1-p)
		if y == 1 {
			return w * g, w * h
		}
		return g, h
	}}, nil
}
