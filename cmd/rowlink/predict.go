package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

func init() { subcommands.Add("predict", predictCommand) }

// predictFlags are the flags of predict.
type predictFlags struct {
	storedFlags
	keys     []string
	keysFile string
	all      bool
	at       string
	explain  int
	top      int
	interval float64
	out      string
	where    string
	to       toTable
	job      bool
	shards   string // folder
}

func predictCommand(a *app) *cobra.Command {
	var f predictFlags
	cmd := &cobra.Command{
		Use:   "predict TASK",
		Short: "Ask a stored version for predictions: by key, from a file of keys, or for all",
		Long: `predict answers for rows of the task's entity table at an anchor, reading no row beyond it. Every
asked key is scored; "eligible" says whether the task's WHERE holds for it. With --all the eligible
rows are scored. The anchor is the end of the data unless --at names another; for a target without
window it is each row's own time, and --all scores the rows whose target is not known. A key that cannot be
answered is told on stderr (TK400 unreadable, TK404 unknown, TK409 not yet visible) and the others are
answered; the exit code is 2 when none was. TASK is a stored task, or a file that creates one.`,
		Example: "  rowlink predict churn --key 10042 --key 10043 --explain 3\n" +
			"  rowlink predict churn --keys customers.csv --at 2024-12-01\n" +
			"  rowlink predict churn --all --out churn.csv\n" +
			"  rowlink predict churn --all --to postgres://writer@localhost/shop --table churn_scores",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd.Flags().Changed); err != nil {
				return err
			}
			if f.job {
				ctx, stop := a.asJob(cmd.Context())
				defer stop()
				cmd.SetContext(ctx)
			}
			if r, err := a.ranking(cmd.Context(), args[0], f.storedFlags); err != nil {
				return err
			} else if r != nil {
				defer r.db.Close()
				return a.rank(cmd.Context(), r, f)
			}
			m, err := a.stored(cmd.Context(), args[0], f.storedFlags)
			if err != nil {
				return err
			}
			defer m.db.Close()
			return a.predict(cmd.Context(), m, f)
		},
	}
	f.registerPredict(cmd)
	cmd.Flags().BoolVar(&f.job, "job", false, "report to the server that runs this as a job")
	cmd.Flags().StringVar(&f.shards, "shards", "", "with --all: folder that keeps the answers, so that an interrupted run goes on from there")
	_ = cmd.Flags().MarkHidden("job") // it is there
	_ = cmd.Flags().MarkHidden("shards")
	return cmd
}

func (f *predictFlags) registerPredict(cmd *cobra.Command) {
	c := cmd.Flags()
	c.StringArrayVar(&f.keys, "key", nil, "key of a row to answer for (repeatable; a composite key as 1,a)")
	c.StringVar(&f.keysFile, "keys", "", "file with one key per line, or CSV with the key columns in its header; - is stdin")
	c.BoolVar(&f.all, "all", false, "answer for all rows that are eligible")
	c.StringVar(&f.where, "where", "", "with --all: only rows of which this condition holds at the anchor, written as the WHERE of a task")
	c.StringVar(&f.at, "at", "", "anchor: a date or time in the task's zone, or now (default: the end of the data)")
	c.IntVar(&f.explain, "explain", 0, "name this many groups of rows, or rows, that moved each prediction")
	c.IntVar(&f.top, "top", 0, "of a single class: one line for each of the likeliest so many, in tables for people")
	c.Float64Var(&f.interval, "interval", 0, "of a value: also print the interval that is to hold this share of cases, such as 0.9")
	c.StringVar(&f.out, "out", "", "write to this .csv, .parquet, .arrow or .ndjson file instead of stdout")
	f.to.register(c, "predictions")
	f.register(cmd)
}

// check refuses what can be told before anything is read.
func (f *predictFlags) check(given func(flag string) bool) error {
	asked := len(f.keys) > 0 || f.keysFile != ""
	if err := f.storedFlags.check(); err != nil {
		return err
	}
	if err := f.to.check(); err != nil {
		return err
	}
	switch {
	case f.all && asked:
		return usage("take one of them", "--all answers for everybody, --key and --keys for some")
	case !f.all && f.where != "":
		return usage("write --all --where CONDITION", "--where chooses among all rows")
	case !f.all && !asked:
		return usage("write --key KEY, --keys FILE or --all", "nobody is asked about")
	case given("interval") && !(f.interval > 0 && f.interval < 1):
		return usage("write the share of cases that it is to hold: --interval 0.9", "--interval is %g, want a number between 0 and 1", f.interval)
	case f.top < 0:
		return usage("", "--top is %d, want 0 or more", f.top)
	case f.explain < 0:
		return usage("", "--explain is %d, want 0 or more", f.explain)
	case f.explain > 0 && f.out != "" && filepath.Ext(f.out) != ".ndjson":
		return usage("take --out FILE.ndjson, or --json > FILE, for predictions with reasons", "--explain has no place in the file of --out")
	case f.out == "":
		return nil
	}
	return checkPredictionsOut(f.out)
}

func checkOutFolder(path string) error {
	if st, err := os.Stat(filepath.Dir(path)); err != nil || !st.IsDir() {
		return usage("", "--out %s: there is no folder %q", path, filepath.Dir(path))
	}
	return nil
}

// predict answers and prints.
func (a *app) predict(ctx context.Context, m *storedModel, f predictFlags) error {
	p, err := a.predictions(ctx, m, f, func(p *predictions) ([]askedKey, error) { return a.askedKeys(p, f) })
	if err != nil {
		return err
	}
	if f.to.url != "" {
		return a.writeTable(ctx, p, f.to)
	}
	return a.show(p, f)
}

// predictions answers for all who are eligible, or for the asked keys.
func (a *app) predictions(ctx context.Context, m *storedModel, f predictFlags, keys func(*predictions) ([]askedKey, error)) (*predictions, error) {
	p := &predictions{Predictor: m.Predictor, from: m.origin(), entity: m.Snap.Tables[m.Task.Entity], top: f.top}
	if err := p.setAnchor(f.at); err != nil {
		return nil, err
	}
	if f.interval > 0 {
		var err error
		if p.around, err = m.Interval(f.interval); err != nil {
			return nil, usageError{err}
		}
	}
	p.remark(f.explain)
	for _, w := range p.warnings {
		a.warn("%s", w)
	}
	asked, err := keys(p)
	if err != nil {
		return nil, err
	}
	rows, err := p.chosen(ctx, asked, f.all, f.where)
	if err != nil {
		return nil, err
	}
	if f.all && f.shards != "" && f.explain == 0 {
		p.shards = &shardFolder{dir: f.shards}
	}
	if f.all && !p.own {
		if plan := p.Plan(rows[:min(answerRows, len(rows))], p.anchor); plan != "" {
			a.say("%s", plan)
		}
	}
	return p, p.answer(ctx, rows, f.explain, a.update)
}

// show prints the answers and the keys without one, or writes the answers to a file. When
// no key was answered, nothing is written.
func (a *app) show(p *predictions, f predictFlags) error {
	a.say("%s, data until %s", p.from.title(p.Task.Type), instant(p.DataUntil))
	if len(p.list)+len(p.faults) == 0 {
		a.say("no row of %s %s", p.entity.Def.Name, p.nobody())
	}
	for _, e := range p.faults {
		fmt.Fprintf(a.err, "%s: %s\n", e.Code, e.Detail)
	}
	none := len(p.list) == 0 && len(p.faults) > 0
	out := f.out
	if none {
		out = ""
	}
	if out != "" {
		if err := p.write(out); err != nil {
			return err
		}
		a.say("wrote %d predictions to %s", len(p.list), out)
	}
	if out == "" || a.json {
		if err := a.print(p.document(out), p.text); err != nil {
			return err
		}
	}
	if none {
		return usageError{silentError{errors.New("no key could be answered")}}
	}
	return nil
}

// askedKeys collects the keys of --key and --keys.
func (a *app) askedKeys(p *predictions, f predictFlags) ([]askedKey, error) {
	var asked []askedKey
	for _, k := range f.keys {
		asked = append(asked, askedKey{text: k})
	}
	if f.keysFile == "" {
		return asked, nil
	}
	more, err := a.readKeys(f.keysFile, p.entity.Def.Names(p.entity.Def.Key))
	if err == nil && len(more) == 0 {
		err = usage("write one key per line", "%s holds no key", f.keysFile)
	}
	return append(asked, more...), err
}
