package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink/beam"
	"github.com/rowlink/rowlink/workspace"
)

func sampleCommand(f *flags) *cobra.Command {
	draw := beam.Draw{}
	var into string
	cmd := &cobra.Command{
		Use:   "sample TASK",
		Short: "Draw entities with their rows into a workspace, to train on",
		Long: `sample draws a share of a task's entities by a hash of their key, and stores them with the rows that their labels and a
model read as the snapshot of another workspace. What rowlink train makes there is a version of the whole database:
copy the folder of the task from one workspace to the other.`,
		Example: "  rowlink-beam sample churn.sql --share 0.05 --into small --out /shared/churn-sample\n  rowlink train churn.sql --workspace small",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if draw.Share <= 0 || draw.Share > 1 || into == "" || draw.Hops < 1 || draw.Cap < 0 {
				return usageError{fmt.Errorf("want --share above 0 and at most 1, --into WORKSPACE, --hops from 1 on and --cap from 0 on")}
			}
			text, err := f.taskText(cmd, args[0])
			if err != nil {
				return err
			}
			d, folder, err := f.open(cmd)
			if err != nil {
				return err
			}
			defer d.Close()
			w, err := workspace.Open(into)
			if err != nil {
				return err
			}
			done, err := beam.Sample(cmd.Context(), d, folder, text, draw, w, f.job)
			if err != nil {
				return err
			}
			return f.tell(cmd, done)
		},
	}
	cmd.Flags().Float64Var(&draw.Share, "share", 0, "share of the entities, such as 0.05")
	cmd.Flags().Uint64Var(&draw.Seed, "seed", 1, "another seed draws others")
	cmd.Flags().IntVar(&draw.Hops, "hops", 2, "links from an entity that the model reads: the length of its fan-out")
	cmd.Flags().IntVar(&draw.Cap, "cap", 1000, "rows of a foreign key that are kept below a row that is no entity; 0 = all")
	cmd.Flags().StringVar(&into, "into", "", "workspace that gets the snapshot")
	return cmd
}
