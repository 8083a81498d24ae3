package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink/beam"
	"github.com/rowlink/rowlink/ingest"
)

func scoreCommand(f *flags) *cobra.Command {
	var asked beam.Asked
	var at string
	cmd := &cobra.Command{
		Use:   "score TASK",
		Short: "Answer for everybody with a stored version",
		Long: `score writes what rowlink predict --all answers: key columns, anchor, prediction, and for a condition its probability. It
is for conditions and numbers with a window, and all predictors: what a piece cannot see (ranks among the rows of one time,
states of the layer scan) comes to it from passes of its own.`,
		Example: "  rowlink-beam score churn --model gnn --at 2026-11-01 --out /shared/churn-scores --runner flink --endpoint jobserver:8099",
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
			done, err := beam.Score(cmd.Context(), d, folder, args[0], asked, f.job)
			if err != nil {
				return err
			}
			return f.tell(cmd, done)
		},
	}
	askFlags(cmd, &asked, &at)
	return cmd
}

// askFlags are those of what is asked of a version.
func askFlags(cmd *cobra.Command, asked *beam.Asked, at *string) {
	cmd.Flags().StringVar(&asked.Version, "version", "", "version number or alias (default: prod)")
	cmd.Flags().StringVar(&asked.Model, "model", "", "predictor of the version (default: the one it serves)")
	cmd.Flags().StringVar(at, "at", "", "anchor: a date or instant (default: the end of the data)")
}

func parseAnchor(at string, asked *beam.Asked) error {
	if at == "" {
		return nil
	}
	micros, ok := ingest.ParseInstant(at)
	if !ok {
		return usageError{&ingest.UserError{Msg: "--at " + at + " is no instant", Hint: "write it as " + time.DateOnly + ", in UTC"}}
	}
	asked.Anchor = micros
	return nil
}
