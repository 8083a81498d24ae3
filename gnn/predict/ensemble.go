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
// [Network.Explain].
func (e Ensemble) Explain(q model.Query, top int) []Reason {
	return Largest(e.Effects(q, Predicted(e, q)), top)
}

// Effects averages those of the members. Members that sampled other rows (the uniform
// strategy) are left out.
func (e Ensemble) Effects(q model.Query, output int) []Reason {
	sum := e[0].Effects(q, output)
	members := 1.0
	for _, n := range e[1:] {
		if more := n.Effects(q, output); sameRows(sum, more) {
			for i := range sum {
				sum[i].Effect += more[i].Effect
			}
			members++
		}
	}
	for i := range sum {
		sum[i].Effect /= members
	}
	return sum
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
