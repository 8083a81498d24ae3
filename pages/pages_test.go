package pages_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/jobs"
	"github.com/rowlink/rowlink/pages"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/server"
)

// hostile is a name as a database may have it.
const hostile = `<img src=x onerror="alert(1)">'&amp;{{.}}`

var now = time.Date(2024, 10, 3, 0, 0, 0, 0, time.UTC)

// fake is a source in which every name is hostile.
type fake struct{ fail error }

func (f *fake) Tasks(context.Context) ([]server.TaskInfo, error) {
	return []server.TaskInfo{
		{Name: "churn", Type: "binary_classification", Entity: hostile, Key: []string{hostile}, KeyTypes: []string{"int"}, ExampleKeys: []json.RawMessage{json.RawMessage("42")},
			Text: hostile, Reading: hostile, Metric: "roc_auc", Serving: "2", Warnings: []string{hostile}},
		{Name: "spend", Type: "regression", Entity: "customers", Key: []string{"a", "b"}, KeyTypes: []string{"int", "text"}, Text: "PREDICT x", Metric: "mae", Serving: "1"},
		{Name: "next", Type: "link_prediction", Entity: "customers", Key: []string{"id"}, KeyTypes: []string{"int"}, Text: "PREDICT y", Metric: "map", Serving: "1"},
		{Name: "fresh", Type: "regression", Entity: "customers", Key: []string{"id"}, Text: "PREDICT z"},
	}, f.fail
}

func (f *fake) Models(context.Context) ([]server.ModelInfo, error) {
	one := func(task, version, metric string) server.ModelInfo {
		return server.ModelInfo{Task: task, Version: version, Model: hostile, Aliases: []string{hostile}, Created: now, DataUntil: now, Serving: true,
			Metrics:   server.Scores{"val": {metric: 0.75}, "test": {metric: server.Number(math.NaN())}},
			Baselines: map[string]server.Scores{hostile: {"test": {metric: 0.5}}}}
	}
	return []server.ModelInfo{one("churn", "1", "roc_auc"), one("churn", "2", "roc_auc"), one("spend", "1", "mae"), one("next", "1", "map")}, nil
}

func (f *fake) Predict(_ context.Context, req server.PredictRequest) (*server.PredictAnswer, error) {
	a := &server.PredictAnswer{Type: "binary_classification", Version: "2", Anchor: now, DataUntil: now}
	half := 0.25
	for i, key := range req.Entities {
		if string(key) != "42" && string(key) != `[1,"x"]` {
			a.Errors = append(a.Errors, server.RowError{Index: i, Code: server.CodeUnknownKey, Detail: "no " + hostile + " with key " + string(key)})
			continue
		}
		p := server.Prediction{Index: i, Value: true, Probability: &half, Eligible: false, Reason: hostile, Explanation: &server.Explanation{Method: "both", Items: []server.ExplanationItem{
			{Table: hostile, Rows: 3, Path: hostile, Effect: 0.5}, {Table: "orders", Key: hostile, Rows: 1, Time: now, Effect: -0.25}, {Table: "orders", Column: hostile, Value: &half, Effect: 0}}}}
		switch req.Task {
		case "spend":
			p.Value, p.Probability = 12.5, nil
		case "next":
			p.Value, p.Probability, p.Items = json.RawMessage("1"), nil, []server.RankedItem{{Rank: 1, Item: json.RawMessage(`"<b>"`), Score: 1}}
		}
		a.Predictions = append(a.Predictions, p)
	}
	return a, nil
}

func (f *fake) Tables(context.Context) (*pages.Tables, error) {
	sc := &schema.Schema{Tables: []*schema.Table{
		{Name: "customers", Key: []int{0}, Columns: []schema.Column{{Name: "id", Kind: schema.Int, Reason: hostile}}, Links: []schema.Link{{Name: "self", Columns: []int{0}, To: 0, Ref: []int{0}}}},
		{Name: hostile, Columns: []schema.Column{{Name: "customer", Kind: schema.Int}, {Name: "at", Kind: schema.Time}}, Time: &schema.RowTime{Column: 1, Via: -1, Until: -1, Reason: hostile},
			Links: []schema.Link{{Name: "a", Columns: []int{0}, To: 0, Ref: []int{0}, Reason: "declared"}, {Name: "b", Columns: []int{0}, To: 2, Ref: []int{0}, Reason: "proposed"}}},
		{Name: "circle", Columns: []schema.Column{{Name: "x", Kind: schema.Int}}, Links: []schema.Link{{Name: "c", Columns: []int{0}, To: 1, Ref: []int{0}}}},
		{Name: "out", Ignore: true, Columns: []schema.Column{{Name: "x"}}},
	}}
	return &pages.Tables{Source: hostile, Snapshot: "5f", Taken: now, View: sc.View(), Rows: map[string]int{"customers": 1234567}}, nil
}

func (f *fake) Version(_ context.Context, task, version string) (*pages.Version, error) {
	v := &pages.Version{Provenance: []pages.Fact{{Name: hostile, Value: hostile}}}
	if task == "next" {
		return v, nil
	}
	third := 1.0 / 3
	v.Report = &rowlink.Report{Metric: "roc_auc", Served: "blend", Source: hostile, Model: hostile, LeftOut: []string{hostile},
		Rows: []rowlink.Row{{Name: hostile, Setting: hostile, Val: rowlink.Scores{"roc_auc": 0.5}}, {Name: "blend", Val: rowlink.Scores{"roc_auc": math.NaN()}}}}
	split := &rowlink.SplitDiagnostics{Examples: 10, ROC: [][2]float64{{0, 0}, {0.5, 1}, {1, 1}}, PR: [][2]float64{{0, 1}, {1, 0.5}}, Bins: []rowlink.Bin{{Rows: 5, Predicted: 0.1, True: 0}, {Rows: 5, Predicted: 0.9, True: 1}},
		Classes: []string{hostile, "b"}, Confusion: [][]int{{1, 2}, {3, 4000}}, Residuals: []float64{-1, 0, 0, 0, 1},
		ByAnchor: []rowlink.AnchorScore{{Anchor: now.UnixMicro(), Score: rowlink.Score{Rows: 5, Value: &third}}, {Anchor: now.UnixMicro() + 1, Score: rowlink.Score{Rows: 5}}},
		Known:    &rowlink.Score{Rows: 3}, New: &rowlink.Score{Rows: 7, Value: &third}}
	v.Diagnostics = &rowlink.Diagnostics{Test: split, Anchors: []rowlink.AnchorLabels{{Anchor: 0, Split: "train", Rows: 3, Mean: 0.5}, {Anchor: now.UnixMicro(), Split: "test", Rows: 3, Mean: 0.25}}}
	v.Importance = &rowlink.Importance{Metric: "roc_auc", Score: 0.75, Examples: 100, Items: []rowlink.ImportanceItem{{Kind: "table", Table: hostile, Loss: 0.25}, {Kind: "column", Table: "orders", Name: hostile, Loss: -0.125}}}
	return v, nil
}

func (f *fake) Moments(context.Context, string, int) ([]time.Time, error) {
	return []time.Time{now, now.AddDate(0, -1, 0), now.AddDate(0, -2, 0)}, nil
}

func (f *fake) Truths(_ context.Context, _ string, _ json.RawMessage, anchors []time.Time) ([]pages.Truth, error) {
	out := make([]pages.Truth, len(anchors))
	for i := range out {
		out[i] = pages.Truth{Known: i != 1, Text: hostile, Value: 1}
	}
	return out, nil
}

func (f *fake) Drift(_ context.Context, task string) (*server.DriftAnswer, error) {
	if task == "next" {
		return nil, server.Invalid{Detail: "a task without anchors " + hostile}
	}
	nan := server.Number(math.NaN())
	item := server.DriftItem{Name: hostile, PSI: 0.5, KS: &nan, Verdict: "moved far"}
	return &server.DriftAnswer{Task: task, Version: "2", Anchor: now, Reference: now, Days: 60, Score: &item, Parts: []server.DriftItem{item}, Columns: []server.DriftItem{item},
		Tables: []server.DriftTable{{Table: hostile, PerDay: 2.25}}, Skipped: []string{hostile},
		Later: &server.LaterScores{Metric: "roc_auc", Trained: 0.75, Score: 0.625, Examples: 1234, Anchors: []server.LaterScore{{Anchor: now, Score: 0.5}, {Anchor: now.AddDate(0, 1, 0), Score: nan}}}}, f.fail
}

// site is a server over a source, with a job that has said something.
func site(t testing.TB, f *fake) (s *server.Server, job string) {
	t.Helper()
	q, err := jobs.Open(t.TempDir(), map[string]jobs.Work{"train": func(_ context.Context, _ jobs.Job, _ string, emit func(string, any)) (any, error) {
		emit("say", hostile)
		for i := range 3 {
			emit("epoch", map[string]any{"number": i + 1, "val": 0.5 + 0.1*float64(i)})
		}
		return nil, errors.New(hostile)
	}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	j, _, err := q.Submit("train", "churn", json.RawMessage("{}"), "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); q.Run(ctx) }()
	for range 1000 {
		if j, _, _ := q.Job(j.ID); j.State.Final() {
			break
		}
		time.Sleep(time.Millisecond)
	}
	stop()
	<-ended
	s, err = server.New(server.Options{Backend: f, Jobs: q, Pages: pages.New(f, q, "test").Pages(), Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return s, j.ID
}

func get(s *server.Server, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost"+path, nil))
	return w
}

var links = regexp.MustCompile(`(?:href|src)="(/[^"#]*)`)

// TestPages_crawl opens every page that the pages lead to. None shows a name of the data as
// anything but text, none has style or script of its own, and none leads nowhere.
func TestPages_crawl(t *testing.T) {
	s, job := site(t, &fake{})
	todo := []string{"/", "/jobs/" + job, "/tasks/churn/explore?key=42", "/tasks/churn/explore?key=7", "/tasks/churn/explore?key=42&at=yesterday", "/tasks/churn/explore?key=42&at=2024-09-01",
		"/tasks/spend/explore?key=1,x", "/tasks/next/explore?key=42", "/tasks/fresh/explore", "/tasks/churn/explore?key=" + strings.Repeat("9", 500)}
	seen := map[string]bool{}
	for len(todo) > 0 {
		path := todo[0]
		if todo = todo[1:]; seen[path] || strings.HasPrefix(path, "/metrics") {
			continue
		}
		seen[path] = true
		w := get(s, path)
		text := w.Body.String()
		if w.Code != 200 {
			t.Errorf("%s: %d %.300s", path, w.Code, text)
		}
		if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
			continue
		}
		for _, bad := range []string{"<img", "onerror=\"", "javascript:", " style=", "{{", "ZgotmplZ", "NaN", "%!", "http://", "https://"} {
			if strings.Contains(strings.ReplaceAll(text, "{{.}}", ""), bad) {
				t.Errorf("%s holds %q", path, bad)
			}
		}
		if p := w.Header().Get("Content-Security-Policy"); !strings.Contains(p, "default-src 'none'") || strings.Contains(p, "unsafe") {
			t.Errorf("%s: policy %q", path, p)
		}
		for _, want := range []string{`lang="en"`, `<main id="main">`, `href="#main"`, "<h1>", `name="viewport"`} {
			if !strings.Contains(text, want) {
				t.Errorf("%s lacks %s", path, want)
			}
		}
		for _, m := range links.FindAllStringSubmatch(text, -1) {
			todo = append(todo, strings.ReplaceAll(m[1], "&amp;", "&"))
		}
	}
	for _, want := range []string{"/schema", "/jobs", "/tasks/churn", "/tasks/churn/versions/2", "/tasks/next/versions/1", "/tasks/churn/explore", "/tasks/churn/drift", "/live.js"} {
		if !seen[want] {
			t.Errorf("no page leads to %s", want)
		}
	}
}

// TestWriteVersion: a report alone leads nowhere and needs nobody.
func TestWriteVersion(t *testing.T) {
	f := &fake{}
	var out strings.Builder
	if err := pages.New(f, nil, "test").WriteVersion(t.Context(), &out, "churn", "2"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<style>", "ROC curve", "Confusion", "version 2"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %s", want)
		}
	}
	if m := links.FindAllString(out.String(), -1); len(m) > 0 || strings.Contains(out.String(), "<script") {
		t.Errorf("the report leads to %q, or runs a script", m)
	}
	if err := pages.New(f, nil, "test").WriteVersion(t.Context(), &out, "churn", "9"); err == nil {
		t.Error("a version that is not there has a report")
	}
}

func TestPages_faults(t *testing.T) {
	f := &fake{}
	s, _ := site(t, f)
	for path, status := range map[string]int{"/tasks/nobody": 404, "/tasks/churn/versions/9": 404, "/jobs/nothing": 404, "/nothing": 404} {
		if w := get(s, path); w.Code != status {
			t.Errorf("%s: %d, want %d", path, w.Code, status)
		}
	}
	f.fail = fmt.Errorf("disk hunter2")
	if w := get(s, "/"); w.Code != 500 || strings.Contains(w.Body.String(), "hunter2") || !strings.Contains(w.Body.String(), "the server made a mistake") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestPages_say looks for what a person came for.
func TestPages_say(t *testing.T) {
	s, job := site(t, &fake{})
	for path, wants := range map[string][]string{
		"/":                            {"0.5000", "no version yet", "version 2"},
		"/schema":                      {"1\u202f234\u202f567 rows", "takes no part", `class="link proposed"`, "no time"},
		"/tasks/churn":                 {"Share of positive labels", "version 1", "0.7500"},
		"/tasks/churn/versions/2":      {"ROC curve", "Calibration", "Lift", "Confusion", "4\u202f000", "–", "without: 7, 0.3333", "What it needs", "&#43;0.25", "-0.125"},
		"/tasks/churn/drift":           {"0.6250 on 1\u202f234 examples", "moved far", "test, in training", "2.2"},
		"/tasks/next/drift":            {"a task without anchors"},
		"/tasks/churn/explore?key=42":  {"25.0 %", "&#43;0.5", "-0.25", "not eligible", "earlier anchors", "It came true", "what came true", "2024-10-03 00:00"},
		"/tasks/spend/explore?key=1,x": {"12.5"},
		"/tasks/next/explore?key=42":   {"&lt;b&gt;"},
		"/tasks/churn/explore?key=7":   {"with key 7"},
		"/jobs/" + job:                 {"failed", "Validation metric by epoch"},
	} {
		text := get(s, path).Body.String()
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s lacks %q", path, want)
			}
		}
	}
	if order := strings.Index(get(s, "/tasks/churn").Body.String(), "version 2<"); order < 0 || order > strings.Index(get(s, "/tasks/churn").Body.String(), "version 1<") {
		t.Error("the latest version does not come first")
	}
}
