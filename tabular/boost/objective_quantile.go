package boost

func init() { kinds.Add("quantile", kind{fit: fitQuantile}) }

// fitQuantile is the pinball loss (Koenker and Bassett, 1978): the quantile q of the
// labels. Its slope is -q below the label and 1-q above.
func fitQuantile(d *Dataset, o ObjectiveOptions) (Objective, error) {
	return fitPinball(d, o.Quantile, 0.5)
}

// pinball renews its leaves: the slope says in which direction they go and the quantile of
// their residuals how far.
type pinball struct {
	pointwise
	q float64
}

var _ renewer = (*pinball)(nil)

func (o *pinball) renewal() float64 { return o.q }

// fitPinball multiplies the slopes by 2 scale: 1 makes those of the absolute error 1.
func fitPinball(d *Dataset, q, scale float64) (Objective, error) {
	if err := eachLabel(d.Label, "a finite number", finite); err != nil {
		return nil, err
	}
	up, down := q*2*scale, (1-q)*2*scale
	return &pinball{pointwise{d.Label, d.Weight, quantileOf(d.Label, d.Weight, q), func(y, s float64) (g, h float64) {
		switch {
		case s < y:
			return -up, 1
		case s > y:
			return down, 1
		}
		return 0, 1
	}}, q}, nil
}
