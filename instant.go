package rowlink

import (
	"cmp"
	"context"
	"time"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tabular/calibrate"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
)

// Instant answers a question that no version was trained for: by the best on validation of
// what is fitted in seconds. Its report has the validation scores of all of them, and no
// test scores: every label window that has closed is learned from.
type Instant struct {
	*predict.Predictor
	Report *Report
	Labels *tasks.LabelTable
	Anchor int64      // as AT says; the end of the data without
	Own    bool       // no anchor is named: rows of a target without window are asked at their own times
	Keys   [][]string // parts of each key that the text names; nil = everybody is asked about

	bands calibrate.Bands // nil where there are none
}

// Instant predictors take seconds where networks take minutes. The linear model is not
// among them: it takes longer than all of these together.
var instant = []string{"constant", "entity mean", "decayed entity mean", "boosted trees on as-of features"}

// Instant fits the predictors that take seconds to a task, on all label windows that have
// closed by the anchor of the question: the latest choose among them, and then what was
// chosen is fitted anew with these too. Options of the text that name anchors are kept.
func (d *Database) Instant(ctx context.Context, text string) (*Instant, error) {
	start := time.Now()
	f, out := &Fitted{splits: []tasks.Split{tasks.Val}, quick: true}, &Instant{}
	var err error
	if f.Task, err = d.bind(text); err != nil {
		return nil, err
	}
	if err := out.ask(text, d.Snap, f.Task); err != nil {
		return nil, err
	}
	if err := d.recent(f.Task, out.Anchor); err != nil {
		return nil, err
	}
	if err := d.label(ctx, f); err != nil {
		return nil, err
	}
	f.Labels = f.Labels.Thinned(tasks.Train, instantLearned).Thinned(tasks.Val, instantJudged)
	pool := tensor.NewPool(d.opt.Threads)
	if f.data, err = tabular(f.Graph, f.Task, f.Labels, pool); err != nil {
		return nil, err
	}
	f.Report = newReport(d, f)
	if err := f.baselines(ctx, instant); err != nil {
		return nil, err
	}
	if err := f.blend("auto"); err != nil {
		return nil, err
	}
	out.Report, out.Labels = f.Report, f.Labels
	s, err := f.again(ctx, FitOptions{}, pool)
	if err != nil {
		return nil, err
	}
	s, out.bands = f.honest(s)
	if out.Predictor, err = predict.New(d.Snap, f.Task, s, f.Labels.Classes, tasks.DataUntil(d.Snap, f.Task)); err != nil {
		return nil, err
	}
	f.Report.finish(start)
	return out, f.Report.err
}

// honest puts the answers of what is served right by those to the validation examples.
func (f *Fitted) honest(s predict.Scorer) (predict.Scorer, calibrate.Bands) {
	if f.Task.Type == tasks.Multilabel {
		return s, nil
	}
	val := f.outcomes[f.Report.Served][tasks.Val]
	a := calibrate.Answers{Truth: val.Truth, Predicted: val.Predicted, Anchor: val.groups()}
	if f.Task.Type == tasks.Regression || f.Task.Forecast != nil {
		return s, calibrate.NewBands(a, f.Task.Frames(), f.floor())
	}
	return calibrateScorer(s, calibrate.Choose(a)), nil
}

// Bounds of what an instant answer learns from: of validation anchors, of examples, counted
// as if every row of the entity table gave one at every anchor, and of those that are then
// drawn, by a hash of key and anchor, to learn from and to judge by.
const (
	instantVal      = 12
	instantExamples = 200_000
	instantLearned  = 15_000
	instantJudged   = 5_000
)

// ask reads whom and when a text asks about.
func (i *Instant) ask(text string, snap *ingest.Snapshot, task *tasks.Task) error {
	script, err := tql.Parse(text)
	if err != nil {
		return err
	}
	i.Anchor = tasks.DataUntil(snap, task)
	q := tql.QueryOf(script.Statements[0])
	if q.Selection != nil {
		i.Keys = [][]string{}
		for _, k := range q.Selection.Keys {
			var parts []string
			for _, p := range k.Parts {
				parts = append(parts, p.Text)
			}
			i.Keys = append(i.Keys, parts)
		}
	}
	switch {
	case q.At == nil || q.At.Kind == tql.AtEntity:
		i.Own = true
	case q.At.Kind == tql.AtLatest:
	case q.At.Kind == tql.AtNow:
		i.Anchor = snap.Taken
	default:
		at, err := tql.ParseDateTime(q.At.Value.Text)
		if err != nil {
			return err
		}
		zone := task.Options.Zone
		if zone == nil {
			zone = time.UTC
		}
		i.Anchor = at.In(zone)
	}
	return nil
}

// recent sets the anchors of a task so that every window that has closed by an instant is
// learned from: the latest anchors, a fifth of all and at most twelve, are validation,
// and those before them training. Anchors that the text names stay.
func (d *Database) recent(task *tasks.Task, until int64) error {
	o := &task.Options
	given := o.TestAnchor != 0 || o.ValAnchor != 0
	if !given {
		o.DataUntil = min(until, cmp.Or(o.DataUntil, tasks.DataUntil(d.Snap, task)))
	}
	if err := tasks.Resolve(task, d.Snap); err != nil || given || task.Static() {
		return err
	}
	last, n := o.TestAnchor, 0 // the latest with closed windows, and how many there are
	for at := last; at >= o.DataFrom && n < 5*instantVal; at = o.Add(at, o.Step.Times(-1)) {
		n++
	}
	o.EvalAnchors = max(1, n/5)
	o.ValAnchor = o.Add(last, o.Step.Times(1-o.EvalAnchors))
	o.TestAnchor, o.NoTest = o.Add(last, task.Horizon), true
	if o.TrainAnchors == 0 {
		o.TrainAnchors = max(4, instantExamples/max(1, d.Snap.Tables[task.Entity].Rows))
	}
	return nil
}

// label computes the label table of a task and links the rows.
func (d *Database) label(ctx context.Context, f *Fitted) (err error) {
	if f.Labels, err = tasks.Label(ctx, d.Snap, f.Task, d.opt.Threads); err != nil {
		return err
	}
	f.labelHash = f.Labels.Hash()
	if err := d.keepEntities(ctx, f.Task); err != nil {
		return err
	}
	links, err := d.links()
	if err != nil {
		return err
	}
	f.Graph, err = model.GraphOver(ctx, links, f.Task, true)
	return err
}
