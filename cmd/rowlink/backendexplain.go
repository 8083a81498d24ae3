package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/server"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
)

// explainIn is the EXPLAIN statement of a text that is one, of a query; else nil.
func explainIn(text string) *tql.ExplainStatement {
	script, err := tql.Parse(text)
	if err != nil || len(script.Statements) != 1 {
		return nil
	}
	if st, ok := script.Statements[0].(*tql.ExplainStatement); ok && st.Query != nil {
		return st
	}
	return nil
}

// explain answers EXPLAIN of a question: how it is understood and, for the keys that it
// names, what the trained task that asks the same answers, with reasons.
func (b *backend) explain(ctx context.Context, st *tql.ExplainStatement, req server.QueryRequest) (*server.QueryAnswer, error) {
	if st.Analyze {
		return nil, server.Invalid{Code: "TK179", Detail: "EXPLAIN ANALYZE is not answered here", Pointer: "/query",
			Hint: "POST /v1/tasks?dry_run=1 computes the labels of a task and stores nothing"}
	}
	session := b.session()
	a, err := session.Answering(ctx, req.Text)
	if err != nil {
		return nil, wrongText(err, "/query")
	}
	e := &server.Explained{Plan: strings.TrimRight(tql.Explain(a.Task, b.db.Snap.Schema), "\n"), Training: a.Training}
	if l, err := lower(b.db.Snap.Schema, a.Task); err == nil {
		e.SQL = l.SQL
	}
	out := &server.QueryAnswer{Reading: a.Task.Reading, Explained: e}
	out.Type, out.DataUntil, out.Regime = a.Task.Type, time.UnixMicro(a.Task.Options.DataUntil).UTC(), tasks.Rolling.String()
	if st.Query.Selection == nil {
		e.Training = nil // nobody is asked about
		return out, nil
	}
	if a.Version == nil {
		return out, nil
	}
	keys := st.Query.Selection.Keys
	if len(keys) > req.Most {
		return nil, server.Invalid{Code: "TK164", Detail: fmt.Sprintf("the question is about %d rows, at most %d are answered", len(keys), req.Most), Pointer: "/query", Hint: "name fewer keys"}
	}
	ask := server.PredictRequest{Task: a.Version.Task, Version: strconv.Itoa(a.Version.Version), ExplainTop: server.ExplainReasons, Interval: req.Interval}
	if ask.Anchor, err = b.askedAt(st.Query.At, a.Task.Options.Zone); err != nil {
		return nil, err
	}
	for _, k := range keys {
		ask.Entities = append(ask.Entities, keyOf(b.db.Snap.Schema.Tables[a.Task.Entity], k))
	}
	answer, err := b.Predict(ctx, ask)
	if err != nil {
		return nil, err
	}
	out.PredictAnswer, out.Entities = *answer, ask.Entities
	e.Task, e.Version = a.Version.Task, ask.Version
	return out, nil
}

// askedAt is the moment of AT; zero where it is the end of the data.
func (b *backend) askedAt(at *tql.AnchorTime, zone *time.Location) (time.Time, error) {
	switch {
	case at == nil || at.Kind == tql.AtLatest || at.Kind == tql.AtEntity:
		return time.Time{}, nil
	case at.Kind == tql.AtNow:
		return time.UnixMicro(b.db.Snap.Taken).UTC(), nil
	}
	d, err := tql.ParseDateTime(at.Value.Text)
	if err != nil {
		return time.Time{}, server.Invalid{Code: "TK106", Detail: err.Error(), Pointer: "/query", Hint: "write AT '2024-12-01'"}
	}
	return time.UnixMicro(d.In(zone)).UTC(), nil
}

// keyOf is a key of a table as JSON: its part, or a list of its parts.
func keyOf(t *schema.Table, k *tql.Key) json.RawMessage {
	var parts []any
	for i, p := range k.Parts {
		part := any(p.Text)
		if i < len(t.Key) {
			switch kind := t.Columns[t.Key[i]].Kind; {
			case kind.Numeric() && json.Valid([]byte(p.Text)):
				part = json.RawMessage(p.Text)
			case kind == schema.Bool:
				part = strings.EqualFold(p.Text, "true")
			}
		}
		parts = append(parts, part)
	}
	whole := any(parts)
	if len(parts) == 1 {
		whole = parts[0]
	}
	data, err := json.Marshal(whole)
	if err != nil { // texts and numbers can be written
		return json.RawMessage("null")
	}
	return data
}
