package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/workspace"
)

func init() { subcommands.Add("models", modelsCommand) }

func modelsCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "models [TASK]",
		Short: "List the stored versions: what is served, its scores, the aliases that name it",
		Long: `models lists the versions of a task, or of all tasks, oldest first. The scores are those of the
predictor that is served, on the metric that chose it, with the constant's beside them.
No database is needed.`,
		Example: "  rowlink models\n  rowlink models churn --json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			w, err := workspace.Open(a.workspace)
			if err != nil {
				return err
			}
			list, err := listVersions(w, args)
			if err != nil {
				return err
			}
			return a.print(list, func(out io.Writer) error { return versionsText(out, w, list) })
		},
	}
	cmd.AddCommand(pruneCommand(a))
	return cmd
}

// versionsText prints the list for people.
func versionsText(out io.Writer, w *workspace.Workspace, list []storedVersion) error {
	if len(list) == 0 {
		_, err := fmt.Fprintf(out, "no model in workspace %s yet: rowlink train TASK makes one\n", w.Dir())
		return err
	}
	rows := []string{"task\tversion\tcreated\tserved\tmetric\tval\ttest\tconstant\tregime\taliases"}
	for _, v := range list {
		rows = append(rows, v.row())
	}
	return table(out, rows...)
}

// storedVersion is one line of the list.
type storedVersion struct {
	Task     string        `json:"task"`
	Version  int           `json:"version"`
	Created  time.Time     `json:"created"`
	Snapshot string        `json:"snapshot"`
	Aliases  []string      `json:"aliases"`
	Type     string        `json:"type"`
	Served   string        `json:"served"`
	Metric   string        `json:"metric"`
	Regime   string        `json:"regime"`
	Rows     []rowlink.Row `json:"rows"` // every predictor of the version

	Provenance *rowlink.Provenance `json:"provenance,omitempty"` // absent in versions of earlier programs
}

// listVersions reads the versions of one task, or of all.
func listVersions(w *workspace.Workspace, args []string) ([]storedVersion, error) {
	names := args
	if len(args) == 0 {
		var err error
		if names, err = w.ModelTasks(); err != nil {
			return nil, err
		}
	} else if _, err := w.Model(args[0], workspace.Latest); err != nil {
		return nil, cmp.Or(misspelt(w, args[0]), err)
	}
	list := []storedVersion{}
	for _, name := range names {
		models, err := w.Models(name)
		if err != nil {
			return nil, err
		}
		for _, m := range models {
			v := storedVersion{Task: m.Task, Version: m.Version, Created: m.Created, Snapshot: m.Snapshot, Aliases: append([]string{}, m.Aliases...)}
			if err := json.Unmarshal(m.Info, &v); err != nil {
				return nil, fmt.Errorf("read manifest of version %d of task %s: %w", m.Version, m.Task, err)
			}
			list = append(list, v)
		}
	}
	return list, nil
}

// row is the line of the list for people.
func (v *storedVersion) row() string {
	score := func(name string) (val, test string) {
		i := slices.IndexFunc(v.Rows, func(r rowlink.Row) bool { return r.Name == name })
		if i < 0 {
			return "-", "-"
		}
		return fmt.Sprintf("%.4f", v.Rows[i].Val[v.Metric]), fmt.Sprintf("%.4f", v.Rows[i].Test[v.Metric])
	}
	val, test := score(v.Served)
	_, constant := score("constant")
	return fmt.Sprintf("%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s", v.Task, v.Version, v.Created.UTC().Format("2006-01-02 15:04"),
		v.Served, v.Metric, val, test, constant, v.Regime, strings.Join(v.Aliases, ", "))
}
