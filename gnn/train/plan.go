package train

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/graph/sample"
)

// Plan tells how [Fit] would compute the first layer and what a step would cost, for
// the first batch of the first epoch, without training.
func Plan(d Data, opt Options) (*model.Plan, error) {
	opt = opt.withDefaults()
	if err := opt.validate(); err != nil {
		return nil, err
	}
	r, err := newRun(d, opt)
	if err != nil {
		return nil, err
	}
	s, ok := r.learner.(*sampled)
	if !ok {
		return nil, fmt.Errorf("layer %s has one plan: every row once", r.opt.Model.Layer)
	}
	s.bound.Config.Plan = opt.Model.Plan // what was asked for, not what came of it
	if opt.Model.Plan == "" {
		s.bound.Config.Plan = model.PlanAuto
	}
	return s.plan(), nil
}

// plan samples the first batch and compares the plans on it: a pure function of data,
// options and seed.
func (r *sampled) plan() *model.Plan {
	order := r.order(1)
	return r.bound.Choose(r.sampler.Sample(r.seeds(order[:min(len(order), r.opt.Batch)]), 1))
}

// seeds are the seeds of the examples at the given positions.
func (r *run) seeds(part []int) []sample.Seed {
	entity := r.Graph.Snap.Tables[r.task.Entity]
	out := make([]sample.Seed, len(part))
	for i, p := range part {
		out[i] = r.examples[p].Seed(entity)
	}
	return out
}
