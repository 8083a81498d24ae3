package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
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

// predictions are the answers of one command.
type predictions struct {
	*predict.Predictor
	from     origin
	entity   *ingest.Table
	anchor   int64
	own      bool // every row is asked about at its own time
	warnings []string
	// explained says that reasons were asked for from a predictor that gives them.
	explained bool
	around    rowlink.Around // nil = no interval is asked for
	top       int            // lines for each single class; 0 = one
	shards    *shardFolder   // nil = the answers are kept nowhere
	list      []predict.Prediction
	faults    []*keyFault
	fitted    *fittedJSON // nil but for query
}

// setAnchor reads --at.
func (p *predictions) setAnchor(at string) (err error) {
	switch at {
	case "":
		p.anchor, p.own = p.DataUntil, p.OwnTimes()
	case "now":
		p.anchor = p.Snap.Taken
	default:
		p.anchor, err = parseInstant(at, p.Task.Options.Zone)
	}
	return cmp.Or(err, p.CheckAnchor(p.anchor))
}

// remark collects what the user should know about the answers.
func (p *predictions) remark(explain int) {
	if p.anchor > p.DataUntil {
		late := time.Duration(p.anchor-p.DataUntil) * time.Microsecond
		p.warnings = append(p.warnings, fmt.Sprintf("TK226: the anchor %s is %s later than the data, which ends at %s: what happened in between is unknown here",
			instant(p.anchor), days(late), instant(p.DataUntil)))
	}
	_, ok := p.Scorer.(predict.Explainer)
	p.explained = ok && explain > 0
	if explain > 0 && !ok {
		p.warnings = append(p.warnings, fmt.Sprintf("%q gives no reasons; --model gnn asks the network, which does", p.from.served))
	}
}

// origin says what answers: a version of a task, or with number 0 what was fitted for the
// question.
type origin struct {
	task    string
	version int
	alias   string // by which the version was found; may be empty
	served  string // name of the predictor
}

// title names task, version and predictor.
func (o origin) title(taskType string) string {
	if o.version == 0 {
		return fmt.Sprintf("%s by %q, fitted for this question", taskType, o.served)
	}
	alias := ""
	if o.alias != "" {
		alias = " (" + o.alias + ")"
	}
	return fmt.Sprintf("task %s, version %d%s: %s by %q", o.task, o.version, alias, taskType, o.served)
}

// days prints a duration for people.
func days(d time.Duration) string {
	const day = 24 * time.Hour
	if d < 2*day {
		return d.Round(time.Second).String()
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}

// rows finds what is to be answered; keys that cannot be are faults.
func (p *predictions) rows(ctx context.Context, asked []askedKey, all bool) ([]int32, error) {
	switch {
	case all && p.own:
		return p.Open(), nil
	case all:
		return p.All(ctx, p.anchor)
	}
	var rows []int32
	for _, k := range asked {
		row, fault := k.find(p.entity)
		if fault == nil && !p.visible(row) {
			fault = absent(p.entity, row, p.anchor)
		}
		if fault != nil {
			p.faults = append(p.faults, fault)
			continue
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// chosen is [predictions.rows] without those of which a condition of the task language does not
// hold at the anchor; an empty one holds of all.
func (p *predictions) chosen(ctx context.Context, asked []askedKey, all bool, condition string) ([]int32, error) {
	rows, err := p.rows(ctx, asked, all)
	if condition == "" || err != nil {
		return rows, err
	}
	if p.own {
		return nil, usage("name a moment with --at", "--where asks at one anchor, and these rows have their own")
	}
	task, err := tql.Filter(p.Task.Text, condition, p.Snap.Schema)
	if err != nil {
		return nil, usageError{err}
	}
	holds, err := tasks.Eligible(ctx, p.Snap, task, rows, p.anchor)
	if err != nil {
		return nil, err
	}
	kept := make([]int32, 0, len(rows))
	for i, row := range rows {
		if holds[i] {
			kept = append(kept, row)
		}
	}
	return kept, nil
}

// visible reports whether a row exists at its anchor.
func (p *predictions) visible(row int32) bool {
	if p.own {
		return p.entity.TimeOf(row) != ingest.Never
	}
	return p.Visible(row, p.anchor)
}

func (p *predictions) ask(ctx context.Context, rows []int32, explain int) ([]predict.Prediction, error) {
	if p.own {
		return p.PredictOwn(ctx, rows, explain)
	}
	return p.Predict(ctx, rows, p.anchor, explain)
}

// nobody says why --all finds no row.
func (p *predictions) nobody() string {
	if p.own {
		return "has an unknown target and is eligible"
	}
	return "is eligible at " + instant(p.anchor)
}

// answerRows is how many rows are asked at a time: enough shards for all threads, and
// between them progress is shown.
const answerRows = 1 << 16

// answer fills the list, in the order of rows.
func (p *predictions) answer(ctx context.Context, rows []int32, explain int, update func(what string, done, total int64, unit string)) error {
	step := answerRows
	if explain > 0 {
		step = 16 // each takes dozens of passes
	}
	if p.shards != nil {
		step = shardRows
	}
	for lo := 0; lo < len(rows); lo += step {
		hi := min(lo+step, len(rows))
		var answers []predict.Prediction
		var err error
		if p.shards != nil {
			answers, err = p.shard(ctx, lo/step, rows[lo:hi])
		} else {
			answers, err = p.ask(ctx, rows[lo:hi], explain)
		}
		if err != nil {
			return err
		}
		for _, one := range answers {
			if !finite(one) {
				p.faults = append(p.faults, &keyFault{p.entity.KeyText(one.Row), "TK500", fmt.Sprintf("%q gave no finite number for %s %s: a fault of the model", p.from.served, p.entity.Def.Name, p.entity.KeyText(one.Row))})
				continue
			}
			p.list = append(p.list, one)
		}
		update("predict", int64(hi), int64(len(rows)), p.entity.Def.Name)
	}
	return nil
}

// finite reports whether every number of a prediction is one.
func finite(p predict.Prediction) bool {
	ok := func(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
	for _, v := range p.Probabilities {
		if !ok(v) {
			return false
		}
	}
	if p.Probability != nil {
		return ok(*p.Probability)
	}
	for _, l := range linesOf(&p) {
		if v, isNumber := l.value.(float64); isNumber && !ok(v) {
			return false
		}
	}
	return true
}
