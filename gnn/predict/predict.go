package predict

import (
	"context"
	"fmt"
	"slices"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tasks"
)

// Predictor answers for one task over one snapshot. It is safe for concurrent use.
type Predictor struct {
	Task      *tasks.Task
	Snap      *ingest.Snapshot
	Scorer    Scorer
	Classes   []string // multiclass
	DataUntil int64    // latest time in the tables that the task aggregates
	DataFrom  int64    // earliest time in the database

	executor *tasks.Executor
}

// New returns a predictor that scores with s. dataUntil is how fresh the snapshot is for
// the task (rule R10).
func New(snap *ingest.Snapshot, task *tasks.Task, s Scorer, classes []string, dataUntil int64) (*Predictor, error) {
	x, err := tasks.NewExecutor(snap, task, 0)
	if err != nil {
		return nil, err
	}
	return &Predictor{Task: task, Snap: snap, Scorer: s, Classes: classes, DataUntil: dataUntil, DataFrom: task.Options.DataFrom, executor: x}, nil
}

// Prediction is the answer for one entity.
type Prediction struct {
	Row           int32
	Anchor        int64
	Value         any                // bool, float64, class name, set of those ([]string), or a number per timeframe ([]float64)
	Probability   *float64           // of the positive class
	Probabilities map[string]float64 // by class
	Eligible      bool               // WHERE holds at the anchor
	Reasons       []Reason
}

// AnchorError says that an anchor lies before the data.
type AnchorError struct{ Anchor, First string }

func (e *AnchorError) Error() string {
	return fmt.Sprintf("anchor %s lies before the data, which begins at %s", e.Anchor, e.First)
}

// Predict answers for rows of the entity table at an anchor, with the largest explain
// reasons each. Every row is scored, whether WHERE holds for it or not (rule R3); no row
// beyond the anchor is read. Rows must be visible at the anchor: see [Predictor.Visible].
func (p *Predictor) Predict(ctx context.Context, rows []int32, anchor int64, explain int) ([]Prediction, error) {
	if err := p.CheckAnchor(anchor); err != nil {
		return nil, err
	}
	eligible, err := p.executor.Eligible(ctx, rows, anchor)
	if err != nil {
		return nil, err
	}
	return p.answers(ctx, ask(rows, anchor), eligible, explain)
}

// answers scores queries.
func (p *Predictor) answers(ctx context.Context, queries []model.Query, eligible []bool, explain int) ([]Prediction, error) {
	scores, err := p.Scorer.Score(ctx, queries)
	if err != nil {
		return nil, err
	}
	width := max(len(p.Classes), p.Task.Frames())
	out := make([]Prediction, len(queries))
	for i, q := range queries {
		out[i] = p.answer(scores[i*width : (i+1)*width])
		out[i].Row, out[i].Anchor, out[i].Eligible = q.Row, q.Anchor, eligible[i]
		if e, ok := p.Scorer.(Explainer); ok && explain > 0 {
			out[i].Reasons = p.reasons(e, queries[i], explain)
		}
	}
	return out, nil
}

// reasons are those of what is predicted; of a forecast, of its first timeframe.
func (p *Predictor) reasons(e Explainer, q model.Query, top int) []Reason {
	if p.Task.Forecast != nil {
		return Largest(e.Effects(q, 0), top)
	}
	return e.Explain(q, top)
}

// ask makes the queries for rows at an anchor.
func ask(rows []int32, anchor int64) []model.Query {
	queries := make([]model.Query, len(rows))
	for i, r := range rows {
		queries[i] = model.Query{Row: r, Cut: anchor, Anchor: anchor}
	}
	return queries
}

// Plan says in a line how Predict would score rows at an anchor: each on a sampled
// neighbourhood of its own, or all layer by layer, and why. It is empty for a scorer that
// has no choice.
func (p *Predictor) Plan(rows []int32, anchor int64) string {
	if s, ok := p.Scorer.(planner); ok {
		return s.Plan(ask(rows, anchor))
	}
	return ""
}

// planner is a scorer that chooses how it goes about queries.
type planner interface {
	Plan(queries []model.Query) string
}

// Explainer is a [Scorer] that can name what moved a prediction.
type Explainer interface {
	// Explain returns the largest effects on what is predicted, largest first.
	Explain(q model.Query, top int) []Reason
	// Effects returns all effects on one output, in a fixed order.
	Effects(q model.Query, output int) []Reason
}

// CheckAnchor refuses an anchor before the data.
func (p *Predictor) CheckAnchor(anchor int64) error {
	if anchor < p.DataFrom {
		return &AnchorError{instant(anchor), instant(p.DataFrom)}
	}
	return nil
}

// answer turns the outputs of one row into its prediction.
func (p *Predictor) answer(out []float64) Prediction {
	switch p.Task.Type {
	case tasks.Binary:
		return Prediction{Value: out[0] > 0.5, Probability: &out[0]}
	case tasks.Multilabel:
		return p.set(out)
	case tasks.Multiclass:
		best, all := 0, map[string]float64{}
		for c, v := range out {
			all[p.Classes[c]] = v
			if v > out[best] {
				best = c
			}
		}
		return Prediction{Value: p.Classes[best], Probabilities: all}
	}
	if p.Task.Forecast != nil {
		return Prediction{Value: slices.Clone(out)}
	}
	return Prediction{Value: out[0]}
}

// Visible reports whether a row of the entity table exists at the anchor (TK409 if not).
func (p *Predictor) Visible(row int32, anchor int64) bool {
	return p.Task.Options.IgnoreEntityTime || p.Snap.Tables[p.Task.Entity].VisibleAt(p.Task.Options.Rule, row, anchor)
}

// All lists the rows that are eligible at an anchor.
func (p *Predictor) All(ctx context.Context, anchor int64) ([]int32, error) {
	rows := make([]int32, p.Snap.Tables[p.Task.Entity].Rows)
	for i := range rows {
		rows[i] = int32(i)
	}
	eligible, err := p.executor.Eligible(ctx, rows, anchor)
	if err != nil {
		return nil, err
	}
	var out []int32
	for i, ok := range eligible {
		if ok {
			out = append(out, rows[i])
		}
	}
	return out, nil
}
