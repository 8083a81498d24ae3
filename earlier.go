package rowlink

import (
	"context"
	"errors"
	"fmt"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/tabular/baseline"
	"github.com/rowlink/rowlink/tabular/blend"
	"github.com/rowlink/rowlink/tasks"
)

// frozenBlocks is how many validation blocks choose in the frozen regime unless told: one
// stale cut with few entities orders candidates badly.
const frozenBlocks = 3

// BlockReport says how the predictors did in an earlier validation block.
type BlockReport struct {
	ValAnchor int64  `json:"val_anchor"` // microseconds UTC: nothing later was learned from
	Examples  int    `json:"examples"`   // of validation
	Scores    Scores `json:"scores"`     // of the metric that chooses, by predictor
}

// valBlocks is the number of validation blocks, the last included.
func (o *FitOptions) valBlocks(regime tasks.Regime) int {
	switch {
	case o.ValBlocks > 0:
		return o.ValBlocks
	case regime == tasks.Frozen:
		return frozenBlocks
	}
	return 1
}

// earlierBlocks fits the predictors again as of earlier times, each one validation
// stretch before the next: block k learns from what is known at its validation anchor
// and is validated on the stretch after it, as the last block is. Blocks that have no
// examples to learn from or to validate on, or on which the metric is undefined, are
// left out.
func (d *Database) earlierBlocks(ctx context.Context, text string, opt FitOptions, f *Fitted) error {
	stretch := f.Task.Options.TestAnchor - f.Task.Options.ValAnchor
	for k := range opt.valBlocks(f.Task.Options.ValRegime) - 1 {
		b, err := d.block(ctx, text, opt, int64(k+1)*stretch)
		if err != nil {
			return fmt.Errorf("validation block %d before the last: %w", k+1, err)
		}
		if b == nil {
			return nil // what lies before has fewer examples still
		}
		report := BlockReport{b.Task.Options.ValAnchor, b.Labels.Report.Examples[tasks.Val], Scores{}}
		for _, row := range b.Report.Rows {
			report.Scores[row.Name] = row.Val[b.Report.Metric]
		}
		f.earlier, f.Report.Blocks = append(f.earlier, b), append(f.Report.Blocks, report)
	}
	return nil
}

// fewAnchors is the code of the error that a grid has too few training anchors.
const fewAnchors = "TK133"

// block fits the predictors as of a validation anchor that lies earlier by so many
// microseconds, and lets them answer its validation examples; nil where it cannot.
func (d *Database) block(ctx context.Context, text string, opt FitOptions, earlier int64) (*Fitted, error) {
	f, err := d.prepare(ctx, text, opt, earlier)
	var few *tasks.Error
	if errors.As(err, &few) && few.Code == fewAnchors {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if n := f.Labels.Report.Examples; n[tasks.Train] == 0 || n[tasks.Val] == 0 {
		return nil, nil
	}
	f.splits = []tasks.Split{tasks.Val}
	pool := tensor.NewPool(d.opt.Threads)
	if f.data, err = tabular(f.Graph, f.Task, f.Labels, pool); err != nil {
		return nil, err
	}
	f.Report = newReport(d, f)
	var undefined *tasks.Error
	if err := f.baselines(ctx, baseline.Names()); errors.As(err, &undefined) && undefined.Code == undefinedMetric {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if err := f.train(ctx, opt); err != nil {
		return nil, err
	}
	return f, f.scoreNetworks(ctx, pool)
}

// asBlock is what the named predictors answered to the validation examples.
func (f *Fitted) asBlock(names []string) blend.Block {
	var b blend.Block
	for _, name := range names {
		o := f.outcomes[name][tasks.Val]
		b.Truth, b.Anchor = o.Truth, o.groups()
		b.Answers = append(b.Answers, o.Predicted)
	}
	return b
}
