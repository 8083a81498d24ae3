package rowlink

import (
	"context"

	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tabular/asof"
	"github.com/rowlink/rowlink/tabular/baseline"
	"github.com/rowlink/rowlink/tasks"
)

// Features are the wide as-of features of a task's examples, in their own right: what
// boosted trees learn from.
type Features struct {
	Names  []string // in words: "mean results.position, half-life 120 d (results by driverId)"
	Labels *tasks.LabelTable
	Entity *ingest.Table

	wide *asof.Wide
	pool *tensor.Pool
	snap *ingest.Snapshot
	enc  []*encode.Table
}

// Features labels a task and plans its features. regime replaces the task's; nil leaves
// it.
func (d *Database) Features(ctx context.Context, text string, regime *tasks.Regime) (*Features, error) {
	f, err := d.prepare(ctx, text, FitOptions{Regime: regime, EvalExamples: -1}, 0)
	if err != nil {
		return nil, err
	}
	pool := tensor.NewPool(d.opt.Threads)
	data, err := tabular(f.Graph, f.Task, f.Labels, pool)
	if err != nil {
		return nil, err
	}
	wide, err := baseline.Wide(data)
	if err != nil {
		return nil, err
	}
	return &Features{wide.Names, f.Labels, d.Snap.Tables[f.Task.Entity], wide, pool, d.Snap, data.Encoders}, nil
}

// Of returns the features of some examples, by position in the label table: examples x
// names, row-major, NaN where there is none. Each example reads no further than its own
// feature cut.
func (f *Features) Of(examples []int) []float64 {
	queries := make([]asof.Query, len(examples))
	for i, r := range examples {
		queries[i] = asof.Query{Row: f.Labels.Entity[r], Cut: f.Labels.Cut(r), Anchor: f.Labels.Anchor[r]}
	}
	return f.wide.Features(f.pool, queries, nil)
}
