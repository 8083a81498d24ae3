package main

import (
	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink/internal/registry"
)

// subcommands holds one maker per file of this folder; each registers itself.
var subcommands = registry.New[func(*app) *cobra.Command]("subcommand")

// newRoot builds the command tree.
func newRoot(s streams) *cobra.Command {
	a := &app{streams: s}
	root := &cobra.Command{
		Use:   "rowlink",
		Short: "Predictions from a relational database: snapshot, temporal graph, trained network, REST",
		Long: `rowlink turns the tables of a database into a temporal graph along primary and foreign keys,
trains a graph neural network for a task written as text, and answers predictions.
The database is only read.

First steps:
  rowlink demo                                              the whole path on a generated shop
  rowlink schema --db postgres://me@localhost/mydb          what rowlink sees
  rowlink labels --db ... task.sql                          the label table of a task
  rowlink train  --db ... task.sql                          fit, compare with baselines, store
  rowlink predict --db ... NAME --key 42                    ask`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				_, err := subcommands.Get(args[0])
				return usageError{err}
			}
			return cmd.Help()
		},
	}
	f := root.PersistentFlags()
	f.StringVar(&a.db, "db", "", "database URL: postgres://user@host/database or sqlite:FILE (default $DATABASE_URL)")
	f.StringSliceVar(&a.schemas, "schema", nil, "schema of the database to read (repeatable; default: the database's own default)")
	f.StringVar(&a.workspace, "workspace", ".rowlink", "folder for mapping, tasks, snapshots and models")
	f.BoolVar(&a.json, "json", false, "print one JSON document instead of text")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "no progress on stderr")
	f.IntVar(&a.threads, "threads", 0, "threads for computing (default: all cores); never changes a result")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	for _, name := range subcommands.Names() {
		make, _ := subcommands.Get(name)
		root.AddCommand(make(a))
	}
	return root
}
