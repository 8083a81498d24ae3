package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/tasks"
)

func init() { subcommands.Add("query", queryCommand) }

// queryFlags are the flags of query.
type queryFlags struct {
	out      string
	interval float64
}

func queryCommand(a *app) *cobra.Command {
	var f queryFlags
	cmd := &cobra.Command{
		Use:   "query TEXT",
		Short: "Answer a PREDICT text at once, without a trained version",
		Long: `query answers a question that no version was trained for, in seconds: it labels the task, fits the predictors
that need no network on every label window that has closed, lets the latest windows choose among them, and
answers. The validation scores come with the answer; rowlink train does better where time allows.
FOR EACH table asks all eligible rows, FOR table IN (keys) some, AT another anchor than the end of the data.
TEXT is the text itself, a file, or - for stdin.`,
		Example: "  rowlink query \"PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR customers IN (42, 57)\"\n" +
			"  rowlink query churn.sql --out churn.csv",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("interval") && !(f.interval > 0 && f.interval < 1) {
				return usage("write the share of cases that it is to hold: --interval 0.9", "--interval is %g, want a number between 0 and 1", f.interval)
			}
			if f.out != "" {
				if err := checkPredictionsOut(f.out); err != nil {
					return err
				}
			}
			text, err := a.queryText(args[0])
			if err != nil {
				return err
			}
			d, err := a.open(cmd.Context(), false)
			if err != nil {
				return err
			}
			defer d.Close()
			return a.query(cmd.Context(), d, text, f)
		},
	}
	c := cmd.Flags()
	c.Float64Var(&f.interval, "interval", 0, "of a value: also print the interval that is to hold this share of cases, such as 0.9")
	c.StringVar(&f.out, "out", "", "write to this .csv, .parquet, .arrow or .ndjson file instead of stdout")
	return cmd
}

// queryText is the text of TEXT: several words that name no file are the text itself.
func (a *app) queryText(arg string) (string, error) {
	if _, err := os.Stat(arg); err != nil && strings.ContainsAny(arg, " \t\n") {
		return arg, nil
	}
	return a.taskText(arg)
}

func (a *app) query(ctx context.Context, d *rowlink.Database, text string, f queryFlags) error {
	p, i, err := a.instant(ctx, d, text, f)
	if err != nil {
		return err
	}
	a.say("%s", i.Task.Reading)
	if err := a.show(p, predictFlags{out: f.out}); err != nil {
		return err
	}
	if !a.json {
		a.say("%s", strings.TrimRight(p.fitted.text(), "\n"))
	}
	return nil
}

// instant answers a query by what is fitted for it.
func (a *app) instant(ctx context.Context, d *rowlink.Database, text string, f queryFlags) (*predictions, *rowlink.Instant, error) {
	i, err := d.Instant(ctx, text)
	if err != nil {
		return nil, nil, err
	}
	for _, w := range i.Task.Warnings {
		a.warn("%s", w)
	}
	p := &predictions{Predictor: i.Predictor, from: origin{task: i.Task.Name, served: i.Report.Served}, entity: i.Snap.Tables[i.Task.Entity], fitted: newFitted(i.Report)}
	p.anchor, p.own = i.Anchor, i.Own && i.OwnTimes()
	if err := p.CheckAnchor(p.anchor); err != nil {
		return nil, nil, err
	}
	if f.interval > 0 {
		if p.around, err = i.Interval(f.interval); err != nil {
			return nil, nil, usageError{err}
		}
	}
	p.remark(0)
	for _, w := range p.warnings {
		a.warn("%s", w)
	}
	rows, err := p.rows(ctx, keysOf(i), i.Keys == nil)
	if err != nil {
		return nil, nil, err
	}
	return p, i, p.answer(ctx, rows, 0, a.update)
}

// keysOf are the keys that a question names; nil asks everybody.
func keysOf(i *rowlink.Instant) []askedKey {
	var keys []askedKey
	for _, parts := range i.Keys {
		keys = append(keys, askedKey{strings.Join(parts, ","), parts})
	}
	return keys
}

// fittedJSON says what was fitted for a question and how it did on validation.
type fittedJSON struct {
	Metric     string         `json:"metric"`
	Train      int            `json:"train_examples"`
	Validation int            `json:"validation_examples"`
	Scores     rowlink.Scores `json:"validation"`     // of the metric, by predictor
	Error      rowlink.Scores `json:"standard_error"` // of what answers
	Seconds    float64        `json:"seconds"`

	names  []string
	served string
}

func newFitted(r *rowlink.Report) *fittedJSON {
	f := &fittedJSON{Metric: r.Metric, Train: r.Examples[tasks.Train], Validation: r.Examples[tasks.Val], Scores: rowlink.Scores{}, Error: rowlink.Scores{}, Seconds: r.Seconds, served: r.Served}
	for _, row := range r.Rows {
		f.Scores[row.Name] = row.Val[r.Metric]
		f.names = append(f.names, row.Name)
		if row.Name == r.Served {
			f.Error[row.Name] = row.Errors[tasks.Val.String()]
		}
	}
	return f
}

// text prints the validation scores, best known first to last as they were fitted.
func (f *fittedJSON) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s on %d validation examples after %d of training, then fitted again with both:\n", f.Metric, f.Validation, f.Train)
	for _, n := range f.names {
		fmt.Fprintf(&b, "  %-32s %.4f", n, f.Scores[n])
		if n == f.served {
			fmt.Fprintf(&b, " ± %.4f  <- answers", f.Error[n])
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "fitted in %.1f s\n", f.Seconds)
	return b.String()
}
