package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink/workspace"
)

func init() { subcommands.Add("promote", promoteCommand) }

func promoteCommand(a *app) *cobra.Command {
	alias := workspace.Prod
	cmd := &cobra.Command{
		Use:   "promote TASK VERSION",
		Short: "Let an alias, prod by default, name a version of a task",
		Long: `promote lets an alias name a version, after comparing the version's files with their checksums. prod
is the version that predict, evaluate and serve take when none is named. VERSION is a number, an alias
or latest. No database is needed.`,
		Example: "  rowlink promote churn 2\n  rowlink promote churn latest --alias candidate",
		Args:    cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.move(args[0], alias, func(w *workspace.Workspace) (workspace.Move, error) { return w.Promote(args[0], args[1], alias) })
		},
	}
	cmd.Flags().StringVar(&alias, "alias", alias, "the alias")
	return cmd
}

// move changes an alias and says so.
func (a *app) move(task, alias string, change func(*workspace.Workspace) (workspace.Move, error)) error {
	if err := workspace.CheckTaskName(task); err != nil {
		return usageError{err}
	}
	_, notNumber := strconv.Atoi(alias)
	if notNumber == nil || alias == workspace.Latest || alias == workspace.Previous {
		return usage("prod and candidate are usual names", "--alias %s names a version itself", alias)
	}
	if err := workspace.CheckTaskName(alias); err != nil {
		return usage("", "--alias %q is no name: want letters, digits, _ and -", alias)
	}
	w, err := workspace.Open(a.workspace)
	if err != nil {
		return err
	}
	m, err := change(w)
	if errors.Is(err, fs.ErrNotExist) {
		err = cmp.Or(misspelt(w, task), err)
	}
	if err != nil {
		return err
	}
	return a.print(m, func(out io.Writer) error {
		from := fmt.Sprintf("version %d", m.From)
		switch m.From {
		case m.To:
			_, err := fmt.Fprintf(out, "%s of task %s names version %d already\n", m.Alias, task, m.To)
			return err
		case 0:
			from = "no version"
		}
		_, err := fmt.Fprintf(out, "%s of task %s: %s -> version %d\n", m.Alias, task, from, m.To)
		return err
	})
}
