package boost

func init() { kinds.Add("l1", kind{fit: fitL1}) }

// fitL1 is the absolute error: the median of the labels.
func fitL1(d *Dataset, _ ObjectiveOptions) (Objective, error) {
	return fitPinball(d, 0.5, 1)
}
