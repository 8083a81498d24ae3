package server

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// slow is a fake whose questions take until they are released or given up.
type slow struct {
	*fake
	release chan struct{}
}

func (s slow) Query(ctx context.Context, req QueryRequest) (*QueryAnswer, error) {
	select {
	case <-s.release:
		return s.fake.Query(ctx, req)
	case <-ctx.Done():
		return nil, fmt.Errorf("fit: %w", ctx.Err())
	}
}

func question(s *Server) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/v1/query", strings.NewReader(`{"query":"PREDICT x"}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

// TestQuery_gate: one question at a time, few wait, more are told to come back, and
// predictions of both protocols are answered beside them.
func TestQuery_gate(t *testing.T) {
	b := slow{&fake{}, make(chan struct{})}
	s, _ := newServer(t, b.fake, func(o *Options) { o.Backend, o.Limits.QueryQueue, o.Limits.Concurrent = b, 2, 1 })
	codes := make(chan int, 3)
	for range 3 {
		go func() { codes <- question(s).Code }()
	}
	eventually(t, "one question is computed, two wait", func() bool { return s.queries.waiting() == 2 && len(s.queries.places) == 1 })
	if text := get(s, "/metrics").Body.String(); !strings.Contains(text, "rowlink_query_queue_depth 2\n") {
		t.Error("the metrics do not show two questions that wait")
	}
	if w := question(s); w.Code != 503 || w.Header().Get("Retry-After") != "5" || !strings.Contains(w.Body.String(), "too many questions") {
		t.Errorf("a question too many: %d, Retry-After %q, %s", w.Code, w.Header().Get("Retry-After"), w.Body)
	}
	if w := post(s, "churn", `{"entities":[42]}`); w.Code != 200 {
		t.Errorf("a prediction beside questions: %d", w.Code)
	}
	r := httptest.NewRequest(http.MethodPost, "/v2/models/churn/infer", strings.NewReader(`{"inputs":[{"name":"entity","shape":[1],"datatype":"INT64","data":[42]}]}`))
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	if w.Code != 200 {
		t.Errorf("a prediction of /v2 beside questions: %d", w.Code)
	}
	close(b.release)
	for range 3 {
		if code := <-codes; code != 200 {
			t.Errorf("an admitted question: %d", code)
		}
	}
	if s.queries.inside.Load() != 0 || len(s.queries.places) != 0 {
		t.Error("places are not given back")
	}
}

// TestQuery_deadline: the time of a question is its own, and runs while it waits too.
func TestQuery_deadline(t *testing.T) {
	b := slow{&fake{}, make(chan struct{})}
	s, log := newServer(t, b.fake, func(o *Options) {
		o.Backend, o.Limits.QueryTime, o.Limits.PredictTime, o.Limits.WriteTime = b, 30*time.Millisecond, 20*time.Millisecond, time.Second
	})
	status := func() string {
		w := question(s)
		return fmt.Sprint(w.Code, " ", strings.Contains(w.Body.String(), "deadline"))
	}
	if got := status(); got != "504 true" {
		t.Errorf("after the deadline: %s", got)
	}
	s.queries.places <- struct{}{} // by a question that does not end
	if got := status(); got != "504 true" {
		t.Errorf("after the deadline in the queue: %s", got)
	}
	if strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("a deadline is logged as a fault:\n%s", log)
	}
}

// TestOIP_overload: the protocol refuses as /v1 does, in its own form.
func TestOIP_overload(t *testing.T) {
	release := make(chan struct{})
	f := &fake{hold: func(context.Context) error { <-release; return nil }}
	s, _ := newServer(t, f, func(o *Options) { o.Limits.Concurrent, o.Limits.Queue = 1, -1 })
	infer := func() *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, "/v2/models/churn/infer", strings.NewReader(`{"inputs":[{"name":"entity","shape":[1],"datatype":"INT64","data":[42]}]}`))
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		return w
	}
	first := make(chan int)
	go func() { first <- infer().Code }()
	eventually(t, "the place is taken", func() bool { return s.gate.inside.Load() == 1 })
	if w := infer(); w.Code != 503 || w.Header().Get("Retry-After") != "1" || !strings.HasPrefix(w.Body.String(), `{"error":"`) {
		t.Errorf("overloaded: %d, Retry-After %q, %s", w.Code, w.Header().Get("Retry-After"), w.Body)
	}
	s.draining.Store(true)
	for _, path := range []string{"/v2/health/ready", "/v2/models", "/v2", "/v2/models/churn/ready"} {
		if w := get(s, path); w.Code != 503 || w.Header().Get("Retry-After") != "5" || !strings.HasPrefix(w.Body.String(), `{"error":"`) {
			t.Errorf("%s while draining: %d, Retry-After %q, %s", path, w.Code, w.Header().Get("Retry-After"), w.Body)
		}
	}
	if w := get(s, "/v2/health/live"); w.Code != 200 || !strings.Contains(w.Body.String(), `"live":true`) {
		t.Errorf("live while draining: %d %s", w.Code, w.Body)
	}
	close(release)
	if code := <-first; code != 200 {
		t.Errorf("the admitted request: %d", code)
	}
}

// TestMetrics_versions: versions have series of their own up to a bound.
func TestMetrics_versions(t *testing.T) {
	s, _ := newServer(t, &fake{}, nil)
	for i := range mostVersions + 5 {
		s.metrics.countRows(&predictAnswer{Task: "churn", Model: modelRef{Version: fmt.Sprint(i)}, Predictions: make([]predictionRow, 1)})
	}
	text := get(s, "/metrics").Body.String()
	if n := strings.Count(text, "rowlink_rows_total{"); n != mostVersions+1 {
		t.Errorf("%d series", n)
	}
	if want := `rowlink_rows_total{outcome="ok",task="churn",version="other"} 5`; !strings.Contains(text, want) {
		t.Errorf("metrics lack %s", want)
	}
}
