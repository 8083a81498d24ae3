package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink/schema"
)

func init() { subcommands.Add("schema", schemaCommand) }

// schemaFormats are the values of --format.
var schemaFormats = map[string]func(*schema.Schema, io.Writer) error{
	"text":    (*schema.Schema).Describe,
	"mermaid": (*schema.Schema).Mermaid,
	"dot":     (*schema.Schema).DOT,
}

func schemaCommand(a *app) *cobra.Command {
	format := "text"
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "Show tables, keys, links, time columns and semantic types, and write mapping.yaml",
		Long: `schema shows what rowlink sees in the database and how it reads each table and column, with the
reason. The same stands in mapping.yaml in the workspace, where each item can be overridden.`,
		Example: "  rowlink schema --db sqlite:shop.db\n  rowlink schema --format mermaid",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			write, ok := schemaFormats[format]
			if !ok {
				return usage("", "--format is %q, want text, mermaid or dot", format)
			}
			d, err := a.open(cmd.Context(), false)
			if err != nil {
				return err
			}
			defer d.Close()
			return a.print(d.Snap.Schema.View(), func(w io.Writer) error {
				if err := write(d.Snap.Schema, w); err != nil {
					return err
				}
				if format != "text" {
					w = a.err // the drawing stays a drawing
				}
				return leaks(w, d.Snap.Schema.Warnings())
			})
		},
	}
	cmd.Flags().StringVar(&format, "format", format, "text, mermaid or dot")
	return cmd
}

// leaks prints what may let a model see the future.
func leaks(w io.Writer, warnings []string) error {
	if len(warnings) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "\nwhat may tell the future (mapping.yaml decides):\n%s\n", indent(strings.Join(warnings, "\n")))
	return err
}
