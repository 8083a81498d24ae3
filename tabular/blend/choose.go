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
	for simple := range best {
		s := t.score(t.answers(simple), t.all())
		if err := t.difference(best, simple); top-s <= err {
			c.Name, c.Behind, c.Error = t.Names[simple], top-s, err
			return c
		}
	}
	return c
}

// difference is the standard error of the difference of two candidates' scores, by
// drawing anchors of every block with replacement; NaN where it cannot be told.
func (v *Validation) difference(a, b int) float64 {
	var values []float64
	for round := range chooseRounds {
		drawn, _ := v.draw(round)
		if d := v.score(v.answers(a), drawn) - v.score(v.answers(b), drawn); !math.IsNaN(d) {
			values = append(values, d)
		}
	}
	if len(values) < 2 {
		return math.NaN()
	}
	return stat.StdDev(values, nil)
}
