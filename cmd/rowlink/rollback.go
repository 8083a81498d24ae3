package main

import (
	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink/workspace"
)

func init() { subcommands.Add("rollback", rollbackCommand) }

func rollbackCommand(a *app) *cobra.Command {
	alias := workspace.Prod
	cmd := &cobra.Command{
		Use:   "rollback TASK",
		Short: "Let an alias, prod by default, name again what it named before",
		Long: `rollback undoes the last promotion of an alias; repeated, it walks further back.
No database is needed.`,
		Example: "  rowlink rollback churn",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.move(args[0], alias, func(w *workspace.Workspace) (workspace.Move, error) { return w.Rollback(args[0], alias) })
		},
	}
	cmd.Flags().StringVar(&alias, "alias", alias, "the alias")
	return cmd
}
