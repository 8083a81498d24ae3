package rowlink

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tabular/baseline"
	"github.com/rowlink/rowlink/tabular/blend"
	"github.com/rowlink/rowlink/tasks"
)

// Blend is the name of the weighted mean of a task's predictors among them.
const Blend = "blend"

// blendSeed fixes the draws of validation anchors behind weights and choices.
const blendSeed = 0xb1e4d

// predictors lists the names that a version's predictors may have, the simplest first.
func predictors() []string { return append(baseline.Names(), Scan, GNN, Blend) }

// blended is a [predict.Scorer] that averages those of its members.
type blended struct {
	*blend.Blend
	members []predict.Scorer // in the order of its names
}

// Score implements [predict.Scorer].
func (b *blended) Score(ctx context.Context, queries []model.Query) ([]float64, error) {
	answers := make([][]float64, len(b.members))
	for i, m := range b.members {
		var err error
		if answers[i], err = m.Score(ctx, queries); err != nil {
			return nil, err
		}
	}
	return b.Combine(answers), nil
}

// newBlended binds a blend to its members.
func newBlended(b *blend.Blend, members []predict.Scorer) predict.Scorer {
	out := &blended{b, members}
	for _, m := range members {
		if _, ok := m.(predict.Explainer); ok {
			return explained{out}
		}
	}
	return out
}

// meansOf are how predictions of a task type are averaged; values arithmetically.
var meansOf = map[string]blend.Mean{tasks.Binary: blend.LogOdds, tasks.Multiclass: blend.Geometric, tasks.Multilabel: blend.LogOdds}

func meanOf(taskType string) blend.Mean { return cmp.Or(meansOf[taskType], blend.Arithmetic) }

// validation gathers what the report's rows answered to the validation examples, and to
// those of earlier blocks.
func (f *Fitted) validation() *blend.Validation {
	v := &blend.Validation{Metric: f.Report.metric, Seed: blendSeed}
	for _, row := range f.Report.Rows {
		v.Names = append(v.Names, row.Name)
	}
	for _, of := range append([]*Fitted{f}, f.earlier...) {
		v.Blocks = append(v.Blocks, of.asBlock(v.Names))
	}
	return v
}

// blend weighs the predictors on validation, adds the blend to the report where there is
// one, and decides what is served: the named predictor or, with "auto", the blend, or
// where there is none the simplest that is no worse than the best by more than chance.
func (f *Fitted) blend(name string) error {
	r, v := f.Report, f.validation()
	w := v.Weigh(meanOf(f.Task.Type))
	if w.Blend != nil {
		r.Blend = &w
		if err := f.add(Blend, describe(w), f.combine(w.Blend), 0); err != nil {
			return err
		}
	}
	switch {
	case name == Blend && w.Blend == nil:
		return &ingest.UserError{Msg: "validation finds no blend: one predictor alone is best", Hint: "write --model auto to serve the best"}
	case name != "" && name != "auto":
		r.Served = name
		return nil
	case w.Blend != nil:
		r.Choice = blend.Choice{Name: Blend, Best: Blend}
	default:
		r.Choice = v.Choose()
	}
	r.Served = r.Choice.Name
	return nil
}

// combine blends what the members answered on both splits.
func (f *Fitted) combine(b *blend.Blend) outcomes {
	out := outcomes{}
	for _, split := range f.splits {
		answers := make([][]float64, len(b.Names))
		for i, name := range b.Names {
			answers[i] = f.outcomes[name][split].Predicted
		}
		first := f.outcomes[b.Names[0]][split]
		out[split] = &Outcome{Truth: first.Truth, Anchor: first.Anchor, frames: first.frames}
		if len(first.Truth) > 0 {
			out[split].Predicted = b.Combine(answers)
		}
	}
	return out
}

// blend returns the weights, nil where there is no blend.
func (r *Report) blend() *blend.Blend {
	if r.Blend == nil {
		return nil
	}
	return r.Blend.Blend
}

// describe says how a blend is made, the heaviest first.
func describe(w blend.Weighing) string {
	order := make([]int, len(w.Blend.Names))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(w.Blend.Weights[b], w.Blend.Weights[a]) })
	var parts []string
	for _, i := range order {
		parts = append(parts, fmt.Sprintf("%.2f %s", w.Blend.Weights[i], w.Blend.Names[i]))
	}
	return strings.Join(parts, " + ")
}
