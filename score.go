package rowlink

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tabular/baseline"
	"github.com/rowlink/rowlink/tasks"
)

// historyLabels returns the label of each row of the target history, the graph's last
// table: the value, or the position of the class.
func historyLabels(g *graph.Graph, classes []string) []float64 {
	t := g.Snap.Tables[len(g.Snap.Tables)-1]
	if t.Def.FullName() != model.HistoryName {
		return nil
	}
	c := &t.Columns[t.Def.Column("label")]
	if c.Kind != schema.Text {
		return c.Floats
	}
	place := map[string]int{} // classes that are numbers are in the order of those
	for at, class := range classes {
		place[class] = at
	}
	out := make([]float64, t.Rows)
	for i := range out {
		out[i] = float64(place[c.Text(i)])
	}
	return out
}

// byBaseline lets a baseline answer where a [predict.Scorer] is asked.
type byBaseline struct{ baseline.Baseline }

func (b byBaseline) Score(ctx context.Context, queries []model.Query) ([]float64, error) {
	q := make([]baseline.Query, len(queries))
	for i := range q {
		q[i] = baseline.Query{Row: queries[i].Row, Cut: queries[i].Cut, Anchor: queries[i].Anchor}
	}
	return b.Predict(ctx, q)
}

// baselines fits the named baselines and scores them.
func (f *Fitted) baselines(ctx context.Context, names []string) error {
	f.Baselines, f.outcomes = map[string]baseline.Baseline{}, map[string]outcomes{}
	if f.Report.err != nil {
		return f.Report.err
	}
	metric, fit := f.Report.metric, f.fit()
	for _, name := range names {
		f.begin(name)
		start := time.Now()
		b, err := baseline.Train(ctx, name, fit)
		if err != nil {
			return err
		}
		f.Baselines[name] = b
		o, err := f.ask(ctx, name, byBaseline{b})
		if err != nil {
			return err
		}
		if err := f.add(name, b.Setting(), o, time.Since(start)); err != nil {
			return err
		}
		if v := f.Report.Rows[len(f.Report.Rows)-1].Val[metric.Name()]; math.IsNaN(v) && name == "constant" {
			return undefined(metric, f.Labels)
		}
	}
	return nil
}

// fit is what baselines learn from.
func (f *Fitted) fit() *baseline.Fit {
	metric := f.Report.metric
	fit := &baseline.Fit{Data: f.data, Quick: f.quick, Train: baseline.Collect(f.Labels, tasks.Train), Val: baseline.Collect(f.Labels, tasks.Val)}
	fit.Score = func(predicted []float64) float64 {
		v := metric.Compute(fit.Val.Label, predicted)
		if metric.HigherIsBetter() {
			return v
		}
		return -v
	}
	fit.Watch = fit.Score
	return fit
}

// undefinedMetric is the code of the error that says so.
const undefinedMetric = "TK206"

// undefined says that validation cannot choose: the metric has no value there, as AUROC
// has none for labels of one class.
func undefined(metric tasks.Metric, l *tasks.LabelTable) error {
	return &tasks.Error{Code: undefinedMetric, Msg: fmt.Sprintf("metric %s is undefined on the %d validation labels, so nothing can be chosen by it", metric.Name(), len(l.Rows(tasks.Val))),
		Hint: "raise eval_anchors, or set val_anchor to a time with labels of both kinds"}
}

// outcomes are a predictor's, by split.
type outcomes map[tasks.Split]*Outcome

// ask lets a predictor answer the splits that are looked at.
func (f *Fitted) ask(ctx context.Context, name string, s predict.Scorer) (outcomes, error) {
	out := outcomes{}
	for _, split := range f.splits {
		o, err := Ask(ctx, s, f.Labels, split)
		if err != nil {
			return nil, fmt.Errorf("score %s: %w", name, err)
		}
		out[split] = o
	}
	return out, nil
}

// add adds one row to the report and keeps what the predictor answered.
func (f *Fitted) add(name, setting string, o outcomes, took time.Duration) error {
	row, err := f.row(name, setting, o, took)
	if err != nil {
		return err
	}
	f.Report.Rows = append(f.Report.Rows, row)
	f.outcomes[name] = o
	return nil
}

// row holds every metric of a predictor on validation and test, and the standard errors
// of the one that chooses.
func (f *Fitted) row(name, setting string, o outcomes, took time.Duration) (Row, error) {
	row := Row{Name: name, Setting: setting, Seconds: took.Seconds(), Errors: Scores{}}
	for split, into := range map[tasks.Split]*Scores{tasks.Val: &row.Val, tasks.Test: &row.Test} {
		if o[split] == nil {
			continue
		}
		var err error
		if *into, err = o[split].scores(f.Task.Type, f.Report.scaling); err != nil {
			return row, fmt.Errorf("score %s: %w", name, err)
		}
		row.Errors[split.String()] = o[split].standardError(f.Report.metric)
	}
	return row, nil
}

// standardError is that of a metric over draws of anchors, fewer draws the more examples
// there are, at least 20; NaN where nothing can be drawn.
func (o *Outcome) standardError(m tasks.Metric) float64 {
	if len(o.Truth) < 2 {
		return math.NaN()
	}
	rounds := min(200, max(20, 200*20_000/len(o.Truth)))
	return tasks.Bootstrap(m, o.Truth, o.Predicted, o.groups(), rounds, blendSeed)
}

// groups are the anchors of the examples, which are drawn as wholes; where there is but
// one anchor, every example counts as a group of its own.
func (o *Outcome) groups() []int64 {
	if len(o.Anchor) == 0 || slices.ContainsFunc(o.Anchor, func(a int64) bool { return a != o.Anchor[0] }) {
		return o.Anchor
	}
	each := make([]int64, len(o.Anchor))
	for i := range each {
		each[i] = int64(i / max(1, o.frames))
	}
	return each
}

// Outcome is what came true beside what was predicted, for examples in the order of the
// label table. Each timeframe of a forecast counts as an example of its own.
type Outcome struct {
	Truth     []float64 // as in [tasks.LabelTable]
	Predicted []float64 // examples x outputs of the task type
	Anchor    []int64

	frames int // of a forecast
}

// Ask lets a predictor answer the examples of one split. Each reads no further than its
// own feature cut.
func Ask(ctx context.Context, s predict.Scorer, l *tasks.LabelTable, split tasks.Split) (*Outcome, error) {
	rows := l.Rows(split)
	queries := make([]model.Query, len(rows))
	o := &Outcome{frames: l.Task.Frames()}
	for i, r := range rows {
		queries[i] = model.Query{Row: l.Entity[r], Cut: l.Cut(r), Anchor: l.Anchor[r]}
		o.expect(l, r)
	}
	var err error
	o.Predicted, err = s.Score(ctx, queries)
	return o, err
}

// expect adds the truth of one example.
func (o *Outcome) expect(l *tasks.LabelTable, row int) {
	for _, y := range l.Truth(row) {
		o.Truth, o.Anchor = append(o.Truth, y), append(o.Anchor, l.Anchor[row])
	}
}

// scores computes every metric of a task type.
func (o *Outcome) scores(taskType string, scaling *tasks.Scaling) (Scores, error) {
	out := Scores{}
	for _, name := range tasks.MetricNames(taskType) {
		m, err := tasks.MetricByName(taskType, name, scaling)
		if err != nil {
			return nil, err
		}
		out[name] = m.Compute(o.Truth, o.Predicted)
	}
	return out, nil
}

// Evaluate computes every metric of the task's type on one split.
func Evaluate(ctx context.Context, s predict.Scorer, l *tasks.LabelTable, scaling *tasks.Scaling, split tasks.Split) (map[string]float64, error) {
	o, err := Ask(ctx, s, l, split)
	if err != nil {
		return nil, err
	}
	return o.scores(l.Task.Type, scaling)
}

// states returns the stored form of every baseline, by name.
func (f *Fitted) states() (map[string]json.RawMessage, error) {
	out := map[string]json.RawMessage{}
	for name, b := range f.Baselines {
		state, err := json.Marshal(b)
		if err != nil {
			return nil, fmt.Errorf("store baseline %s: %w", name, err)
		}
		out[name] = state
	}
	return out, nil
}
