package beam

import (
	"context"
	"fmt"
	"slices"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/ingest/parquet"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/workspace"
)

// Asked is what is asked of a stored version.
type Asked struct {
	Workspace string `json:"workspace,omitempty"` // folder on storage that all workers reach
	Version   string `json:"version,omitempty"`   // number, alias, or empty for prod
	Model     string `json:"model,omitempty"`     // predictor of the version; empty = the one it serves
	Anchor    int64  `json:"anchor,omitempty"`    // microseconds UTC
}

// scoreWork answers for the entities of a piece.
var scoreWork = work{fields: scoreFields, run: runScores}

func scoreFields(j *job) []parquet.Field {
	out := []parquet.Field{{Name: "anchor", Kind: schema.Time}, {Name: "prediction", Kind: schema.Float}}
	if j.task.Type == tasks.Binary {
		out[1].Kind = schema.Bool
		out = append(out, parquet.Field{Name: "probability", Kind: schema.Float})
	}
	return out
}

func runScores(ctx context.Context, p *pieceOf, emit func([]any) error) error {
	w, err := workspace.Open(p.Asked.Workspace)
	if err != nil {
		return err
	}
	d := rowlink.Over(p.snap, w, rowlink.Options{Threads: 1}, p.part())
	l, err := d.Load(ctx, p.task.Name, p.Asked.Version, p.Asked.Model)
	if err != nil {
		return err
	}
	all, err := l.All(ctx, p.Asked.Anchor)
	if err != nil {
		return err
	}
	rows := slices.DeleteFunc(all, func(row int32) bool { return !p.owns(row) || !l.Visible(row, p.Asked.Anchor) })
	if len(rows) == 0 {
		return nil
	}
	answers, err := l.Predict(ctx, rows, p.Asked.Anchor, 0)
	if err != nil {
		return err
	}
	for _, a := range answers {
		cells := append(parquet.KeyCells(p.entities(), a.Row), a.Anchor, a.Value)
		if a.Probability != nil {
			cells = append(cells, *a.Probability)
		}
		if err := emit(cells); err != nil {
			return err
		}
	}
	return nil
}

// Score answers for all entities that are eligible at an anchor (0 = the end of the data)
// with a stored version. Networks on sampled neighbours, means of past labels, linear models,
// trees and blends of them answer from pieces; what features a model has is planned on this
// machine. What no piece can answer is a [ingest.UserError].
func Score(ctx context.Context, d *rowlink.Database, folder, taskName string, asked Asked, opt Options) (*Done, error) {
	l, err := d.Load(ctx, taskName, asked.Version, asked.Model)
	if err != nil {
		return nil, err
	}
	if err := inPieces(l.Task); err != nil {
		return nil, err
	}
	needs, err := l.Needs()
	if err != nil {
		return nil, err
	}
	spec, err := newSpec("score", d.Snap, folder, l.Task, opt)
	if err != nil {
		return nil, err
	}
	spec.ask(d, l, asked)
	spec.Plan.AddLabels(spec.Schema, l.Task)
	spec.need(needs, l.Task)
	if err := spec.scans(l, needs.Scans); err != nil {
		return nil, err
	}
	return spec.run(ctx, d.Snap, opt)
}

// ask says what is asked of a version.
func (s *Spec) ask(d *rowlink.Database, l *rowlink.Loaded, asked Asked) {
	s.Asked = Asked{Workspace: d.Workspace.Dir(), Version: fmt.Sprint(l.Version.Version), Model: l.Served, Anchor: asked.Anchor}
	if asked.Anchor == 0 {
		s.Asked.Anchor = l.DataUntil
	}
}

// spansOf are the spans of all tables.
func spansOf(snap *ingest.Snapshot) []ingest.Span {
	out := make([]ingest.Span, len(snap.Tables))
	for i := range out {
		out[i] = snap.Span(i)
	}
	return out
}
