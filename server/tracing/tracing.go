// Package tracing owns the spans of requests and their way to an OpenTelemetry collector over
// OTLP/HTTP. Without an endpoint there is no tracer, nothing is recorded and nothing is sent.
package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Options say where spans go.
type Options struct {
	Endpoint string  // URL of the collector, such as http://127.0.0.1:4318
	Ratio    float64 // share of the requests without a traced caller that are recorded
	Version  string  // of the program
	Log      *slog.Logger
}

// Tracer records requests. A nil tracer records nothing.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
}

// Open returns a tracer that sends in the background; a collector that is not there costs
// spans, never requests. Close it.
func Open(ctx context.Context, o Options) (*Tracer, error) {
	const path = "/v1/traces" // of OTLP/HTTP, below the endpoint
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(strings.TrimSuffix(strings.TrimRight(o.Endpoint, "/"), path)+path))
	if err != nil {
		return nil, fmt.Errorf("trace to %s: %w", o.Endpoint, err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { o.Log.Warn("spans were not sent", "error", err) }))
	p := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(o.Ratio))),
		sdk.WithResource(resource.NewSchemaless(attribute.String("service.name", "rowlink"), attribute.String("service.version", o.Version))))
	return &Tracer{p, p.Tracer("rowlink/server")}, nil
}

// Close sends what is left, until ctx ends.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// Request begins the span of a request, which continues that of its header traceparent (W3C
// Trace Context). end takes what became of it.
func (t *Tracer) Request(r *http.Request, id string) (ctx context.Context, end func(route string, status int)) {
	if t == nil {
		return r.Context(), func(string, int) {}
	}
	ctx = propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	ctx, span := t.tracer.Start(ctx, r.Method, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attribute.String("http.request.method", r.Method), attribute.String("rowlink.request_id", id)))
	return ctx, func(route string, status int) {
		span.SetName(r.Method + " " + route)
		span.SetAttributes(attribute.String("http.route", route), attribute.Int("http.response.status_code", status))
		if status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, http.StatusText(status))
		}
		span.End()
	}
}

// Part is a piece of a request that has ended.
type Part struct {
	Name     string
	From, To time.Time
	Seconds  map[string]float64 // further times, by name
	Count    map[string]int
}

// Record adds a piece to the span of the context's request, if there is one.
func Record(ctx context.Context, p Part) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return
	}
	_, span := parent.TracerProvider().Tracer("rowlink/server").Start(ctx, p.Name, trace.WithTimestamp(p.From))
	for name, v := range p.Seconds {
		span.SetAttributes(attribute.Float64("rowlink."+name+"_seconds", v))
	}
	for name, n := range p.Count {
		span.SetAttributes(attribute.Int("rowlink."+name, n))
	}
	span.End(trace.WithTimestamp(p.To))
}
