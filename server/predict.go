package server

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

type predictInput struct {
	Task    string `path:"task" doc:"name of the task"`
	Version string `query:"version" doc:"version to ask; the one in service when absent"`
	Alias   string `query:"alias" doc:"alias to ask, such as prod"`

	rawRequest
}

// rawRequest keeps the request as it came: the body is read after admission, within our
// limits, and with keys as the client wrote them.
type rawRequest struct {
	r *http.Request
	w http.ResponseWriter
}

// Resolve implements the framework's hook before a handler.
func (in *rawRequest) Resolve(ctx huma.Context) []error {
	in.r, in.w = humago.Unwrap(ctx)
	return nil
}

// predictRequest describes the request body in the OpenAPI document; [parsePredict]
// reads it.
type predictRequest struct {
	Entities []entityKey `json:"entities" minItems:"1" nullable:"false" doc:"keys of the rows to predict"`
	Anchor   *time.Time  `json:"anchor,omitempty" nullable:"true" doc:"the moment to predict at; the end of the data when absent"`
	Explain  *struct {
		Top int `json:"top" minimum:"1" doc:"items per entity"`
	} `json:"explain,omitempty"`
	Interval *float64 `json:"interval,omitempty" nullable:"true" exclusiveMinimum:"0" exclusiveMaximum:"1" doc:"of a value: the share of cases that lower and upper are to hold, such as 0.9"`
	Outputs  []string `json:"outputs,omitempty" enum:"prediction,probability,probabilities" doc:"all when absent; the prediction is always there"`
}

// entityKey is the key of an entity as the client wrote it.
type entityKey json.RawMessage

// MarshalJSON writes the key unchanged.
func (k entityKey) MarshalJSON() ([]byte, error) { return k, nil }

// Schema describes a key in the OpenAPI document.
func (entityKey) Schema(huma.Registry) *huma.Schema {
	scalar := []*huma.Schema{{Type: huma.TypeInteger}, {Type: huma.TypeNumber}, {Type: huma.TypeString}, {Type: huma.TypeBoolean}}
	one := 1
	return &huma.Schema{Description: "a key, or an array with one value per key column",
		AnyOf: append(slices.Clone(scalar), &huma.Schema{Type: huma.TypeArray, MinItems: &one, Items: &huma.Schema{AnyOf: scalar}})}
}

// anyKey is a key in an answer: whatever was sent, also when it cannot be a key.
type anyKey json.RawMessage

// MarshalJSON writes the key unchanged.
func (k anyKey) MarshalJSON() ([]byte, error) { return k, nil }

// Schema describes the echo in the OpenAPI document.
func (anyKey) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Description: "the key as it was sent"}
}

type predictAnswer struct {
	Task        string           `json:"task"`
	Type        string           `json:"type" doc:"task type"`
	Model       modelRef         `json:"model"`
	Anchor      time.Time        `json:"anchor,omitzero" doc:"the moment predicted at; absent when each entity has its own"`
	DataUntil   time.Time        `json:"data_until" doc:"how fresh the data is"`
	Regime      string           `json:"regime" doc:"rolling: each row uses everything up to its anchor"`
	Predictions []predictionRow  `json:"predictions" nullable:"false" doc:"in the order of the request"`
	Errors      []predictionFail `json:"errors" nullable:"false" doc:"entities without prediction"`
}

type modelRef struct {
	Version string `json:"version"`
	Alias   string `json:"alias,omitempty"`
}

type predictionRow struct {
	Index         int                `json:"index" doc:"position in the request"`
	Entity        anyKey             `json:"entity"`
	Anchor        time.Time          `json:"anchor,omitzero" doc:"where the answer has none: the moment of this entity"`
	Prediction    any                `json:"prediction" doc:"boolean, number, class or, of a multilabel task, classes, of a forecast, one number per timeframe; of a ranking the key of the first item, or null"`
	Lower         *float64           `json:"lower,omitempty" doc:"of the interval that was asked for"`
	Upper         *float64           `json:"upper,omitempty"`
	LowerByStep   []float64          `json:"lower_by_step,omitempty" nullable:"false" doc:"of a forecast: one per timeframe"`
	UpperByStep   []float64          `json:"upper_by_step,omitempty" nullable:"false"`
	Probability   *float64           `json:"probability,omitempty" minimum:"0" maximum:"1"`
	Probabilities map[string]float64 `json:"probabilities,omitempty" doc:"by class"`
	Items         *[]RankedItem      `json:"items,omitempty" nullable:"false" doc:"of a ranking, best first"`
	Eligible      bool               `json:"eligible" doc:"the task's WHERE holds at the anchor"`
	Reason        string             `json:"reason,omitempty" doc:"why not eligible"`
	Explanation   *Explanation       `json:"explanation,omitempty"`
}

type predictionFail struct {
	Index  int    `json:"index" doc:"position in the request"`
	Entity anyKey `json:"entity"`
	Code   string `json:"code" doc:"TK400 unreadable key, TK404 unknown key, TK409 not yet visible at the anchor, TK500 fault of the model"`
	Detail string `json:"detail"`
}

// predict admits, reads, asks the backend and checks its answer.
func (s *Server) predict(ctx context.Context, in *predictInput) (*predictAnswer, error) {
	leave, err := s.admit()
	if err != nil {
		return nil, err
	}
	defer leave()
	ctx, cancel := within(ctx, s.limits.PredictTime)
	defer cancel()
	if err := checkQuery(in); err != nil {
		return nil, err
	}
	data, err := s.readBody(in.w, in.r)
	if err != nil {
		return nil, err
	}
	body, err := parsePredict(data, s.limits)
	if err != nil {
		return nil, err
	}
	out, err := s.ask(ctx, PredictRequest{Task: in.Task, Version: in.Version, Alias: in.Alias, Anchor: body.anchor, ExplainTop: body.top, Interval: body.interval}, body)
	if err != nil {
		return nil, s.problemOf(ctx, err) // here, because only this context has the deadline
	}
	return out, nil
}

// ask answers for the entities of a body, each by a prediction or an error. Keys of
// impossible shape never reach the backend; at[i] is where its entity i stood in the request.
func (s *Server) ask(ctx context.Context, req PredictRequest, body *predictBody) (*predictAnswer, error) {
	var at []int
	out := &predictAnswer{Task: req.Task, Predictions: []predictionRow{}, Errors: []predictionFail{}}
	for i, raw := range body.entities {
		if why := checkKey(raw); why != "" {
			out.Errors = append(out.Errors, predictionFail{i, anyKey(raw), CodeKeyType, why})
			continue
		}
		at, req.Entities = append(at, i), append(req.Entities, raw)
	}
	s.metrics.batch.Observe(float64(len(req.Entities)))
	answer, err := s.batcher.predict(ctx, req)
	if err != nil {
		return nil, err
	}
	if err := s.fill(ctx, out, answer, body, at); err != nil {
		return nil, err
	}
	s.metrics.countRows(out)
	return out, nil
}

// checkQuery refuses parameters that would be ignored.
func checkQuery(in *predictInput) error {
	var faults []fault
	for _, name := range slices.Sorted(maps.Keys(in.r.URL.Query())) {
		if name != "version" && name != "alias" {
			faults = append(faults, fault{Code: "unknown_parameter", Detail: fmt.Sprintf("unknown parameter %q", clip(name)),
				Hint: "known: version, alias"})
		}
	}
	if in.Version != "" && in.Alias != "" {
		faults = append(faults, fault{Code: "wrong_value", Detail: "version and alias are both given, want one"})
	}
	if len(faults) > 0 {
		return newProblem(http.StatusUnprocessableEntity, faults...)
	}
	return nil
}

// admit lets a prediction in, or says at once that it would wait for too long.
func (s *Server) admit() (leave func(), err error) {
	leave, ok := s.gate.admit()
	if !ok {
		return nil, unavailable("overloaded", "too many requests wait already", overloadRetry)
	}
	if s.batcher.late() {
		leave()
		return nil, unavailable("overloaded", "requests wait for longer than "+s.limits.QueueTime.String()+" already", overloadRetry)
	}
	return leave, nil
}

// fill translates the backend's answer. Each entity must have exactly one prediction or
// error: a row is never lost or doubled silently.
func (s *Server) fill(ctx context.Context, out *predictAnswer, a *PredictAnswer, body *predictBody, at []int) error {
	out.Type, out.Model, out.Regime = a.Type, modelRef{a.Version, a.Alias}, a.Regime
	out.Anchor, out.DataUntil = a.Anchor.UTC(), a.DataUntil.UTC()
	answered := make([]bool, len(at))
	place := func(index int) (int, error) {
		if index < 0 || index >= len(at) || answered[index] {
			return 0, fmt.Errorf("the backend answered entity %d of %d twice or unasked", index, len(at))
		}
		answered[index] = true
		return at[index], nil
	}
	for _, p := range a.Predictions {
		i, err := place(p.Index)
		if err != nil {
			return err
		}
		if !usable(p) {
			info := infoOf(ctx)
			s.log.ErrorContext(ctx, "prediction is not finite", "request_id", info.id, "task", out.Task, "version", a.Version)
			out.Errors = append(out.Errors, predictionFail{i, anyKey(body.entities[i]), codeNotFinite,
				"the model gave no finite number for this entity"})
			continue
		}
		if p.Explanation != nil && !p.Explanation.finite() {
			s.log.ErrorContext(ctx, "explanation is not finite", "request_id", infoOf(ctx).id, "task", out.Task, "version", a.Version)
			p.Explanation = nil
		}
		out.Predictions = append(out.Predictions, row(i, p, body))
	}
	for _, e := range a.Errors {
		i, err := place(e.Index)
		if err != nil {
			return err
		}
		out.Errors = append(out.Errors, predictionFail{i, anyKey(body.entities[i]), e.Code, e.Detail})
	}
	if missing := slices.Index(answered, false); missing >= 0 {
		return fmt.Errorf("the backend did not answer entity %d of %d", missing, len(at))
	}
	slices.SortFunc(out.Predictions, func(x, y predictionRow) int { return cmp.Compare(x.Index, y.Index) })
	slices.SortFunc(out.Errors, func(x, y predictionFail) int { return cmp.Compare(x.Index, y.Index) })
	return nil
}

func row(i int, p Prediction, body *predictBody) predictionRow {
	r := predictionRow{Index: i, Entity: anyKey(body.entities[i]), Anchor: p.Anchor.UTC(), Prediction: p.Value, Eligible: p.Eligible, Reason: p.Reason}
	if body.interval > 0 {
		r.bound(p)
	}
	if body.wants("probability") {
		r.Probability = p.Probability
	}
	if body.wants("probabilities") {
		r.Probabilities = p.Probabilities
	}
	if p.Items != nil {
		r.Items = &p.Items
	}
	if e := p.Explanation; e != nil && body.top > 0 {
		c := *e
		if c.Items == nil {
			c.Items = []ExplanationItem{}
		}
		r.Explanation = &c
	}
	return r
}

// usable reports whether a prediction can be written as JSON without loss.
func usable(p Prediction) bool {
	switch v := p.Value.(type) {
	case bool, string, int, int64, []string:
	case []float64:
		if slices.ContainsFunc(v, func(y float64) bool { return !finite(y) }) {
			return false
		}
	case nil, json.RawMessage:
		if p.Items == nil {
			return false
		}
	case float64:
		if !finite(v) {
			return false
		}
	default:
		return false
	}
	if p.Probability != nil && !finite(*p.Probability) {
		return false
	}
	for _, v := range slices.Concat(p.Lower, p.Upper) {
		if !finite(v) {
			return false
		}
	}
	for _, v := range p.Probabilities {
		if !finite(v) {
			return false
		}
	}
	return !slices.ContainsFunc(p.Items, func(i RankedItem) bool { return !finite(i.Score) })
}

// bound takes over the interval around a value, or those around the values of a forecast.
func (r *predictionRow) bound(p Prediction) {
	switch p.Value.(type) {
	case []float64:
		r.LowerByStep, r.UpperByStep = p.Lower, p.Upper
	default:
		if len(p.Lower) == 1 {
			r.Lower, r.Upper = &p.Lower[0], &p.Upper[0]
		}
	}
}

// list joins quoted names for a hint.
func list(names []string) string {
	const most = 20
	more := ""
	if len(names) > most {
		names, more = names[:most], fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ") + more
}
