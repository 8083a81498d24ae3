package blend

import (
	"math"

	"gonum.org/v1/gonum/stat"
)

// Choice is the predictor to serve.
type Choice struct {
	Name string `json:"name"`
	Best string `json:"best"` // the best on validation, which may be another
	// Behind is by how much the chosen one is behind the best, and Error the standard
	// error of that difference; both 0 where it is the best.
	Behind float64 `json:"behind"`
	Error  float64 `json:"error"`
}

// chooseRounds is the number of draws behind a standard error.
const chooseRounds = 200

// Choose returns the simplest candidate that is no more than one standard error behind
// the best on validation (Breiman et al., 1984): the error of the difference of the two
// on the same draws of anchors, not that of each. The name is empty where the metric is
// undefined for all. Equal arguments give equal bits.
func (v *Validation) Choose() Choice {
	t := v.thinned()
	best, top := t.best()
	if best < 0 {
		return Choice{}
	}
	c := Choice{Name: t.Names[best], Best: t.Names[best]}
	errs := t.differences(best)
	for simple := range best {
		s := t.score(t.answers(simple), t.all())
		if top-s <= errs[simple] {
			c.Name, c.Behind, c.Error = t.Names[simple], top-s, errs[simple]
			return c
		}
	}
	return c
}

// differences are the standard errors of the difference of every candidate's score to that of
// one, by drawing anchors of every block with replacement; NaN where it cannot be told.
func (v *Validation) differences(best int) []float64 {
	values := make([][]float64, len(v.Names))
	for round := range chooseRounds {
		drawn, _ := v.draw(round)
		top := v.score(v.answers(best), drawn)
		for c := range v.Names {
			if d := top - v.score(v.answers(c), drawn); !math.IsNaN(d) {
				values[c] = append(values[c], d)
			}
		}
	}
	out := make([]float64, len(v.Names))
	for c, d := range values {
		if out[c] = math.NaN(); len(d) > 1 {
			out[c] = stat.StdDev(d, nil)
		}
	}
	return out
}
