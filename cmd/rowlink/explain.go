package main

import (
	"bytes"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink/tasks"
)

func init() { subcommands.Add("explain", explainCommand) }

func explainCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "explain TASK",
		Short: "Say how a task is understood: reading, type, anchors, label balance, warnings",
		Long:  "explain binds the task and computes its label table, but trains nothing. TASK is a file, - for stdin, or a stored task.",
		Example: "  rowlink explain churn.sql\n" +
			"  echo \"PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR EACH customers\" | rowlink explain -",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, task, err := a.task(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			defer d.Close()
			labels, err := tasks.Label(cmd.Context(), d.Snap, task, a.threads)
			if err != nil {
				return err
			}
			var report bytes.Buffer
			if err := labels.Report.Text(&report, task); err != nil {
				return err
			}
			return a.print(map[string]any{"task": task.Name, "type": task.Type, "hash": task.Hash, "reading": task.Reading, "warnings": task.Warnings,
				"label_hash": labels.Hash(), "report": labels.Report},
				func(w io.Writer) error {
					fmt.Fprintf(w, "task %s, hash %s\n\nreading\n%s\n\nlabels\n%s\n", task.Name, task.Hash, indent(task.Reading), indent(report.String()))
					for _, warning := range task.Warnings {
						fmt.Fprintln(w, warning)
					}
					return nil
				})
		},
	}
}
