package rowlink

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/tabular/recommend"
	"github.com/rowlink/rowlink/tasks"
)

// Later says how good a version's answers were, at anchors from the test anchor on whose label
// windows have closed since: with what was visible then, beside the labels as they turned out.
type Later struct {
	Metric  string        `json:"metric"`
	Trained *float64      `json:"trained"` // the test score that the training reported; nil = it is not defined
	Anchors []AnchorScore `json:"anchors"` // in the order of time, the latest ones
	Whole   Score         `json:"whole"`   // over all of them together
}

// Bounds of what is asked.
const (
	laterAnchors  = 12
	laterExamples = 20_000 // all together
)

// laterGrid lists the anchors on the task's grid, from the test anchor on, whose windows have
// closed: the latest so many, ascending.
func laterGrid(p *predict.Predictor) []int64 {
	o, end := &p.Task.Options, p.DataUntil
	if o.DataUntil != 0 {
		end = min(end, o.DataUntil)
	}
	var out []int64
	for at := o.TestAnchor; at > 0 && o.Closed(at, p.Task.Horizon) <= end; at = o.Add(at, o.Step) {
		out = append(out, at)
	}
	return out[max(0, len(out)-laterAnchors):]
}

// laterLabels labels the grid; nil where nothing has closed. The rows are at most so many,
// spread evenly.
func laterLabels(ctx context.Context, p *predict.Predictor) (labels *tasks.LabelTable, rows []int, err error) {
	grid := laterGrid(p)
	if len(grid) == 0 || p.Task.Raw != nil { // bodies in SQL read the database as it is now
		return nil, nil, nil
	}
	task := *p.Task
	if labels, err = tasks.LabelAt(ctx, p.Snap, &task, grid); err != nil {
		return nil, nil, err
	}
	all := labels.Rows(tasks.Test)
	for k := range min(len(all), laterExamples) {
		rows = append(rows, all[k*len(all)/min(len(all), laterExamples)])
	}
	return labels, rows, nil
}

func (l *Loaded) later(ctx context.Context) (*Later, error) {
	labels, rows, err := laterLabels(ctx, l.Predictor)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	metric, err := tasks.MetricByName(l.Task.Type, l.Report.Metric, l.Scaling)
	if err != nil {
		return nil, err
	}
	o := &Outcome{frames: l.Task.Frames()}
	var queries []model.Query
	for _, r := range rows {
		queries = append(queries, model.Query{Row: labels.Entity[r], Cut: labels.Anchor[r], Anchor: labels.Anchor[r]})
		o.expect(labels, r)
	}
	if o.Predicted, err = l.Scorer.Score(ctx, queries); err != nil {
		return nil, err
	}
	l.Known(labels, o)
	out := &Later{Metric: metric.Name(), Whole: *o.score(metric), Anchors: []AnchorScore{}}
	for _, row := range l.Report.Rows {
		if v, ok := row.Test[out.Metric]; ok && row.Name == l.Served && !math.IsNaN(v) {
			out.Trained = &v
		}
	}
	var s SplitDiagnostics
	s.byAnchor(o, metric)
	out.Anchors = s.ByAnchor
	return out, nil
}

func (l *LoadedRanking) later(ctx context.Context) (*Later, error) {
	labels, rows, err := laterLabels(ctx, l.Predictor)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	metric, err := tasks.RankingMetricByName(l.Report.Metric)
	if err != nil {
		return nil, err
	}
	var queries []recommend.Query
	for _, r := range rows {
		queries = append(queries, recommend.Query{Row: labels.Entity[r], Cut: labels.Anchor[r]})
	}
	lists, err := l.Model.Rank(ctx, queries, l.Task.Ranking.Top)
	if err != nil {
		return nil, err
	}
	score := func(keep func(anchor int64) bool) Score {
		var truth, ranked [][]int32
		for i, r := range rows {
			if !keep(labels.Anchor[r]) {
				continue
			}
			var list []int32
			for _, item := range lists[i] {
				list = append(list, item.Row)
			}
			truth, ranked = append(truth, labels.Items(r)), append(ranked, list)
		}
		v := metric.Compute(truth, ranked, l.Task.Ranking.Top)
		return Score{len(truth), &v}
	}
	out := &Later{Metric: l.Report.Metric, Whole: score(func(int64) bool { return true }), Anchors: []AnchorScore{}}
	var anchors []int64
	for _, r := range rows {
		anchors = append(anchors, labels.Anchor[r])
	}
	for _, at := range slices.Compact(slices.Sorted(slices.Values(anchors))) {
		out.Anchors = append(out.Anchors, AnchorScore{at, score(func(anchor int64) bool { return anchor == at })})
	}
	for _, row := range l.Report.Rows {
		if v, ok := row.Test[out.Metric]; ok && row.Name == l.Report.Served {
			out.Trained = &v
		}
	}
	return out, nil
}

// text prints the scores for people.
func (l *Later) text(w io.Writer) error {
	figure := func(v *float64) string {
		if v == nil {
			return "-"
		}
		return fmt.Sprintf("%.4f", *v)
	}
	fmt.Fprintf(w, "\n%s once labels had closed: %s on %d examples; the training reported %s on test\n", l.Metric, figure(l.Whole.Value), l.Whole.Rows, figure(l.Trained))
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "anchor\texamples\t%s\n", l.Metric)
	for _, a := range l.Anchors {
		fmt.Fprintf(tw, "%s\t%d\t%s\n", moment(a.Anchor), a.Rows, figure(a.Value))
	}
	return tw.Flush()
}
