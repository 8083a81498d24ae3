package main

import (
	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink/beam"
)

func statesCommand(f *flags) *cobra.Command {
	var asked beam.Asked
	var at, table string
	cmd := &cobra.Command{
		Use:   "states TASK",
		Short: "Compute the states of the layer scan at an anchor",
		Long: `states writes what a network of the layer scan reads of the states of a table's rows: decayed means of the columns and
messages of the rows below them, and log counts, by path of foreign keys and half-life.`,
		Example: "  rowlink-beam states churn --model scan --out /shared/churn-states",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := parseAnchor(at, &asked); err != nil {
				return err
			}
			d, folder, err := f.open(cmd)
			if err != nil {
				return err
			}
			defer d.Close()
			done, err := beam.States(cmd.Context(), d, folder, args[0], table, asked, f.job)
			if err != nil {
				return err
			}
			return f.tell(cmd, done)
		},
	}
	askFlags(cmd, &asked, &at)
	cmd.Flags().StringVar(&table, "table", "", "table whose rows' states are written (default: the entity's)")
	return cmd
}
