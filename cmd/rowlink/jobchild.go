package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/rowlink/rowlink/gnn/train"
	"github.com/rowlink/rowlink/workspace"
)

// A server runs jobs as processes of their own: what goes wrong in one, memory included,
// leaves the server and its predictions alone, and the system can let it wait. Such a
// process (--job) writes [jobLine]s to stdout and ends itself when its stdin closes, which
// is also what a crash of the server does.

// jobLine is one line from a job's process.
type jobLine struct {
	Kind string          `json:"kind"` // an event's, or "result" for what came of it
	Data json.RawMessage `json:"data"`
}

// jobReporter writes lines for the server.
type jobReporter struct {
	mu   sync.Mutex
	out  io.Writer
	last time.Time // of progress
}

func (r *jobReporter) write(kind string, data any) {
	raw, err := json.Marshal(data)
	if err != nil {
		raw, _ = json.Marshal(err.Error())
	}
	line, _ := json.Marshal(jobLine{kind, raw})
	r.mu.Lock()
	defer r.mu.Unlock()
	_, _ = r.out.Write(append(line, '\n')) // nobody can be told that the server does not read
}

// jobProgress is the data of a progress event.
type jobProgress struct {
	What  string `json:"what"`
	Done  int64  `json:"done"`
	Total int64  `json:"total,omitempty"` // 0 = unknown
	Unit  string `json:"unit"`
}

// progress is told now and then, and when something is complete.
func (r *jobReporter) progress(p jobProgress) {
	const every = 500 * time.Millisecond
	r.mu.Lock()
	now := time.Now()
	tell := now.Sub(r.last) >= every || p.Done == p.Total
	if tell {
		r.last = now
	}
	r.mu.Unlock()
	if tell {
		r.write("progress", p)
	}
}

// jobEpoch is the data of an epoch event.
type jobEpoch struct {
	Number  int     `json:"number"`
	Loss    float64 `json:"loss"`
	Val     float64 `json:"val"`
	Best    bool    `json:"best"`
	Seconds float64 `json:"seconds"`
	Seeds   int     `json:"seeds"`
}

func (r *jobReporter) epoch(e train.Epoch) {
	r.write("epoch", jobEpoch{e.Number, e.Loss, e.Val, e.Best, e.Seconds, int(e.Seeds)})
}

// asJob makes the app report to a server. The context ends when stdin closes. It returns
// once no other process works at the job: that of a server that was killed may be storing
// what it made at this moment, and two would make it twice.
func (a *app) asJob(ctx context.Context) (context.Context, context.CancelFunc) {
	a.report, a.json = &jobReporter{out: a.out}, true
	a.out = resultWriter{a.report}
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, a.in)
		cancel()
	}()
	release := a.jobAlone(ctx)
	return ctx, func() { release(); cancel() }
}

// jobAlone waits for the lock of the job's folder. It gives up when ctx ends, and then the
// command does nothing.
func (a *app) jobAlone(ctx context.Context) (release func()) {
	id := os.Getenv(jobEnv)
	folder := filepath.Join(jobsFolder(a.workspace), id)
	if _, err := os.Stat(folder); id == "" || err != nil {
		return func() {} // run by hand
	}
	for {
		release, ok, err := workspace.TryLock(filepath.Join(folder, "process"))
		switch {
		case ok:
			return release
		case err != nil:
			return func() {} // no lock is to be had there; the folder's other files fail next
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return func() {}
		}
	}
}

// resultWriter turns the one JSON document that a subcommand prints into a line.
type resultWriter struct{ *jobReporter }

func (w resultWriter) Write(p []byte) (int, error) {
	if !json.Valid(p) {
		return 0, fmt.Errorf("a job printed %d bytes that are no JSON", len(p))
	}
	w.write("result", json.RawMessage(p))
	return len(p), nil
}
