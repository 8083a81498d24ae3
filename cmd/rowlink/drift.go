package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/gnn/predict"
)

func init() { subcommands.Add("drift", driftCommand) }

func driftCommand(a *app) *cobra.Command {
	var f storedFlags
	var at string
	var days float64
	cmd := &cobra.Command{
		Use:   "drift TASK",
		Short: "Compare what a version reads and answers now with what it did when its training ended",
		Long: `drift compares the rows of a window before an anchor with those of a window before the task's
validation anchor: how many came, how each column that a model reads is distributed, and the scores of
who is eligible at both. PSI is the population stability index (below 0.1 stable, above 0.25 moved
far), KS the largest distance of the distribution functions. Both are read from the present snapshot,
each with what was visible then. Where label windows have closed since the test anchor, it says how
good the answers were.`,
		Example: "  rowlink drift churn\n  rowlink drift churn --at 2024-12-01 --days 60",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			if days < 0 || cmd.Flags().Changed("days") && days == 0 {
				return usage("", "--days is %g, want more than 0", days)
			}
			d, done, err := a.drifter(cmd.Context(), args[0], f)
			if err != nil {
				return err
			}
			defer done()
			anchor := d.predictor.DataUntil
			if at != "" {
				if anchor, err = parseInstant(at, d.predictor.Task.Options.Zone); err != nil {
					return err
				}
			}
			out, err := d.drift(cmd.Context(), anchor, days)
			if err != nil {
				return err
			}
			return a.print(out, out.Text)
		},
	}
	cmd.Flags().StringVar(&at, "at", "", "anchor: a date or time in the task's zone (default: the end of the data)")
	cmd.Flags().Float64Var(&days, "days", 0, "length of both windows (default: twice the horizon, and at least 30)")
	f.register(cmd)
	return cmd
}

// drifter is a version that can be compared with its training.
type drifter struct {
	predictor *predict.Predictor
	drift     func(ctx context.Context, at int64, days float64) (*rowlink.Drift, error)
}

// drifter opens a version of whatever kind; done closes its database.
func (a *app) drifter(ctx context.Context, arg string, f storedFlags) (d drifter, done func() error, err error) {
	r, err := a.ranking(ctx, arg, f)
	if err != nil {
		return d, nil, err
	}
	if r != nil {
		return drifter{r.Predictor, r.Drift}, r.db.Close, nil
	}
	m, err := a.stored(ctx, arg, f)
	if err != nil {
		return d, nil, err
	}
	return drifter{m.Predictor, m.Drift}, m.db.Close, nil
}
