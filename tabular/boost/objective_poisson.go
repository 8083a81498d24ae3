package boost

import "math"

func init() {
	kinds.Add("poisson", kind{fit: fitPoisson, link: func(s []float64) { s[0] = math.Exp(s[0]) }})
}

// maxPoissonStep bounds a step of the log rate: the Hessian is taken there, as in LightGBM.
const maxPoissonStep = 0.7

// fitPoisson is the negative log-likelihood of counts whose log rate is the score.
func fitPoisson(d *Dataset, _ ObjectiveOptions) (Objective, error) {
	if err := eachLabel(d.Label, "a finite count of at least 0", func(y float64) bool { return finite(y) && y >= 0 }); err != nil {
		return nil, err
	}
	base := math.Log(math.Max(weighted(d.Label, d.Weight), 1e-10))
	return &pointwise{d.Label, d.Weight, base, func(y, s float64) (g, h float64) {
		return math.Exp(s) - y, math.Exp(s + maxPoissonStep)
	}}, nil
}
