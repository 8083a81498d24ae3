package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/server"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/workspace"
)

// Predict implements [server.Backend].
func (b *backend) Predict(ctx context.Context, req server.PredictRequest) (*server.PredictAnswer, error) {
	s, alias, err := b.find(ctx, req)
	if err != nil {
		return nil, err
	}
	anchor := s.dataUntil()
	if !req.Anchor.IsZero() {
		anchor = req.Anchor.UnixMicro()
	}
	if err := s.CheckAnchor(anchor); err != nil {
		return nil, server.Invalid{Code: "TK194", Detail: err.Error(), Pointer: "/anchor",
			Hint: "leave it out to predict at the end of the data, " + jsonInstant(s.dataUntil())}
	}
	out := &server.PredictAnswer{Type: s.Task.Type, Version: strconv.Itoa(s.Version.Version), Alias: alias,
		Anchor: time.UnixMicro(anchor).UTC(), DataUntil: time.UnixMicro(s.dataUntil()).UTC(), Regime: tasks.Rolling.String()}
	var rows []int32
	var at []int // position of each row in the request
	for i, raw := range req.Entities {
		row, fault := s.row(raw, anchor)
		if fault.Code != "" {
			fault.Index = i
			out.Errors = append(out.Errors, fault)
			continue
		}
		rows, at = append(rows, row), append(at, i)
	}
	answers, err := s.ask(ctx, rows, anchor, req.ExplainTop)
	if err != nil {
		return nil, err
	}
	for i, p := range answers {
		out.Predictions = append(out.Predictions, s.prediction(at[i], p, req.ExplainTop))
	}
	return out, nil
}

// find returns the version that a request asks for, and the alias by which.
func (b *backend) find(ctx context.Context, req server.PredictRequest) (s *served, alias string, err error) {
	if err := b.known(req.Task); err != nil {
		return nil, "", err
	}
	if req.Version == "" {
		alias = cmp.Or(req.Alias, workspace.Prod)
	}
	if s := b.inService(req.Task); s != nil && alias == workspace.Prod {
		return s, alias, nil
	}
	if isNumber(alias) || req.Version != "" && !isNumber(req.Version) {
		return nil, "", server.NotFound{Detail: fmt.Sprintf("task %q has no version %q", req.Task, req.Version+alias),
			Hint: "?version= takes a number, ?alias= a name"}
	}
	m, err := b.db.Workspace.Model(req.Task, req.Version+alias) // one of them is empty
	if missing := (*workspace.NotFoundError)(nil); errors.As(err, &missing) {
		return nil, "", noVersion(missing)
	}
	if err != nil {
		return nil, "", err
	}
	s, err = b.get(ctx, req.Task, m.Version)
	return s, alias, err
}

func isNumber(s string) bool { _, err := strconv.Atoi(s); return err == nil }

// noVersion answers without the folder of the workspace, which is nobody's business.
func noVersion(e *workspace.NotFoundError) error {
	if e.Name == workspace.Prod {
		return server.NotFound{Detail: fmt.Sprintf("task %q has no version in service", e.Task), Hint: e.Hint()}
	}
	return server.NotFound{Detail: fmt.Sprintf("task %q has no version %q", e.Task, e.Name), Hint: e.Hint()}
}

// known refuses tasks that are not served here.
func (b *backend) known(task string) error {
	if b.inService(task) != nil {
		return nil
	}
	names, err := b.names()
	if err != nil {
		return err
	}
	missing := &workspace.NotFoundError{Kind: "task", Name: task, Have: names, Advice: "rowlink train makes one"}
	if slices.Contains(names, task) {
		return nil
	}
	return server.NotFound{Detail: fmt.Sprintf("no task %q", task), Hint: missing.Hint()}
}

// row finds the entity of one key, or says why there is none at the anchor.
func (s *served) row(raw []byte, anchor int64) (int32, server.RowError) {
	key, err := s.entity.ParseJSONKey(raw)
	if err != nil {
		return 0, server.RowError{Code: server.CodeKeyType, Detail: err.Error()}
	}
	row, ok := s.entity.Find(key)
	if !ok {
		return 0, server.RowError{Code: server.CodeUnknownKey, Detail: fmt.Sprintf("no %s with key %s", s.entity.Def.Name, raw)}
	}
	if !s.Visible(row, anchor) {
		return 0, server.RowError{Code: server.CodeNotYet, Detail: s.absence(row, anchor)}
	}
	return row, server.RowError{}
}

// absence says why a row does not exist at an anchor.
func (s *served) absence(row int32, anchor int64) string {
	t := s.entity
	name := t.Def.Name + " " + t.KeyText(row)
	switch at := t.Times[row]; {
	case t.Until != nil && t.Until[row] <= anchor:
		return name + " is known until " + jsonInstant(t.Until[row]) + " only"
	case at == ingest.Never:
		return name + " has no time, so it is never visible"
	default:
		return name + " is known from " + jsonInstant(at) + " on"
	}
}

// jsonInstant prints microseconds UTC as an anchor is written in a request.
func jsonInstant(micros int64) string { return time.UnixMicro(micros).UTC().Format(time.RFC3339Nano) }

// ask scores rows. Explaining one takes dozens of passes over its rows, so there the
// context is asked between rows; a prediction is the same alone as among others.
func (s *served) ask(ctx context.Context, rows []int32, anchor int64, explain int) ([]predict.Prediction, error) {
	if explain == 0 || len(rows) == 0 {
		return s.Loaded.Predict(ctx, rows, anchor, 0)
	}
	var out []predict.Prediction
	for i := range rows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		one, err := s.Loaded.Predict(ctx, rows[i:i+1], anchor, explain)
		if err != nil {
			return nil, err
		}
		out = append(out, one...)
	}
	return out, nil
}

func (s *served) prediction(index int, p predict.Prediction, explain int) server.Prediction {
	out := server.Prediction{Index: index, Value: p.Value, Probability: p.Probability, Probabilities: p.Probabilities, Eligible: p.Eligible}
	if !p.Eligible {
		out.Reason = "WHERE does not hold at the anchor"
	}
	if explain > 0 {
		out.Explanation = s.explanation(p)
	}
	return out
}

// explainer is a [predict.Scorer] that names the rows behind a prediction.
type explainer interface {
	Explain(q model.Query, top int) []predict.Reason
}

func (s *served) explanation(p predict.Prediction) *server.Explanation {
	e := &server.Explanation{Method: "occlusion", Score: explainedScore(p)}
	if _, ok := s.Scorer.(explainer); !ok {
		e.Method, e.Note = "none", fmt.Sprintf("version %d answers by %q, which has no explanation; rowlink train --model gnn makes a version that has", s.Version.Version, s.Served)
	}
	for _, r := range p.Reasons {
		item := server.ExplanationItem{Table: r.Table, Rows: r.Rows, Path: r.Path, Key: r.Key, Effect: r.Effect}
		if r.Time != 0 {
			item.Time = time.UnixMicro(r.Time).UTC()
		}
		e.Items = append(e.Items, item)
	}
	return e
}

// explainedScore is the number that effects are differences of.
func explainedScore(p predict.Prediction) float64 {
	switch {
	case p.Probability != nil:
		return *p.Probability
	case p.Probabilities != nil:
		best := 0.0
		for _, v := range p.Probabilities {
			best = max(best, v)
		}
		return best
	}
	v, _ := p.Value.(float64)
	return v
}
