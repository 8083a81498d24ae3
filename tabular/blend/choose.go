package blend

import (
	"math"

	"github.com/rowlink/rowlink/tasks"
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
// the best on validation (Breiman et al., 1984): the difference of two predictors on the
// same draws of anchors, not the error of each. The name is empty where the metric is
// undefined for all. Equal arguments give equal bits.
func (v *Validation) Choose() Choice {
	rows := v.thinned()
	best, top := rows.best(rows.all())
	if best < 0 {
		return Choice{}
	}
	c := Choice{Name: rows.Candidates[best].Name, Best: rows.Candidates[best].Name}
	for i := range best {
		simple := &rows.Candidates[i]
		s := rows.score(simple.Answer, rows.all())
		if math.IsNaN(s) {
			continue
		}
		err := tasks.PairedBootstrap(rows.Metric, rows.Truth, rows.Candidates[best].Answer, simple.Answer, rows.Anchor, chooseRounds, rows.Seed)
		if top-s <= err {
			c.Name, c.Behind, c.Error = simple.Name, top-s, err
			return c
		}
	}
	return c
}
