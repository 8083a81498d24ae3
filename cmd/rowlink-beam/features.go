package main

import (
	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink/beam"
)

func featuresCommand(f *flags) *cobra.Command {
	return &cobra.Command{
		Use:   "features TASK",
		Short: "Compute the as-of features of a task's examples",
		Long: `features writes what rowlink features writes: key columns, anchor, split, label and all features, each as of the example's
feature cut. Ranks among all rows of one time come from a pass of their own. It is for conditions and numbers with a window.`,
		Example: "  rowlink-beam features churn.sql --out /shared/churn-features",
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
			done, err := beam.Features(cmd.Context(), d, folder, text, f.job)
			if err != nil {
				return err
			}
			return f.tell(cmd, done)
		},
	}
}
