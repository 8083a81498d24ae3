package predict

import (
	"context"

	"github.com/rowlink/rowlink/gnn/model"
)

// Member is the scorer of one network: a [Network] or [States].
type Member interface {
	Scorer
	planner
	Explainer
	CacheRows(ctx context.Context, o CacheOptions) error
	effects(q model.Query, out int) []Reason // on one output, in a fixed order
}

// Ensemble is a [Scorer] that averages the predictions of networks which differ in their
// seed only.
type Ensemble []Member

var _ Scorer = Ensemble(nil)

// Score implements [Scorer].
func (e Ensemble) Score(ctx context.Context, queries []model.Query) ([]float64, error) {
	var mean []float64
	for _, n := range e {
		scores, err := n.Score(ctx, queries)
		if err != nil {
			return nil, err
		}
		if mean == nil {
			mean = make([]float64, len(scores))
		}
		for i, s := range scores {
			mean[i] += s / float64(len(e))
		}
	}
	return mean, nil
}

// Plan is that of the first member; see [Network.Plan].
func (e Ensemble) Plan(queries []model.Query) string { return e[0].Plan(queries) }

// Explain averages the members' effects on what the ensemble predicts; see
// [Network.Explain]. Members that sampled other rows (the uniform strategy) are left out.
func (e Ensemble) Explain(q model.Query, top int) []Reason {
	out := predicted(e, q)
	sum := e[0].effects(q, out)
	members := 1.0
	for _, n := range e[1:] {
		if more := n.effects(q, out); sameRows(sum, more) {
			for i := range sum {
				sum[i].Effect += more[i].Effect
			}
			members++
		}
	}
	for i := range sum {
		sum[i].Effect /= members
	}
	return largest(sum, top)
}

func sameRows(a, b []Reason) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		x, y := a[i], b[i]
		x.Effect, y.Effect = 0, 0
		if x != y {
			return false
		}
	}
	return true
}
