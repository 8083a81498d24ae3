package main

import (
	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink"
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
each with what was visible then. rowlink evaluate --at says how good the answers were since.`,
		Example: "  rowlink drift churn\n  rowlink drift churn --at 2024-12-01 --days 60",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			if days < 0 || cmd.Flags().Changed("days") && days == 0 {
				return usage("", "--days is %g, want more than 0", days)
			}
			if r, err := a.ranking(cmd.Context(), args[0], f); err != nil {
				return err
			} else if r != nil {
				defer r.db.Close()
				return usage("", "task %s ranks: drift compares scores of one number", args[0])
			}
			m, err := a.stored(cmd.Context(), args[0], f)
			if err != nil {
				return err
			}
			defer m.db.Close()
			anchor := m.DataUntil
			if at != "" {
				if anchor, err = parseInstant(at, m.Task.Options.Zone); err != nil {
					return err
				}
			}
			var d *rowlink.Drift
			if d, err = m.Drift(cmd.Context(), anchor, days); err != nil {
				return err
			}
			return a.print(d, d.Text)
		},
	}
	cmd.Flags().StringVar(&at, "at", "", "anchor: a date or time in the task's zone (default: the end of the data)")
	cmd.Flags().Float64Var(&days, "days", 0, "length of both windows (default: twice the horizon, and at least 30)")
	f.register(cmd)
	return cmd
}
