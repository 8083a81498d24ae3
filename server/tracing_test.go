package server

import (
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	spans "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/rowlink/rowlink/internal/phase"
	"github.com/rowlink/rowlink/server/tracing"
)

// TestTracing sends the spans of a prediction to a collector: that of the request continues the
// caller's, and has the call of the backend below it, with its parts. A collector that is gone
// costs no request.
func TestTracing(t *testing.T) {
	var mu sync.Mutex
	got := map[string]*spans.Span{}
	c := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			body, _ = gzip.NewReader(r.Body)
		}
		data, _ := io.ReadAll(body)
		var req collector.ExportTraceServiceRequest
		if err := proto.Unmarshal(data, &req); err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL.Path, err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, of := range req.ResourceSpans {
			for _, in := range of.ScopeSpans {
				for _, s := range in.Spans {
					got[s.Name] = s
				}
			}
		}
	}))
	defer c.Close()
	tracer, err := tracing.Open(t.Context(), tracing.Options{Endpoint: c.URL, Ratio: 1, Version: "test", Log: newQuiet()})
	if err != nil {
		t.Fatal(err)
	}
	s, _ := newServer(t, &fake{hold: func(ctx context.Context) error {
		clock := phase.Start(ctx)
		time.Sleep(time.Millisecond)
		clock.Sampled()
		return nil
	}}, func(o *Options) { o.Tracer = tracer })
	r := httptest.NewRequest("POST", "/v1/tasks/churn/predict", strings.NewReader(`{"entities": [42, 57]}`))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	w := httptest.NewRecorder()
	if s.Handler().ServeHTTP(w, r); w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if err := tracer.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	request, call := got["POST /v1/tasks/{task}/predict"], got["predict"]
	if request == nil || call == nil {
		t.Fatalf("spans %v", got)
	}
	if request.TraceId[0] != 0x0a || request.ParentSpanId[0] != 0xb7 || string(call.ParentSpanId) != string(request.SpanId) {
		t.Errorf("request %v\ncall %v", request, call)
	}
	has := map[string]float64{}
	for _, a := range call.Attributes {
		has[a.Key] = a.Value.GetDoubleValue() + float64(a.Value.GetIntValue())
	}
	if has["rowlink.entities"] != 2 || has["rowlink.sample_seconds"] < 0.001 {
		t.Errorf("the call says %v", has)
	}
	families, err := s.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]float64{}
	for _, f := range families {
		if h := f.Metric[0].GetHistogram(); h != nil {
			sums[f.GetName()] = h.GetSampleSum()
		}
	}
	if sums["rowlink_sample_seconds"] < 0.001 || sums["rowlink_predict_seconds"] < sums["rowlink_sample_seconds"] {
		t.Errorf("the histograms say %v", sums)
	}

	gone, err := tracing.Open(t.Context(), tracing.Options{Endpoint: "http://127.0.0.1:1", Ratio: 1, Log: newQuiet()})
	if err != nil {
		t.Fatal(err)
	}
	s, _ = newServer(t, &fake{}, func(o *Options) { o.Tracer = gone })
	if w, _ := send(s, "POST", "/v1/tasks/churn/predict", `{"entities": [42]}`); w.Code != 200 {
		t.Errorf("without a collector: %d", w.Code)
	}
	soon, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_ = gone.Close(soon)
}
