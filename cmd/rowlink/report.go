package main

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink/pages"
	"github.com/rowlink/rowlink/workspace"
)

func init() { subcommands.Add("report", reportCommand) }

func reportCommand(a *app) *cobra.Command {
	var version, out string
	cmd := &cobra.Command{
		Use:   "report TASK",
		Short: "Write the report of a version as one page: leaderboard, curves, calibration, where it comes from",
		Long: `report writes what the pages of rowlink serve show of a version into one HTML file that needs no server
and no network. Curves are of what is served, on test and on validation.`,
		Example: "  rowlink report churn --out churn.html\n  rowlink report churn --version 2 --out churn-2.html",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if filepath.Ext(out) != ".html" {
				return usage("write --out "+args[0]+".html", "--out is %q, want a name that ends in .html", out)
			}
			if err := checkOutFolder(out); err != nil {
				return err
			}
			w, err := workspace.Open(a.workspace)
			if err != nil {
				return err
			}
			m, err := w.Model(args[0], version)
			if err != nil {
				if other := misspelt(w, args[0]); other != nil {
					return other
				}
				return err
			}
			return a.writeReport(cmd.Context(), m, out)
		},
	}
	cmd.Flags().StringVar(&version, "version", "", "version number, alias or latest (default: the one that prod names)")
	cmd.Flags().StringVar(&out, "out", "", "the .html file")
	return cmd
}

// writeReport writes the page of a version to a file, whole or not at all.
func (a *app) writeReport(ctx context.Context, m *workspace.Model, out string) error {
	db, err := a.open(ctx, false)
	if err != nil {
		return err
	}
	l := &live{say: a.say}
	l.swap(&backend{db: db, only: []string{m.Task}, log: slog.New(slog.DiscardHandler), threads: a.threads})
	defer l.close()
	p := pages.New(l, nil, programVersion())
	if err := workspace.WriteStream(out, func(w io.Writer) error { return p.WriteVersion(ctx, w, m.Task, strconv.Itoa(m.Version)) }); err != nil {
		return err
	}
	a.say("wrote the report of version %d of task %s to %s", m.Version, m.Task, out)
	return nil
}
