package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink/internal/registry"
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
				known := registry.New[bool]("format")
				for f := range schemaFormats {
					known.Add(f, true)
				}
				_, err := known.Get(format)
				return usageError{fmt.Errorf("--format: %w", err)}
			}
			d, err := a.open(cmd.Context(), false)
			if err != nil {
				return err
			}
			defer d.Close()
			return a.print(d.Snap.Schema.View(), func(w io.Writer) error { return write(d.Snap.Schema, w) })
		},
	}
	cmd.Flags().StringVar(&format, "format", format, "text, mermaid or dot")
	return cmd
}
