package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
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
			return a.print(explanation{task.Name, task.Type, task.Hash, task.Reading, task.Warnings, labels.Hash(), labels.Report},
				func(w io.Writer) error {
					fmt.Fprintf(w, "%s\nhash %s, labels %.12s\n\n", strings.TrimRight(tql.Explain(task, d.Snap.Schema), "\n"), task.Hash, labels.Hash())
					return labels.Report.Text(w, task)
				})
		},
	}
}

// explanation is what explain prints with --json.
type explanation struct {
	Task      string            `json:"task"`
	Type      string            `json:"type"`
	Hash      string            `json:"hash"`
	Reading   string            `json:"reading"`
	Warnings  []string          `json:"warnings"`
	LabelHash string            `json:"label_hash"`
	Report    tasks.LabelReport `json:"report"`
}
