package main

import (
	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink/beam"
)

func labelsCommand(f *flags) *cobra.Command {
	return &cobra.Command{
		Use:     "labels TASK",
		Short:   "Compute the label table of a task",
		Long:    `labels writes who is asked about when, and what came true: key columns, anchor, label, split; the same rows as rowlink labels.`,
		Example: "  rowlink-beam labels churn.sql --out /shared/churn-labels\n  rowlink-beam labels churn.sql --out /shared/churn-labels --runner flink --endpoint jobserver:8099",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := f.taskText(cmd, args[0])
			if err != nil {
				return err
			}
			d, folder, err := f.open(cmd)
			if err != nil {
				return err
			}
			defer d.Close()
			task, err := d.Task(text)
			if err != nil {
				return err
			}
			done, err := beam.Labels(cmd.Context(), d.Snap, folder, task, f.job)
			if err != nil {
				return err
			}
			return f.tell(cmd, done)
		},
	}
}
