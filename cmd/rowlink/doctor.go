package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink/ingest"
)

func init() { subcommands.Add("doctor", doctorCommand) }

func doctorCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "doctor",
		Short:   "Check the database: connection, role, permissions, keys, sizes, and what would repair each finding",
		Example: "  rowlink doctor --db postgres://me@localhost/shop",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.url() == "" {
				return usage("name one with --db postgres://user@host/database, --db sqlite:FILE, --db csv:FOLDER or --db parquet:FOLDER, or set DATABASE_URL", "no database")
			}
			src, err := ingest.Open(cmd.Context(), a.url(), ingest.OpenOptions{Schemas: a.schemas, Include: a.include})
			if err != nil {
				return err
			}
			defer src.Close()
			findings := []ingest.Finding{{Level: ingest.LevelOK, Check: "connection", Detail: "the database answers"}}
			if doc, ok := src.(ingest.Doctor); ok {
				if findings, err = doc.Doctor(cmd.Context()); err != nil {
					return err
				}
			}
			if err := a.print(findings, func(w io.Writer) error {
				rows := make([]string, 0, 2*len(findings))
				for _, f := range findings {
					detail := f.Detail
					if f.Case > 0 {
						detail += fmt.Sprintf(" (case %d)", f.Case)
					}
					rows = append(rows, fmt.Sprintf("%s\t%s\t%s", f.Level, f.Check, detail))
					if f.Repair != "" {
						rows = append(rows, "\t\trepair: "+f.Repair)
					}
				}
				return table(w, rows...)
			}); err != nil {
				return err
			}
			for _, f := range findings {
				if f.Level == ingest.LevelError {
					return &ingest.SourceError{Op: "check " + f.Check, Err: fmt.Errorf("%s", f.Detail)}
				}
			}
			return nil
		},
	}
}
