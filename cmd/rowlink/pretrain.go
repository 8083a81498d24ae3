package main

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink"
)

func init() { subcommands.Add("pretrain", pretrainCommand) }

func pretrainCommand(a *app) *cobra.Command {
	var opt rowlink.PretrainOptions
	var tasks []string
	var until string
	cmd := &cobra.Command{
		Use:   "pretrain NAME",
		Short: "Train a network on the database without labels, for tasks to begin with",
		Long: `pretrain lets a network foretell, for rows of one table at instants of the past, what happened to them
next: whether and how many child rows came within one, four and sixteen horizons, in how many days the
next one came, its cells, and which rows it points to. Nothing after --until is read, neither as input
nor as what is foretold; tasks whose validation anchor is then or later can begin with the network:
rowlink train TASK --pretrained NAME.`,
		Example: "  rowlink pretrain base --for churn.sql --for spend.sql\n  rowlink pretrain base --entity customers --until 2024-01-01 --horizon 30",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			opt.Name = args[0]
			for _, arg := range tasks {
				text, err := a.taskText(arg)
				if err != nil {
					return err
				}
				opt.For = append(opt.For, text)
			}
			if until != "" {
				at, err := parseInstant(until, time.UTC)
				if err != nil {
					return errors.Unwrap(err)
				}
				opt.Until = at
			}
			if opt.Horizon < 0 || cmd.Flags().Changed("horizon") && opt.Horizon == 0 {
				return usage("", "--horizon is %g, want more than 0", opt.Horizon)
			}
			fit := rowlink.FitOptions{Train: opt.Train, Ensemble: 1}
			if err := checkTrain(&fit, func(flag string) bool { f := cmd.Flags().Lookup(flag); return f != nil && f.Changed }); err != nil {
				return err
			}
			d, err := a.open(cmd.Context(), false)
			if err != nil {
				return err
			}
			defer d.Close()
			a.follow(&opt.Train)
			r, err := d.Pretrain(cmd.Context(), opt)
			if err != nil {
				return err
			}
			return a.print(r, r.Text)
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&tasks, "for", nil, "a task that shall begin with the network: decides table, end and horizon (repeatable)")
	f.StringVar(&opt.Entity, "entity", "", "table whose rows' future is foretold (default: that of --for)")
	f.StringVar(&until, "until", "", "date or time (UTC) after which nothing is read (default: the earliest validation anchor of --for)")
	f.Float64Var(&opt.Horizon, "horizon", 0, "days (default: the shortest of --for, else 30)")
	registerNetwork(f, &opt.Train)
	return cmd
}
