package main

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"time"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
)

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
