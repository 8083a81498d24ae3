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
	"github.com/rowlink/rowlink/gnn/tensor"
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
	out := make([]float64, t.Rows)
	for i := range out {
		at, _ := slices.BinarySearch(classes, c.Text(i))
		out[i] = float64(at)
	}
	return out
}

// byBaseline lets a baseline answer where a [predict.Scorer] is asked.
type byBaseline struct{ baseline.Baseline }

func (b byBaseline) Score(ctx context.Context, queries []model.Query) ([]float64, error) {
	q := make([]baseline.Query, len(queries))
	for i := range q {
		q[i] = baseline.Query{Row: queries[i].Row, Cut: queries[i].Cut}
	}
	return b.Predict(ctx, q)
}

// baselines fits every baseline and scores it.
func (f *Fitted) baselines(ctx context.Context) error {
	f.Baselines = map[string]baseline.Baseline{}
	if f.Report.err != nil {
		return f.Report.err
	}
	metric := f.Report.metric
	fit := &baseline.Fit{Data: f.data, Train: baseline.Collect(f.Labels, tasks.Train), Val: baseline.Collect(f.Labels, tasks.Val)}
	fit.Score = func(predicted []float64) float64 {
		v := metric.Compute(fit.Val.Label, predicted)
		if metric.HigherIsBetter() {
			return v
		}
		return -v
	}
	for _, name := range baseline.Names() {
		start := time.Now()
		b, err := baseline.Train(ctx, name, fit)
		if err != nil {
			return err
		}
		f.Baselines[name] = b
		if err := f.score(ctx, name, b.Setting(), byBaseline{b}, start); err != nil {
			return err
		}
		if v := f.Report.Rows[len(f.Report.Rows)-1].Val[metric.Name()]; math.IsNaN(v) && name == "constant" {
			return undefined(metric, f.Labels)
		}
	}
	return nil
}

// undefined says that validation cannot choose: the metric has no value there, as AUROC
// has none for labels of one class.
func undefined(metric tasks.Metric, l *tasks.LabelTable) error {
	return &tasks.Error{Code: "TK206", Msg: fmt.Sprintf("metric %s is undefined on the %d validation labels, so nothing can be chosen by it", metric.Name(), len(l.Rows(tasks.Val))),
		Hint: "raise eval_anchors, or set val_anchor to a time with labels of both kinds"}
}

// scoreNetworks scores the ensemble of networks beside the baselines.
func (f *Fitted) scoreNetworks(ctx context.Context, pool *tensor.Pool) error {
	var members predict.Ensemble
	start, r, first := time.Now(), f.Report, f.Networks[0]
	for _, n := range f.Networks {
		start = start.Add(-n.Elapsed)
		member, err := predict.NewNetwork(n.Bound, f.Task, f.Report.scaling, pool)
		if err != nil {
			return err
		}
		if err := member.CacheRows(ctx, Options{}.rowCache(len(f.Networks))); err != nil {
			return err
		}
		members = append(members, member)
		if len(f.Networks) == 1 {
			continue
		}
		row, err := f.row(ctx, fmt.Sprintf("%s, seed %d", GNN, n.Model.Meta.Seed), fmt.Sprintf("epoch %d of %d", n.Best.Number, len(n.Epochs)), member)
		if err != nil {
			return err
		}
		row.Seconds = n.Elapsed.Seconds()
		r.Members = append(r.Members, row)
	}
	r.Ensemble = len(members)
	r.Model, r.Parameters = first.Model.String(), first.Model.Params.Count()
	r.Epochs, r.BestEpoch = first.Epochs, first.Best.Number
	r.SecondsPerEpoch, r.SeedsPerSecond = first.SecondsPerEpoch, first.SeedsPerSecond
	r.Seed, r.Kernel, r.Weights = first.Model.Meta.Seed, first.Model.Meta.Kernel, first.Model.WeightsHash()
	setting := fmt.Sprintf("epoch %d of %d", first.Best.Number, len(first.Epochs))
	if r.Ensemble > 1 {
		setting = fmt.Sprintf("mean of %d networks", r.Ensemble)
	}
	return f.score(ctx, GNN, setting, members, start)
}

// score adds one row to the report.
func (f *Fitted) score(ctx context.Context, name, setting string, s predict.Scorer, start time.Time) error {
	row, err := f.row(ctx, name, setting, s)
	if err != nil {
		return err
	}
	row.Seconds = time.Since(start).Seconds()
	f.Report.Rows = append(f.Report.Rows, row)
	return nil
}

// row holds every metric of a predictor on validation and test.
func (f *Fitted) row(ctx context.Context, name, setting string, s predict.Scorer) (Row, error) {
	row := Row{Name: name, Setting: setting}
	var err error
	if row.Val, err = Evaluate(ctx, s, f.Labels, f.Report.scaling, tasks.Val); err == nil {
		row.Test, err = Evaluate(ctx, s, f.Labels, f.Report.scaling, tasks.Test)
	}
	if err != nil {
		return row, fmt.Errorf("score %s: %w", name, err)
	}
	return row, nil
}

// Outcome is what came true beside what was predicted, for examples in the order of the
// label table.
type Outcome struct {
	Truth     []float64 // as in [tasks.LabelTable]
	Predicted []float64 // examples x outputs of the task type
	Anchor    []int64
}

// Ask lets a predictor answer the examples of one split. Each reads no further than its
// own feature cut.
func Ask(ctx context.Context, s predict.Scorer, l *tasks.LabelTable, split tasks.Split) (*Outcome, error) {
	rows := l.Rows(split)
	queries := make([]model.Query, len(rows))
	o := &Outcome{Truth: make([]float64, len(rows)), Anchor: make([]int64, len(rows))}
	for i, r := range rows {
		queries[i] = model.Query{Row: l.Entity[r], Cut: l.Cut(r), Anchor: l.Anchor[r]}
		o.Truth[i], o.Anchor[i] = l.Label[r], l.Anchor[r]
	}
	var err error
	o.Predicted, err = s.Score(ctx, queries)
	return o, err
}

// Evaluate computes every metric of the task's type on one split.
func Evaluate(ctx context.Context, s predict.Scorer, l *tasks.LabelTable, scaling *tasks.Scaling, split tasks.Split) (map[string]float64, error) {
	o, err := Ask(ctx, s, l, split)
	if err != nil {
		return nil, err
	}
	out := map[string]float64{}
	for _, name := range tasks.MetricNames(l.Task.Type) {
		m, err := tasks.MetricByName(l.Task.Type, name, scaling)
		if err != nil {
			return nil, err
		}
		out[name] = m.Compute(o.Truth, o.Predicted)
	}
	return out, nil
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
