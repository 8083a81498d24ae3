package baseline

import (
	"fmt"
	"slices"

	"github.com/rowlink/rowlink/tabular/asof"
)

// reader reads the as-of features of queries: those of the plan that the task's horizon
// and the encoders give.
type reader struct {
	data *Data
	plan *asof.Plan
}

// attach plans the features over d. names are those that the stored predictor was trained
// on; nil = it is new.
func (r *reader) attach(d *Data, names []string) error {
	plan, err := asof.New(d.Graph, d.Encoders, asof.Options{Entity: d.Task.Entity,
		HalfLives: halfLives(d.Task), Rule: d.Task.Options.Rule}, d.Pool)
	if err != nil {
		return err
	}
	if names != nil && !slices.Equal(names, plan.Names) {
		return fmt.Errorf("the snapshot gives %d as-of features, the model was trained on %d, or on others; train again", len(plan.Names), len(names))
	}
	r.data, r.plan = d, plan
	return nil
}

// matrix is the features of each query.
func (r *reader) matrix(queries []Query) design {
	q := make([]asof.Query, len(queries))
	for i := range q {
		q[i] = asof.Query(queries[i])
	}
	return design{len(q), len(r.plan.Names), r.plan.Features(r.data.Pool, q)}
}

// latest keeps the last examples, at most n: they are in the order of their anchors.
func (e Examples) latest(n int) Examples {
	if drop := len(e.Queries) - n; drop > 0 {
		return Examples{e.Queries[drop:], e.Label[drop*e.width():]}
	}
	return e
}
