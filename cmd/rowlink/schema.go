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
			view := d.Snap.Schema.View()
			view.Proposals = d.Snap.Schema.ProposalViews(d.Snap.Propose())
			return a.print(view, func(w io.Writer) error {
				if err := write(d.Snap.Schema, w); err != nil {
					return err
				}
				if format != "text" {
					w = a.err // the drawing stays a drawing
				}
				if err := proposed(w, view.Proposals); err != nil {
					return err
				}
				return leaks(w, d.Snap.Schema.Warnings())
			})
		},
	}
	cmd.Flags().StringVar(&format, "format", format, "text, mermaid or dot")
	a.acceptFlag(cmd)
	return cmd
}

func (a *app) acceptFlag(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&a.accept, "accept-links", false, "use the keys and links that are proposed and not declared (rowlink schema shows them)")
}

// proposed prints the lines of the mapping file that would accept each proposal.
func proposed(w io.Writer, proposals []schema.ProposalView) error {
	if len(proposals) == 0 {
		return nil
	}
	lines := make([]string, len(proposals))
	for i, p := range proposals {
		lines[i] = p.Table + ": " + p.Mapping + "  # " + strings.TrimPrefix(p.Reason, "proposed: ")
	}
	_, err := fmt.Fprintf(w, "\nproposed and not used (accept all with --accept-links, or write single ones into mapping.yaml):\n%s\n", indent(strings.Join(lines, "\n")))
	return err
}

// leaks prints what may let a model see the future.
func leaks(w io.Writer, warnings []string) error {
	if len(warnings) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "\nwhat may tell the future (mapping.yaml decides):\n%s\n", indent(strings.Join(warnings, "\n")))
	return err
}
