package main

import (
	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink"
)

func init() { subcommands.Add("importance", importanceCommand) }

func importanceCommand(a *app) *cobra.Command {
	var f storedFlags
	var o rowlink.ImportanceOptions
	cmd := &cobra.Command{
		Use:   "importance TASK",
		Short: "Measure how much a version needs each column, link and table on validation",
		Long: `importance redraws the values of a column, the rows over a link, or both of a whole table from other
rows that were known when each row came, and says by how much the validation metric is then worse: of
whatever is served, networks, trees or blends. What two columns say alike is important in neither, but
in their table. It takes as long as so many predictions of the validation examples, is kept with the
version, and is then part of its report and pages.`,
		Example: "  rowlink importance churn\n  rowlink importance churn --version 2 --examples 500 --draws 5 --json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			if o.Examples < 1 || o.Draws < 1 {
				return usage("", "--examples is %d and --draws %d, want at least 1", o.Examples, o.Draws)
			}
			if r, err := a.ranking(cmd.Context(), args[0], f); err != nil {
				return err
			} else if r != nil {
				defer r.db.Close()
				return usage("", "task %s ranks: importance is measured of tasks that predict a value or a class", args[0])
			}
			m, err := a.stored(cmd.Context(), args[0], f)
			if err != nil {
				return err
			}
			defer m.db.Close()
			o.Progress = func(done, total int) { a.update("importance", int64(done), int64(total), "items") }
			i, err := m.Importance(cmd.Context(), o)
			if err != nil {
				return err
			}
			if f.model == "" {
				if err := i.Keep(m.db.Workspace); err != nil {
					return err
				}
			}
			return a.print(i, i.Text)
		},
	}
	cmd.Flags().IntVar(&o.Examples, "examples", 2000, "most validation examples")
	cmd.Flags().IntVar(&o.Draws, "draws", 2, "draws of each, over which the mean is taken")
	f.register(cmd)
	return cmd
}
