package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/internal/registry"
	"github.com/rowlink/rowlink/schema"
)

// subcommands holds one maker per file of this folder; each registers itself.
var subcommands = registry.New[func(*app) *cobra.Command]("subcommand")

// newRoot builds the command tree.
func newRoot(a *app) *cobra.Command {
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
  rowlink predict --db ... NAME --key 42                    ask

Exit codes: 0 ok, 1 failure, 2 usage (flags, task text, names), 3 database, 4 data,
5 resource, 130 interrupted.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(args[0])
			}
			return cmd.Help()
		},
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if a.threads < 0 {
				return usage("", "--threads is %d, want 0 for all cores, or more", a.threads)
			}
			return a.useKernels()
		},
	}
	f := root.PersistentFlags()
	f.StringVar(&a.db, "db", "", "database URL: postgres://user@host/database, sqlite:FILE, csv:FOLDER, parquet:FOLDER or relbench:FOLDER (default $DATABASE_URL)")
	f.StringSliceVar(&a.include, "include", nil, "view, materialized view or foreign table of Postgres to read like a table (repeatable)")
	f.StringSliceVar(&a.schemas, "schema", nil, "schema of the database to read (repeatable; default: the database's own default)")
	f.StringVar(&a.workspace, "workspace", ".rowlink", "folder for mapping, tasks, snapshots and models")
	f.BoolVar(&a.json, "json", false, "print one JSON document instead of text")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "no progress on stderr")
	f.IntVar(&a.threads, "threads", 0, "threads for computing (default: all cores); never changes a result")
	f.StringVar(&a.kernels, "kernels", "", "inner loops for computing: avx512, avx2 or go (default: the fastest that this machine runs); others may change the last bits of a result")
	root.SetFlagErrorFunc(flagError)
	for _, name := range subcommands.Names() {
		make, _ := subcommands.Get(name)
		root.AddCommand(withArgs(make(a)))
	}
	return root
}

// useKernels switches to the path of --kernels.
func (a *app) useKernels() error {
	if a.kernels == "" {
		return nil
	}
	if err := tensor.UseKernels(a.kernels); err != nil {
		return usage("", "--kernels: %v", err)
	}
	return nil
}

// withArgs makes a wrong number of arguments a usage error that shows how to call.
func withArgs(cmd *cobra.Command) *cobra.Command {
	for _, below := range cmd.Commands() {
		withArgs(below)
	}
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if check(cmd, args) == nil {
				return nil
			}
			got := "no argument"
			if len(args) > 0 {
				got = fmt.Sprintf("%q", args)
			}
			return usage(cmd.CommandPath()+" --help", "want %s; got %s", cmd.UseLine(), got)
		}
	}
	return cmd
}

// flagError words a fault in the flags. A misspelt subcommand comes here too when flags
// follow it, because those are then read as flags of the root command.
func flagError(cmd *cobra.Command, err error) error {
	if args := cmd.Flags().Args(); !cmd.HasParent() && len(args) > 0 {
		return unknownCommand(args[0])
	}
	message, _, _ := strings.Cut(err.Error(), ": strconv.") // how Go reads numbers is of no help
	return usage(flagHint(cmd, err), "%s", message)
}

// flagHint names the flag that was perhaps meant.
func flagHint(cmd *cobra.Command, err error) string {
	help := cmd.CommandPath() + " --help lists the flags"
	if _, name, ok := strings.Cut(err.Error(), "unknown flag: --"); ok {
		var known []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
		cmd.InheritedFlags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
		if near := schema.Nearest(name, known); near != "" {
			return fmt.Sprintf("did you mean --%s? %s", near, help)
		}
	}
	return help
}

func unknownCommand(name string) error {
	hint := "have " + strings.Join(subcommands.Names(), ", ")
	if near := schema.Nearest(name, subcommands.Names()); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return usage(hint, "unknown subcommand %q", name)
}
