package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tasks"
)

func init() { subcommands.Add("labels", labelsCommand) }

func labelsCommand(a *app) *cobra.Command {
	var split, out, executor string
	var shards int
	cmd := &cobra.Command{
		Use:   "labels TASK",
		Short: "Compute the label table of a task",
		Long: `labels computes who is asked about when, and what came true: key columns, anchor, label, split.
The report on how the table came about goes to stderr. TASK is a file, - for stdin, or a stored task.`,
		Example: "  rowlink labels churn.sql --split test --out labels.csv\n" +
			"  rowlink labels churn.sql --executor sql --shards 64 --out labels",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			keep, err := splitFilter(split)
			if err == nil && executor != "memory" && executor != "sql" {
				err = usage("sql lets Postgres compute the labels where the data lies", "--executor is %q, want memory or sql", executor)
			}
			sharded := cmd.Flags().Changed("shards")
			switch {
			case err != nil:
			case sharded:
				err = checkShards(shards, executor, split, out)
			case out != "":
				err = checkLabelsOut(out)
			}
			if err != nil {
				return err
			}
			d, task, err := a.task(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			defer d.Close()
			if sharded {
				return a.labelShards(cmd.Context(), d, task, shards, out)
			}
			var labels *tasks.LabelTable
			if executor == "sql" {
				labels, err = d.LabelsBySQL(cmd.Context(), task)
			} else {
				labels, err = tasks.Label(cmd.Context(), d.Snap, task, a.threads)
			}
			if err != nil {
				return err
			}
			if !a.quiet {
				if err := labels.Report.Text(a.err, task); err != nil {
					return err
				}
			}
			t := newLabelOutput(labels, d.Snap, func(i int) bool { return keep(labels.Split[i]) })
			if out == "" {
				if a.json {
					return a.print(t.json(), nil)
				}
				return t.csv(a.out)
			}
			if err := t.write(out); err != nil {
				return err
			}
			a.say("wrote the labels to %s", out)
			return nil
		},
	}
	cmd.Flags().StringVar(&split, "split", "", "train, val or test (default: all)")
	cmd.Flags().StringVar(&executor, "executor", "memory", "where the labels are computed: memory (over the snapshot), or sql (by the database; Postgres only)")
	cmd.Flags().IntVar(&shards, "shards", 0, "with --executor sql: let the database copy so many shards of the entities into --out, a folder of Parquet files")
	cmd.Flags().StringVar(&out, "out", "", "write to this .csv, .parquet, .arrow, .ndjson or .json file instead of stdout")
	return cmd
}

// splitFilter reads --split.
func splitFilter(name string) (func(tasks.Split) bool, error) {
	if name == "" {
		return func(tasks.Split) bool { return true }, nil
	}
	for _, s := range []tasks.Split{tasks.Train, tasks.Val, tasks.Test} {
		if s.String() == name {
			return func(have tasks.Split) bool { return have == s }, nil
		}
	}
	return nil, usageError{fmt.Errorf("--split is %q, want train, val or test", name)}
}

// labelOutput prints a label table.
type labelOutput struct {
	*tasks.LabelTable
	entity *ingest.Table
	items  *ingest.Table // that a ranking ranks; else nil
	keep   func(example int) bool
}

func newLabelOutput(l *tasks.LabelTable, snap *ingest.Snapshot, keep func(example int) bool) labelOutput {
	t := labelOutput{LabelTable: l, entity: snap.Tables[l.Task.Entity], keep: keep}
	if k := l.Task.Ranking; k != nil {
		t.items = snap.Tables[k.Items]
	}
	return t
}

func (t labelOutput) csv(w io.Writer) error {
	out := csv.NewWriter(w)
	keys := t.entity.Def.Names(t.entity.Def.Key)
	if err := out.Write(append(keys, "anchor", "label", "split")); err != nil {
		return err
	}
	for i := range t.Label {
		if !t.keep(i) {
			continue
		}
		row := append(keyCells(t.entity, t.Entity[i]), time.UnixMicro(t.Anchor[i]).UTC().Format(time.DateTime), t.Text(i), t.Split[i].String())
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// text prints the table with aligned columns.
func (t labelOutput) text(w io.Writer) error {
	rows := []string{strings.Join(append(t.entity.Def.Names(t.entity.Def.Key), "anchor", "split", "label"), "\t")}
	for i := range t.Label {
		if t.keep(i) {
			rows = append(rows, strings.Join(append(keyCells(t.entity, t.Entity[i]), instant(t.Anchor[i]), t.Split[i].String(), t.Text(i)), "\t"))
		}
	}
	return table(w, rows...)
}

// labelled is one example as JSON.
type labelled struct {
	Entity any    `json:"entity"`
	Anchor string `json:"anchor"`
	Label  any    `json:"label"`
	Split  string `json:"split"`
}

func (t labelOutput) example(i int) labelled {
	var label any = t.Label[i]
	switch {
	case t.ItemStart != nil:
		keys := []any{}
		for _, item := range t.Items(i) {
			keys = append(keys, keyJSON(t.items, item))
		}
		label = keys
	case t.Series != nil:
		label = t.Truth(i)
	case t.Classes != nil:
		label = t.Text(i)
	}
	return labelled{keyJSON(t.entity, t.Entity[i]), instantJSON(t.Anchor[i]), label, t.Split[i].String()}
}

func (t labelOutput) json() any {
	rows := []labelled{}
	for i := range t.Label {
		if t.keep(i) {
			rows = append(rows, t.example(i))
		}
	}
	return map[string]any{"task": t.Task.Name, "type": t.Task.Type, "entity_table": t.entity.Def.Name,
		"key": t.entity.Def.Names(t.entity.Def.Key), "label_hash": t.Hash(), "examples": rows}
}
