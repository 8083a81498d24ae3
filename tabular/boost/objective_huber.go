package boost

import "math"

func init() { kinds.Add("huber", kind{fit: fitHuber}) }

// fitHuber is half the squared error up to Delta and straight beyond (Huber, 1964).
func fitHuber(d *Dataset, o ObjectiveOptions) (Objective, error) {
	if err := eachLabel(d.Label, "a finite number", finite); err != nil {
		return nil, err
	}
	return &pointwise{d.Label, d.Weight, quantileOf(d.Label, d.Weight, 0.5), func(y, s float64) (g, h float64) {
		return math.Max(-o.Delta, math.Min(o.Delta, s-y)), 1
	}}, nil
}
