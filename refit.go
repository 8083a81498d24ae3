package rowlink

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/tabular/baseline"
	"github.com/rowlink/rowlink/tasks"
)

// parts lists the predictors behind the one that is served.
func (r *Report) parts() []string {
	if r.Served == Blend {
		return r.Blend.Blend.Names
	}
	return []string{r.Served}
}

// refit fits what is served anew on training and validation examples together, with
// everything that was chosen on validation as it is, and reports it beside the rows:
// those keep the scores of what validation chose by. A predictor that has nothing to fit
// stays.
func (f *Fitted) refit(ctx context.Context, opt FitOptions, pool *tensor.Pool) error {
	start := time.Now()
	s, err := f.again(ctx, opt, pool)
	if err != nil {
		return err
	}
	o, err := Ask(ctx, s, f.Labels, tasks.Test)
	if err != nil {
		return err
	}
	setting := "refit on training and validation examples"
	if slices.Contains(f.Report.parts(), Scan) && !f.refits(Scan) {
		setting += ", but " + Scan
	}
	row := Row{Name: f.Report.Served, Setting: setting, Val: Scores{}, Seconds: time.Since(start).Seconds()}
	if row.Test, err = o.scores(f.Task.Type, f.Report.scaling); err != nil {
		return err
	}
	row.Errors = Scores{tasks.Test.String(): o.standardError(f.Report.metric)}
	f.Report.Refit, f.refitted = &row, o
	return nil
}

// again fits anew what is served.
func (f *Fitted) again(ctx context.Context, opt FitOptions, pool *tensor.Pool) (predict.Scorer, error) {
	answers := map[string]predict.Scorer{}
	for _, name := range f.Report.parts() {
		var err error
		if name == GNN || name == Scan {
			answers[name], err = f.refitNetworks(ctx, name, opt, pool)
		} else {
			answers[name], err = f.refitBaseline(ctx, name)
		}
		if err != nil {
			return nil, fmt.Errorf("refit %s: %w", name, err)
		}
	}
	if f.Report.Served != Blend {
		return answers[f.Report.Served], nil
	}
	var members []predict.Scorer
	for _, name := range f.Report.Blend.Blend.Names {
		members = append(members, answers[name])
	}
	return newBlended(f.Report.Blend.Blend, members), nil
}

func (f *Fitted) refitBaseline(ctx context.Context, name string) (predict.Scorer, error) {
	b := f.Baselines[name]
	if r, ok := b.(baseline.Refitter); ok {
		again, err := r.Refit(ctx, f.fit())
		if err != nil {
			return nil, err
		}
		f.Baselines[name], b = again, again
	}
	return scorerOf(b), nil
}
