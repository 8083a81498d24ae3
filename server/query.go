package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Asker is a [Backend] that also answers questions for which no version was trained.
type Asker interface {
	// Query fits what takes seconds to the question, and answers it.
	Query(ctx context.Context, req QueryRequest) (*QueryAnswer, error)
}

// QueryRequest is a question: a text of the task language with its keys and its anchor.
type QueryRequest struct {
	Text     string
	Interval float64 // as in [PredictRequest]
	Most     int     // rows that may be answered; a question about more is [Invalid]
}

// QueryAnswer holds one Prediction for every row that was asked about, and a RowError for
// every key without one.
type QueryAnswer struct {
	PredictAnswer
	Reading     string
	Entities    []json.RawMessage // keys by Index of predictions and errors
	Metric      string
	Train, Val  int               // examples
	Validation  map[string]Number // by predictor
	Served      string            // the predictor that answers
	ServedError Number            // standard error of its validation score
	Seconds     float64           // of labelling and fitting

	Explained *Explained // of EXPLAIN: nothing is fitted; nil = an answer
}

// Explained is what EXPLAIN of a question adds: how it is understood, and who answers it.
type Explained struct {
	Plan     string   `json:"plan" doc:"how the question is understood, in lines"`
	SQL      string   `json:"sql,omitempty" doc:"its label table as a query of Postgres, where it has one"`
	Task     string   `json:"task,omitempty" doc:"the trained task that asks the same and answers the keys"`
	Version  string   `json:"version,omitempty" doc:"its version in service"`
	Training []string `json:"training,omitempty" nullable:"false" doc:"where no task was trained for the question (TK192): the statements that train one"`
}

// queryRetry is what refused clients are told to wait: about the time of one question.
const queryRetry = 5 * time.Second

type queryInput struct{ rawRequest }

// queryRequest describes the body in the OpenAPI document; [parseQuery] reads it.
type queryRequest struct {
	Query    string   `json:"query" minLength:"1" doc:"a text of the task language: PREDICT ... FOR table IN (keys) [AT anchor]; FOR EACH asks about all eligible rows; with EXPLAIN before it how it is understood, and for its keys what the trained task that asks the same answers, and why"`
	Interval *float64 `json:"interval,omitempty" nullable:"true" exclusiveMinimum:"0" exclusiveMaximum:"1" doc:"of a value: the share of cases that lower and upper are to hold"`
}

type queryAnswer struct {
	Type        string           `json:"type" doc:"task type"`
	Reading     string           `json:"reading" doc:"the question in words"`
	Anchor      time.Time        `json:"anchor,omitzero" doc:"the moment predicted at; absent when each entity has its own"`
	DataUntil   time.Time        `json:"data_until" doc:"how fresh the data is"`
	Fitted      *fitted          `json:"fitted,omitempty" doc:"what answers, and how it did on validation; absent of EXPLAIN"`
	Explained   *Explained       `json:"explained,omitempty" doc:"of EXPLAIN"`
	Predictions []predictionRow  `json:"predictions" nullable:"false"`
	Errors      []predictionFail `json:"errors" nullable:"false" doc:"keys without prediction"`
}

type fitted struct {
	Served     string            `json:"served" doc:"the predictor that answers"`
	Metric     string            `json:"metric"`
	Train      int               `json:"train_examples"`
	Val        int               `json:"validation_examples"`
	Validation map[string]Number `json:"validation" doc:"of the metric, by predictor"`
	Error      Number            `json:"standard_error" doc:"of the validation score of what answers"`
	Seconds    float64           `json:"seconds"`
}

// parseQuery reads the body of a question.
func parseQuery(data []byte, limits Limits) (QueryRequest, error) {
	out := QueryRequest{Most: limits.Entities}
	if err := checkJSON(data, limits.JSONDepth); err != nil {
		return out, err
	}
	var body queryRequest
	dec := json.NewDecoder(strings.NewReader(string(data)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&body); err != nil {
		return out, newProblem(http.StatusUnprocessableEntity, fault{Code: "wrong_value", Detail: strings.TrimPrefix(err.Error(), "json: "),
			Hint: `{"query": "PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR customers IN (42)"}`})
	}
	var faults []fault
	if strings.TrimSpace(body.Query) == "" {
		faults = append(faults, fault{Code: "missing", Detail: "query is empty, want a text of the task language", Pointer: "/query"})
	}
	if body.Interval != nil {
		if out.Interval = *body.Interval; !(out.Interval > 0 && out.Interval < 1) {
			faults = append(faults, fault{Code: "wrong_value", Detail: fmt.Sprintf("interval is %g, want a number between 0 and 1", out.Interval), Pointer: "/interval"})
		}
	}
	if len(faults) > 0 {
		return out, newProblem(http.StatusUnprocessableEntity, faults...)
	}
	out.Text = body.Query
	return out, nil
}

// query admits, reads, lets the backend fit and answer, and checks its answer. One at a
// time: it keeps all cores busy, and predictions go on beside it.
func (s *Server) query(ctx context.Context, in *queryInput) (*queryAnswer, error) {
	ctx, cancel := within(ctx, s.limits.QueryTime)
	defer cancel()
	leave, ok := s.queries.admit()
	if !ok {
		return nil, unavailable("overloaded", "too many questions wait already", queryRetry)
	}
	defer leave()
	data, err := s.readBody(in.w, in.r)
	if err != nil {
		return nil, err
	}
	req, err := parseQuery(data, s.limits)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	done, err := s.queries.take(ctx)
	s.metrics.queryQueue.Observe(time.Since(start).Seconds())
	if err != nil {
		return nil, s.problemOf(ctx, err)
	}
	defer done()
	start = time.Now()
	a, err := s.opt.Backend.(Asker).Query(ctx, req)
	s.metrics.queryCompute.Observe(time.Since(start).Seconds())
	if err != nil {
		return nil, s.problemOf(ctx, err) // here, because only this context has the deadline
	}
	rows := &predictAnswer{Task: "query", Predictions: []predictionRow{}, Errors: []predictionFail{}}
	at := make([]int, len(a.Entities))
	for i := range at {
		at[i] = i
	}
	body := &predictBody{entities: a.Entities, interval: req.Interval}
	if a.Explained != nil {
		body.top = ExplainReasons
	}
	if err := s.fill(ctx, rows, &a.PredictAnswer, body, at); err != nil {
		return nil, err
	}
	out := &queryAnswer{Type: a.Type, Reading: a.Reading, Anchor: rows.Anchor, DataUntil: rows.DataUntil, Predictions: rows.Predictions, Errors: rows.Errors, Explained: a.Explained}
	if a.Explained == nil {
		out.Fitted = &fitted{a.Served, a.Metric, a.Train, a.Val, a.Validation, a.ServedError, a.Seconds}
	}
	return out, nil
}

// ExplainReasons is how many reasons EXPLAIN gives for each prediction.
const ExplainReasons = 5

// heavy waits for the place of what keeps all cores busy for seconds: questions, labels.
func (s *Server) heavy(ctx context.Context) (done func(), err error) {
	leave, ok := s.queries.admit()
	if !ok {
		return nil, unavailable("overloaded", "too many requests of this kind wait already", queryRetry)
	}
	free, err := s.queries.take(ctx)
	if err != nil {
		leave()
		return nil, err
	}
	return func() { free(); leave() }, nil
}

// describeQueryBody documents the body that query reads by itself.
func (a api) describeQueryBody(schemas huma.Registry) {
	op := a.OpenAPI().Paths["/v1/query"].Post
	op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {
		Schema:  schemas.Schema(reflect.TypeFor[queryRequest](), true, ""),
		Example: map[string]any{"query": "PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR customers IN (42, 57)"},
	}}}
}
