package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var testNow = time.Date(2020, 9, 22, 0, 0, 0, 0, time.UTC)

// fake is a backend whose answers depend on the task's name and the keys alone:
// key 404 is unknown, 409 not yet visible, 57 not eligible, 500 has no finite score;
// texts are of the wrong type.
type fake struct {
	mu   sync.Mutex
	asks []PredictRequest

	hold func(ctx context.Context) error // called by Predict when set
	fail error                           // returned by all methods when set
}

func (f *fake) Tasks(context.Context) ([]TaskInfo, error) {
	return []TaskInfo{
		{Name: "churn", Type: "binary_classification", Entity: "customers", Key: []string{"id"}, KeyTypes: []string{"int"},
			ExampleKeys: []json.RawMessage{[]byte("42"), []byte("9007199254740993")},
			Text:        "PREDICT COUNT(orders.*, 0, 30, days) = 0\nFOR customers.id", Reading: "Will a customer place no order in the next 30 days?",
			Metric: "roc_auc", Serving: "7"},
		{Name: "tier", Type: "multiclass_classification", Entity: "customers", Key: []string{"id"}, Text: "PREDICT <b>tier</b>", Serving: "1"},
		{Name: "value", Type: "regression", Entity: "lines", Key: []string{"order", "no"}, KeyTypes: []string{"int", "text"}, ExampleKeys: []json.RawMessage{[]byte(`[1,"it's"]`)},
			Text: "PREDICT SUM(lines.price, 0, 7, days)", Serving: "2", Warnings: []string{"TK205: 82.4 % of the labels are 0"}},
		{Name: "next", Type: "link_prediction", Entity: "customers", Key: []string{"id"}, KeyTypes: []string{"int"}, Text: "PREDICT x RANK TOP 2", Serving: "1"},
		{Name: "fresh", Type: "regression", Entity: "lines", Text: "PREDICT x"},
	}, f.fail
}

func (f *fake) Models(context.Context) ([]ModelInfo, error) {
	made := time.Date(2020, 9, 20, 8, 30, 0, 0, time.UTC)
	return []ModelInfo{
		{Task: "churn", Version: "6", Model: "boosted trees", Created: made, Metrics: Scores{"val": {"roc_auc": 0.71}}},
		{Task: "churn", Version: "7", Aliases: []string{"prod"}, Model: "sage", Created: made.Add(time.Hour), Snapshot: "5f2a", Regime: "rolling",
			DataUntil: testNow.Add(-2 * time.Hour), Serving: true, Metrics: Scores{"test": {"roc_auc": 0.8125}, "val": {"roc_auc": Number(math.NaN())}},
			Baselines: map[string]Scores{"constant": {"test": {"roc_auc": 0.5}}, "history": {"test": {"roc_auc": 0.75}}}},
		{Task: "value", Version: "2", Aliases: []string{"prod"}, Model: "scan", Created: made, DataUntil: testNow, Serving: true},
	}, f.fail
}

// Query answers 42, whom nobody knows otherwise, and faults of a text that says so.
func (f *fake) Query(_ context.Context, req QueryRequest) (*QueryAnswer, error) {
	if f.fail != nil {
		return nil, f.fail
	}
	if strings.Contains(req.Text, "pirce") {
		return nil, Invalid{Code: "TK101", Detail: `table "orders" has no column "pirce"`, Hint: `did you mean "price"?`, Pointer: "/query", Line: 1, Column: 20}
	}
	half, low, high := 0.5, 1.0, 9.0
	a := &QueryAnswer{Reading: "For each customers row, predict something.", Entities: []json.RawMessage{[]byte("42"), []byte(`"x"`)}, Metric: "mae", Train: 100, Val: 10,
		Validation: map[string]Number{"constant": 4, "boosted trees": 3, "odd": Number(math.NaN())}, Served: "boosted trees", ServedError: 0.25, Seconds: 1.5}
	a.Type, a.DataUntil, a.Regime, a.Anchor = "regression", testNow, "rolling", testNow
	p := Prediction{Index: 0, Value: half, Eligible: true}
	if req.Interval > 0 {
		p.Lower, p.Upper = []float64{low}, []float64{high}
	}
	a.Predictions, a.Errors = []Prediction{p}, []RowError{{Index: 1, Code: CodeKeyType, Detail: "no customers with key x"}}
	return a, nil
}

func (f *fake) Predict(ctx context.Context, req PredictRequest) (*PredictAnswer, error) {
	f.mu.Lock()
	f.asks = append(f.asks, req)
	f.mu.Unlock()
	if f.fail != nil {
		return nil, f.fail
	}
	if f.hold != nil {
		if err := f.hold(ctx); err != nil {
			return nil, err
		}
	}
	a := &PredictAnswer{Type: "binary_classification", Version: "7", Alias: "prod", Anchor: req.Anchor, DataUntil: testNow, Regime: "rolling"}
	switch {
	case req.Task == "invalid":
		return nil, fmt.Errorf("bind: %w", errors.Join(
			Invalid{Code: "TK192", Detail: "no trained model", Hint: "rowlink train invalid"},
			Invalid{Code: "TK195", Detail: "table \"orders\" changed since training", Pointer: "/entities"}))
	case req.Task == "loading":
		return nil, Unavailable{Detail: "the model is loading", RetryAfter: 2500 * time.Millisecond}
	case req.Task == "bug":
		return nil, errors.New("secret: postgres://user:hunter2@db/x")
	case req.Task == "panic":
		panic("secret: hunter2")
	case req.Task == "short":
		return a, nil
	case req.Task == "twice":
		a.Predictions = []Prediction{{Value: true}, {Value: true}}
		return a, nil
	case req.Task == "nothing":
		return nil, nil
	case req.Task == "tier":
		a.Type, a.Version = "multiclass_classification", "1"
	case req.Task == "value":
		a.Type, a.Version = "regression", "2"
	case req.Task == "next":
		a.Type, a.Version = "link_prediction", "1"
	case req.Task == "own":
		a.Type, a.Version = "regression", "1"
	case req.Task != "churn":
		return nil, NotFound{Detail: fmt.Sprintf("no task %q", req.Task), Hint: `did you mean "churn"?`}
	}
	if req.Version != "" {
		if req.Version != "7" {
			return nil, NotFound{Detail: fmt.Sprintf("no version %q of task %q", req.Version, req.Task), Hint: "have 6, 7"}
		}
		a.Alias = ""
	}
	if req.Anchor.IsZero() && req.Task != "own" {
		a.Anchor = testNow
	}
	for i, key := range req.Entities {
		f.row(a, i, string(key), req)
	}
	return a, nil
}

func (f *fake) row(a *PredictAnswer, i int, key string, req PredictRequest) {
	half := 0.5
	p := Prediction{Index: i, Value: true, Probability: &half, Eligible: true}
	switch {
	case key == "404":
		a.Errors = append(a.Errors, RowError{i, CodeUnknownKey, "no row of \"customers\" has the key 404"})
		return
	case key == "409":
		a.Errors = append(a.Errors, RowError{i, CodeNotYet, "the row is known from 2021-01-01 on"})
		return
	case strings.HasPrefix(key, `"`):
		a.Errors = append(a.Errors, RowError{i, CodeKeyType, "the key is " + key + ", bigint expected"})
		return
	case key == "500":
		nan := math.NaN()
		p.Probability = &nan
	case key == "57":
		p.Eligible, p.Reason = false, "WHERE is false at the anchor"
	}
	if a.Anchor.IsZero() {
		p.Anchor = testNow.Add(-24 * time.Hour)
	}
	switch a.Type {
	case "regression":
		p.Value, p.Probability = 12.25, nil
		if lower, upper := 12.25-4*req.Interval, 12.25+4*req.Interval; req.Interval > 0 {
			p.Lower, p.Upper = []float64{lower}, []float64{upper}
		}
	case "link_prediction":
		p.Value, p.Probability, p.Items = json.RawMessage("9007199254740993"), nil, []RankedItem{{1, json.RawMessage("9007199254740993"), 0.5}, {2, json.RawMessage(`["a",2]`), -0.25}}
		switch key {
		case "500":
			p.Items[1].Score = math.Inf(1)
		case "57": // nothing to rank
			p.Value, p.Items = nil, []RankedItem{}
		}
	case "multiclass_classification":
		p.Value, p.Probability, p.Probabilities = "gold", nil, map[string]float64{"gold": 0.75, "<silver>": 0.25}
	}
	if req.ExplainTop > 0 {
		p.Explanation = &Explanation{Method: "occlusion", Score: 0.82, Items: []ExplanationItem{
			{Table: "orders", Rows: 3, Path: "customers<-orders", Column: "placed", Effect: 0.06},
			{Table: "orders", Rows: 1, Path: "customers<-orders", Key: "7,a", Time: testNow.Add(-time.Hour), Effect: -0.01}}}
		if key == "501" {
			p.Explanation.Score = math.Inf(1)
		}
	}
	a.Predictions = append(a.Predictions, p)
}

// lastAsk returns the last request that reached the backend.
func (f *fake) lastAsk() PredictRequest {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asks[len(f.asks)-1]
}

// logBuffer collects log lines of concurrent requests.
type logBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newServer returns a server over f; change may alter its options.
func newServer(t testing.TB, f *fake, change func(*Options)) (*Server, *logBuffer) {
	t.Helper()
	log := &logBuffer{}
	opt := Options{Backend: f, Jobs: newJobs(t), Addr: "127.0.0.1:0", Version: "test", Now: func() time.Time { return testNow },
		Log: slog.New(slog.NewTextHandler(log, nil)), Limits: Limits{Concurrent: 2, DrainGrace: -1}}
	if change != nil {
		change(&opt)
	}
	s, err := New(opt)
	if err != nil {
		t.Fatal(err)
	}
	return s, log
}
