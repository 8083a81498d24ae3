package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/ingest/parquet"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/workspace"
)

func init() { subcommands.Add("features", featuresCommand) }

func featuresCommand(a *app) *cobra.Command {
	var split, out, regime string
	var sql bool
	var to toTable
	cmd := &cobra.Command{
		Use:   "features TASK",
		Short: "Write the as-of features of a task's examples, for models of your own",
		Long: `features computes what the boosted trees learn from: windows, decayed means, lags, trends, ranks and counts over
the rows below an entity and the rows that it is linked to, each as of the example's feature cut. With --out it writes
key columns, anchor, split, label and all features as CSV or Parquet, with --to into a table of Postgres, whose columns
carry long names as comments (and into TABLE_2 and so on what is more than a row of Postgres holds); without, it lists the names.`,
		Example: "  rowlink features churn.sql\n  rowlink features churn.sql --split train --out churn.parquet\n  rowlink features churn.sql --to postgres://writer@host/features --table churn",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			keep, err := splitFilter(split)
			if err == nil && out != "" {
				err = checkTableOut(out)
			}
			if err == nil {
				err = to.check()
			}
			if err != nil {
				return err
			}
			r, err := parseRegime(regime)
			if err != nil {
				return err
			}
			text, err := a.taskText(args[0])
			if err != nil {
				return err
			}
			d, err := a.open(cmd.Context(), false)
			if err != nil {
				return err
			}
			defer d.Close()
			f, err := d.Features(cmd.Context(), text, r)
			if err != nil {
				return err
			}
			if sql {
				return a.featuresSQL(f)
			}
			x := featureOutput{Features: f, a: a}
			for i, s := range f.Labels.Split {
				if keep(s) {
					x.examples = append(x.examples, i)
				}
			}
			if to.url != "" {
				return x.tables(cmd.Context(), to)
			}
			if out == "" {
				return a.print(map[string]any{"task": f.Labels.Task.Name, "examples": len(x.examples), "features": f.Names}, x.names)
			}
			write := x.csv
			if filepath.Ext(out) == ".parquet" {
				write = x.parquet
			}
			if err := workspace.WriteStream(out, write); err != nil {
				return err
			}
			a.say("wrote %d features of %d examples to %s", len(f.Names), len(x.examples), out)
			return nil
		},
	}
	cmd.Flags().StringVar(&split, "split", "", "train, val or test (default: all)")
	cmd.Flags().StringVar(&regime, "regime", "", "evaluation regime: rolling or frozen (default: as the task says)")
	cmd.Flags().StringVar(&out, "out", "", "write to this .csv or .parquet file")
	cmd.Flags().BoolVar(&sql, "sql", false, "print a SELECT for Postgres that computes those features that SQL can, for data that stays where it lies")
	to.register(cmd.Flags(), "features")
	return cmd
}

// featuresSQL prints the SELECT, with the name of each column before it.
func (a *app) featuresSQL(f *rowlink.Features) error {
	text, features, err := f.SQL()
	if err != nil {
		return err
	}
	names := make([]string, len(features))
	for i, at := range features {
		names[i] = f.Names[at]
	}
	return a.print(map[string]any{"sql": text, "features": names}, func(w io.Writer) error {
		for i, n := range names {
			if _, err := fmt.Fprintf(w, "-- f%d: %s\n", i, strings.ReplaceAll(n, "\n", " ")); err != nil {
				return err
			}
		}
		_, err := fmt.Fprintf(w, "%s;\n", text)
		return err
	})
}

// checkTableOut refuses a file that cannot be written in the end.
func checkTableOut(path string) error {
	switch filepath.Ext(path) {
	case ".csv", ".parquet":
		return checkOutFolder(path)
	}
	return usage("", "--out %s: want a name that ends in .csv or .parquet", path)
}

// featureOutput writes the features of some examples.
type featureOutput struct {
	*rowlink.Features
	a        *app
	examples []int // positions in the label table
}

// featureRows is how many examples are in memory at a time.
const featureRows = 4096

// each hands over the examples with their features, in batches.
func (x featureOutput) each(f func(example int, features []float64) error) error {
	width := len(x.Names)
	for lo := 0; lo < len(x.examples); lo += featureRows {
		part := x.examples[lo:min(lo+featureRows, len(x.examples))]
		values := x.Of(part)
		for i, example := range part {
			if err := f(example, values[i*width:(i+1)*width]); err != nil {
				return err
			}
		}
		x.a.update("features", int64(lo+len(part)), int64(len(x.examples)), x.Entity.Def.Name)
	}
	return nil
}

func (x featureOutput) names(w io.Writer) error {
	for _, n := range x.Names {
		if _, err := io.WriteString(w, n+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// csv leaves the cell of a missing value empty.
func (x featureOutput) csv(w io.Writer) error {
	out := csv.NewWriter(w)
	header := append(x.Entity.Def.Names(x.Entity.Def.Key), "anchor", "split", "label")
	if err := out.Write(append(header, x.Names...)); err != nil {
		return err
	}
	err := x.each(func(example int, features []float64) error {
		row := append(keyCells(x.Entity, x.Labels.Entity[example]), time.UnixMicro(x.Labels.Anchor[example]).UTC().Format(time.DateTime),
			x.Labels.Split[example].String(), x.Labels.Text(example))
		for _, v := range features {
			cell := ""
			if !math.IsNaN(v) {
				cell = strconv.FormatFloat(v, 'g', -1, 64)
			}
			row = append(row, cell)
		}
		return out.Write(row)
	})
	if err != nil {
		return err
	}
	out.Flush()
	return out.Error()
}

// fields are the columns before the features: numbers as numbers, classes and keys that are
// no numbers as text.
func (x featureOutput) fields() []parquet.Field {
	fields := parquet.KeyFields(x.Entity.Def)
	label := schema.Text
	if x.numeric() {
		label = schema.Float
	}
	return append(fields, parquet.Field{Name: "anchor", Kind: schema.Time}, parquet.Field{Name: "split", Kind: schema.Text}, parquet.Field{Name: "label", Kind: label})
}

func (x featureOutput) numeric() bool {
	return x.Labels.Task.Type == tasks.Binary || x.Labels.Task.Type == tasks.Regression
}

// cells are those of one example, as fields has them.
func (x featureOutput) cells(example int) []any {
	row := parquet.KeyCells(x.Entity, x.Labels.Entity[example])
	var y any = x.Labels.Text(example)
	if x.numeric() {
		y = x.Labels.Label[example]
	}
	return append(row, x.Labels.Anchor[example], x.Labels.Split[example].String(), y)
}

func (x featureOutput) parquet(w io.Writer) error {
	fields := x.fields()
	for _, n := range x.Names {
		fields = append(fields, parquet.Field{Name: n, Kind: schema.Float})
	}
	out, err := parquet.NewRows(w, fields)
	if err != nil {
		return err
	}
	err = x.each(func(example int, features []float64) error {
		row := x.cells(example)
		for _, v := range features {
			row = append(row, v)
		}
		return out.Add(row)
	})
	if err != nil {
		return err
	}
	return out.Close()
}
