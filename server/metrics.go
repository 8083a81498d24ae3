package server

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics holds the counters of one server in a registry of its own. Labels come from
// closed sets: route, status, reason, row code, the names of existing tasks, and the first
// hundred of their versions.
type metrics struct {
	registry    *prometheus.Registry
	requests    *prometheus.CounterVec
	latency     *prometheus.HistogramVec
	errors      *prometheus.CounterVec
	rows        *prometheus.CounterVec
	versions    knownPairs
	queueTime   prometheus.Histogram
	callTime    prometheus.Histogram
	sampleTime  prometheus.Histogram
	computeTime prometheus.Histogram
	batch       prometheus.Histogram

	callRequests prometheus.Histogram

	queryQueue   prometheus.Histogram
	queryCompute prometheus.Histogram
}

// knownPairs bounds a label: versions are made for ever, and each that is asked once would
// have its series for as long as the server runs.
type knownPairs struct {
	mu   sync.Mutex
	seen map[[2]string]bool
}

// mostVersions is how many versions have series of their own.
const mostVersions = 100

// label returns the version, or other once there are too many.
func (k *knownPairs) label(task, version string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	pair := [2]string{task, version}
	if !k.seen[pair] {
		if len(k.seen) >= mostVersions {
			return "other"
		}
		k.seen[pair] = true
	}
	return version
}

// latencyBuckets runs from 0.25 ms to 32 s in steps of 2.
var latencyBuckets = prometheus.ExponentialBuckets(0.00025, 2, 18)

func newMetrics(s *Server) *metrics {
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	gauge := func(name, help string, f func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, f)
	}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: counter("rowlink_requests_total", "Requests by path and status.", "path", "code"),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "rowlink_request_seconds",
			Help: "Time from the header of a request to the end of its answer.", Buckets: latencyBuckets}, []string{"path"}),
		errors:       counter("rowlink_errors_total", "Failed requests: request, rejected, cancelled, deadline, internal.", "reason"),
		rows:         counter("rowlink_rows_total", "Entities by task, version and outcome: ok or the code of the error.", "task", "version", "outcome"),
		queueTime:    histogram("rowlink_queue_seconds", "Time a prediction waited for a place.", latencyBuckets),
		callTime:     histogram("rowlink_predict_seconds", "Time the backend took.", latencyBuckets),
		sampleTime:   histogram("rowlink_sample_seconds", "Of a call of the backend, the time to find rows and gather what they say, over all threads.", latencyBuckets),
		computeTime:  histogram("rowlink_compute_seconds", "Of a call of the backend, the time of networks, trees and sums, over all threads.", latencyBuckets),
		callRequests: histogram("rowlink_call_requests", "Prediction requests answered by one call of the backend.", prometheus.ExponentialBuckets(1, 2, 8)),
		queryQueue:   histogram("rowlink_query_queue_seconds", "Time a question waited for the one before.", latencyBuckets),
		queryCompute: histogram("rowlink_query_seconds", "Time the backend took to fit and answer a question.", latencyBuckets),
		versions:     knownPairs{seen: map[[2]string]bool{}},
		batch:        histogram("rowlink_batch_entities", "Entities per prediction request.", prometheus.ExponentialBuckets(1, 4, 8)),
	}
	m.registry.MustRegister(m.requests, m.latency, m.errors, m.rows, m.queueTime, m.callTime, m.sampleTime, m.computeTime, m.batch, m.callRequests, m.queryQueue, m.queryCompute,
		gauge("rowlink_queue_depth", "Admitted predictions that wait for a place.", func() float64 { return float64(s.batcher.depth()) }),
		gauge("rowlink_query_queue_depth", "Admitted questions that wait for the one before.", func() float64 { return float64(s.queries.waiting()) }),
		gauge("rowlink_requests_active", "Requests being answered.", func() float64 { return float64(s.active.Load()) }),
		&modelCollector{s},
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, reason := range []string{"request", "rejected", "cancelled", "deadline", "internal"} {
		m.errors.WithLabelValues(reason) // a rate over a series that starts at 1 misses the first
	}
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

func (m *metrics) countRequest(path string, status int, reason string, took time.Duration) {
	m.requests.WithLabelValues(path, strconv.Itoa(status)).Inc()
	m.latency.WithLabelValues(path).Observe(took.Seconds())
	if reason != "" {
		m.errors.WithLabelValues(reason).Inc()
	}
}

func (m *metrics) countRows(a *predictAnswer) {
	version := m.versions.label(a.Task, a.Model.Version)
	m.rows.WithLabelValues(a.Task, version, "ok").Add(float64(len(a.Predictions)))
	for _, e := range a.Errors {
		outcome := "other"
		switch e.Code {
		case CodeKeyType, CodeUnknownKey, CodeNotYet, codeNotFinite:
			outcome = e.Code
		}
		m.rows.WithLabelValues(a.Task, version, outcome).Inc()
	}
}

var (
	modelDesc = prometheus.NewDesc("rowlink_model_info", "1 for each version that is loaded and answers.",
		[]string{"task", "version", "model"}, nil)
	staleDesc = prometheus.NewDesc("rowlink_data_staleness_seconds",
		"Age of the newest row that a version in service can see.", []string{"task", "version"}, nil)
)

// modelCollector reads the versions in service at each scrape.
type modelCollector struct{ s *Server }

// Describe sends the descriptions of all series.
func (c *modelCollector) Describe(ch chan<- *prometheus.Desc) { ch <- modelDesc; ch <- staleDesc }

// Collect sends one series per version in service. It runs on a goroutine of the
// registry, where a panic would end the process.
func (c *modelCollector) Collect(ch chan<- prometheus.Metric) {
	defer func() {
		if v := recover(); v != nil {
			c.s.log.Error("panic", "path", "/metrics", "panic", v)
		}
	}()
	const patience = 2 * time.Second // a scrape must not hang
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	models, err := c.s.opt.Backend.Models(ctx)
	if err != nil {
		c.s.log.Warn("metrics without models", "error", err)
		return
	}
	seen := map[[2]string]bool{}
	for _, m := range models {
		id := [2]string{m.Task, m.Version}
		if !m.Serving || seen[id] {
			continue
		}
		seen[id] = true
		ch <- prometheus.MustNewConstMetric(modelDesc, prometheus.GaugeValue, 1, m.Task, m.Version, m.Model)
		if !m.DataUntil.IsZero() {
			age := c.s.opt.Now().Sub(m.DataUntil).Seconds()
			ch <- prometheus.MustNewConstMetric(staleDesc, prometheus.GaugeValue, age, m.Task, m.Version)
		}
	}
}
