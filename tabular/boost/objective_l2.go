package boost

func init() { kinds.Add("l2", kind{fit: fitL2}) }

// fitL2 is half the squared error: the mean of the labels.
func fitL2(d *Dataset, _ ObjectiveOptions) (Objective, error) {
	if err := eachLabel(d.Label, "a finite number", finite); err != nil {
		return nil, err
	}
	return &pointwise{d.Label, d.Weight, weighted(d.Label, d.Weight), func(y, s float64) (g, h float64) { return s - y, 1 }}, nil
}
