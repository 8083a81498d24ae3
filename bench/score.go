package bench

import (
	"context"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/tensor"
)

// scorePass scores every example of driver-position with the reference network. Its
// parameters are fresh: they change no amount of work.
func scorePass(ctx context.Context, e Env) (Pass, error) {
	w, err := loadWorld()
	if err != nil {
		return nil, err
	}
	task := w.labels.Task
	c := reference()
	c.Outputs = 1
	c = c.Complete(task.Horizon.ApproxDays())
	enc, err := model.Encoders(w.graph, task, len(c.FanOut))
	if err != nil {
		return nil, err
	}
	m, err := model.New(c, w.graph, task.Entity, enc, 1)
	if err != nil {
		return nil, err
	}
	pool := tensor.NewPool(e.Threads)
	bound, err := m.Bind(w.graph, pool)
	if err != nil {
		return nil, err
	}
	scorer, err := bound.NewScorer(task.Options.Rule, pool)
	if err != nil {
		return nil, err
	}
	queries := w.queries()
	if e.Quick {
		queries = queries[:min(len(queries), 1024)]
	}
	return func() (float64, error) {
		_, err := scorer.Score(ctx, queries)
		return float64(len(queries)), err
	}, nil
}
