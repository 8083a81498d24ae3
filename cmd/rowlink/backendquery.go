package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/server"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
)

var _ server.Asker = (*backend)(nil)

// Query implements [server.Asker]: as rowlink query, over the served snapshot.
func (b *backend) Query(ctx context.Context, req server.QueryRequest) (*server.QueryAnswer, error) {
	if st := explainIn(req.Text); st != nil {
		return b.explain(ctx, st, req)
	}
	i, err := b.db.Instant(ctx, req.Text)
	if err != nil {
		return nil, wrongText(err, "/query")
	}
	p := &predictions{Predictor: i.Predictor, from: origin{task: i.Task.Name, served: i.Report.Served}, entity: i.Snap.Tables[i.Task.Entity]}
	p.anchor, p.own = i.Anchor, i.Own && i.OwnTimes()
	if err := p.CheckAnchor(p.anchor); err != nil {
		return nil, server.Invalid{Code: "TK194", Detail: err.Error(), Pointer: "/query", Hint: "ask AT a moment that the data reaches"}
	}
	if req.Interval > 0 {
		if p.around, err = i.Interval(req.Interval); err != nil {
			return nil, noInterval(err)
		}
	}
	rows, err := p.rows(ctx, keysOf(i), i.Keys == nil)
	if err != nil {
		return nil, err
	}
	if len(rows) > req.Most {
		return nil, server.Invalid{Code: "TK164", Detail: fmt.Sprintf("the question is about %d rows, at most %d are answered", len(rows), req.Most), Pointer: "/query",
			Hint: "name keys: FOR " + p.entity.Def.Name + " IN (...), or ask with rowlink query"}
	}
	if err := p.answer(ctx, rows, 0, func(string, int64, int64, string) {}); err != nil {
		return nil, err
	}
	f := newFitted(i.Report)
	out := &server.QueryAnswer{Reading: i.Task.Reading, Metric: f.Metric, Train: f.Train, Val: f.Validation, Validation: map[string]server.Number{}, Served: i.Report.Served,
		ServedError: server.Number(f.Error[i.Report.Served]), Seconds: f.Seconds}
	for name, v := range f.Scores {
		out.Validation[name] = server.Number(v)
	}
	out.Type, out.DataUntil, out.Regime = i.Task.Type, time.UnixMicro(i.DataUntil).UTC(), tasks.Rolling.String()
	if !p.own {
		out.Anchor = time.UnixMicro(p.anchor).UTC()
	}
	return out, p.fillQuery(out)
}

// fillQuery hands over predictions and faults with their keys.
func (p *predictions) fillQuery(out *server.QueryAnswer) error {
	for n := range p.list {
		one := &p.list[n]
		key, err := json.Marshal(keyJSON(p.entity, one.Row))
		if err != nil {
			return err
		}
		answer := server.Prediction{Index: len(out.Entities), Value: one.Value, Probability: one.Probability, Probabilities: one.Probabilities, Eligible: one.Eligible}
		answer.Lower, answer.Upper = bounds(p.around, one)
		if p.own {
			answer.Anchor = time.UnixMicro(p.entity.TimeOf(one.Row)).UTC()
		}
		if !one.Eligible {
			answer.Reason = ineligible(p.Task)
		}
		out.Entities, out.Predictions = append(out.Entities, key), append(out.Predictions, answer)
	}
	for _, f := range p.faults {
		key, err := json.Marshal(f.Key)
		if err != nil {
			return err
		}
		out.Errors = append(out.Errors, server.RowError{Index: len(out.Entities), Code: f.Code, Detail: f.Detail})
		out.Entities = append(out.Entities, key)
	}
	return nil
}

// wrongText tells the client what is wrong with a text of the task language, which stands
// at a pointer of the request.
func wrongText(err error, pointer string) error {
	if errs, ok := errors.AsType[tql.Errors](err); ok {
		var out []error
		for _, e := range errs {
			detail := e.Message
			if e.Detail != "" {
				detail += ": " + e.Detail
			}
			out = append(out, server.Invalid{Code: e.Code, Detail: detail, Hint: e.Hint, Pointer: pointer, Line: e.Line(), Column: e.Column(), Length: e.Length()})
		}
		return errors.Join(out...)
	}
	if e, ok := errors.AsType[*tasks.Error](err); ok {
		return server.Invalid{Code: e.Code, Detail: e.Msg, Hint: e.Hint, Pointer: pointer}
	}
	if e, ok := errors.AsType[*ingest.UserError](err); ok {
		return server.Invalid{Code: "query", Detail: e.Msg, Hint: e.Hint, Pointer: pointer}
	}
	return err
}
