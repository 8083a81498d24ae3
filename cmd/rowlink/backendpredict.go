package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rowlink/rowlink"
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
	out := &server.PredictAnswer{Type: s.Task.Type, Version: strconv.Itoa(s.Version.Version), Alias: alias,
		DataUntil: time.UnixMicro(s.dataUntil).UTC(), Regime: tasks.Rolling.String()}
	q := questions{served: s, anchor: s.dataUntil, explain: req.ExplainTop}
	if q.own = req.Anchor.IsZero() && s.ownTimes(); !q.own {
		if !req.Anchor.IsZero() {
			q.anchor = req.Anchor.UnixMicro()
		}
		if err := s.CheckAnchor(q.anchor); err != nil {
			return nil, server.Invalid{Code: "TK194", Detail: err.Error(), Pointer: "/anchor",
				Hint: "leave it out to predict at the end of the data, " + instantJSON(s.dataUntil)}
		}
		out.Anchor = time.UnixMicro(q.anchor).UTC()
	}
	if req.Interval > 0 {
		if q.around, err = s.Interval(req.Interval); err != nil {
			return nil, noInterval(err)
		}
	}
	for i, raw := range req.Entities {
		if fault := q.add(i, raw); fault.Code != "" {
			out.Errors = append(out.Errors, fault)
		}
	}
	out.Predictions, err = q.answer(ctx)
	return out, err
}

// noInterval tells the client why there is no interval.
// ineligible says why a row that exists is not eligible.
func ineligible(task *tasks.Task) string {
	if task.Raw != nil {
		return "ENTITIES does not name it at the anchor"
	}
	return "WHERE does not hold at the anchor"
}

func noInterval(err error) error {
	user := (*ingest.UserError)(nil)
	if !errors.As(err, &user) {
		return err
	}
	return server.Invalid{Code: "no_interval", Detail: user.Msg, Pointer: "/interval", Hint: user.Hint}
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
	version, err := strconv.Atoi(req.Version)
	if s := b.held(req.Task, version); s != nil && err == nil { // versions never change
		return s, "", nil
	}
	if _, odd := strconv.Atoi(alias); odd == nil || req.Version != "" && err != nil {
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

// questions are the entities of one request that can be answered.
type questions struct {
	*served
	anchor  int64
	own     bool // each row is asked at its own time
	explain int
	around  rowlink.Around // nil = no interval is asked for
	rows    []int32
	index   []int // position of each row in the request
}

// add finds the entity of one key, or says why there is none at the anchor.
func (q *questions) add(index int, raw []byte) server.RowError {
	row, fault := q.find(raw)
	if fault.Code == "" && !q.Visible(row, q.anchorOf(row)) {
		fault = server.RowError{Code: server.CodeNotYet, Detail: absent(q.entity, row, q.anchorOf(row)).Detail}
	}
	if fault.Code != "" {
		fault.Index = index
		return fault
	}
	q.rows, q.index = append(q.rows, row), append(q.index, index)
	return server.RowError{}
}

func (q *questions) anchorOf(row int32) int64 {
	if q.own {
		return q.entity.TimeOf(row)
	}
	return q.anchor
}

// find returns the row of a key.
func (s *served) find(raw []byte) (int32, server.RowError) {
	none := "no " + s.entity.Def.Name + " row with key " + brief(raw)
	key, err := s.entity.ParseJSONKey(raw)
	if user := (*ingest.UserError)(nil); errors.As(err, &user) {
		none += " (" + user.Hint + ")"
	}
	if err != nil {
		return 0, server.RowError{Code: server.CodeKeyType, Detail: none}
	}
	row, ok := s.entity.Find(key)
	if !ok {
		return 0, server.RowError{Code: server.CodeUnknownKey, Detail: none}
	}
	return row, server.RowError{}
}

// brief cuts a key that is too long for a message.
func brief(raw []byte) string {
	const most = 80
	if len(raw) <= most {
		return string(raw)
	}
	return strings.ToValidUTF8(string(raw[:most]), "") + "..."
}

// answer scores the rows. Those with the same anchor go together, but for explanations:
// one takes dozens of passes over its rows, so there the context is asked after each. A
// prediction is the same alone as among others.
func (q *questions) answer(ctx context.Context) ([]server.Prediction, error) {
	if q.ranking != nil {
		return q.rankings(ctx)
	}
	out := make([]server.Prediction, 0, len(q.rows))
	for lo := 0; lo < len(q.rows); {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		anchor, hi := q.anchorOf(q.rows[lo]), lo+1
		for q.explain == 0 && hi < len(q.rows) && q.anchorOf(q.rows[hi]) == anchor {
			hi++
		}
		answers, err := q.Loaded.Predict(ctx, q.rows[lo:hi], anchor, q.explain)
		if err != nil {
			return nil, err
		}
		for i, p := range answers {
			out = append(out, q.prediction(q.index[lo+i], p, anchor))
		}
		lo = hi
	}
	return out, nil
}

func (q *questions) prediction(index int, p predict.Prediction, anchor int64) server.Prediction {
	out := server.Prediction{Index: index, Value: p.Value, Probability: p.Probability, Probabilities: p.Probabilities, Eligible: p.Eligible}
	out.Lower, out.Upper = bounds(q.around, &p)
	if q.own {
		out.Anchor = time.UnixMicro(anchor).UTC()
	}
	if !p.Eligible {
		out.Reason = ineligible(q.Task)
	}
	if q.explain > 0 {
		out.Explanation = q.explanation(p)
	}
	return out
}

func (s *served) explanation(p predict.Prediction) *server.Explanation {
	e := &server.Explanation{Method: predict.Method(p.Reasons), Score: explainedScore(p)}
	if _, ok := s.Scorer.(predict.Explainer); !ok {
		e.Method, e.Note = "none", fmt.Sprintf("version %d answers by %q, which has no explanation", s.Version.Version, s.Served)
	}
	for _, r := range p.Reasons {
		item := server.ExplanationItem{Table: r.Table, Rows: r.Rows, Path: r.Path, Key: r.Key, Column: r.Column, Value: r.Value, Effect: r.Effect}
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
	if series, ok := p.Value.([]float64); ok {
		return series[0] // effects are on the first timeframe
	}
	v, _ := p.Value.(float64)
	return v
}
