package predict

import (
	"context"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/ingest"
)

// OwnTimes reports whether rows are asked about at their own times unless an anchor is
// named: those of a target without window are (rule R13).
func (p *Predictor) OwnTimes() bool { return p.Task.Static() && p.entity().Times != nil }

func (p *Predictor) entity() *ingest.Table { return p.Snap.Tables[p.Task.Entity] }

// PredictOwn is [Predictor.Predict] with every row at its own time, at which it sees itself.
func (p *Predictor) PredictOwn(ctx context.Context, rows []int32, explain int) ([]Prediction, error) {
	queries := make([]model.Query, len(rows))
	for i, r := range rows {
		at := p.entity().TimeOf(r)
		queries[i] = model.Query{Row: r, Cut: at, Anchor: at}
	}
	return p.answers(ctx, queries, p.executor.EligibleOwn(rows), explain)
}

// Open lists the eligible rows whose target is not known: what a target without window is
// predicted for.
func (p *Predictor) Open() []int32 {
	rows := make([]int32, 0, p.entity().Rows)
	for row := range int32(p.entity().Rows) {
		if p.entity().TimeOf(row) != ingest.Never {
			rows = append(rows, row)
		}
	}
	return p.executor.Open(rows)
}
