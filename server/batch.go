package server

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/rowlink/rowlink/internal/phase"
	"github.com/rowlink/rowlink/server/tracing"
)

// batcher gives predictions their places. One that finds a place free is computed at once.
// Those that had to wait are put together when a place becomes free: all that ask for few
// entities of the same version at the same anchor become one call of the backend, which
// costs less than each alone. No request ever waits for company.
type batcher struct {
	backend  Backend
	places   int           // calls at the same time
	patience time.Duration // see [batcher.late]
	metrics  *metrics

	mu      sync.Mutex
	busy    int    // places taken
	waiting []*ask // oldest first
}

// Bounds of a call of several requests. Larger requests have calls of their own: they gain
// nothing, and the others would wait for them.
const (
	sharedEntities = 16  // of one request
	callEntities   = 256 // of all together
)

// ask is a request that waits, and what became of it.
type ask struct {
	ctx   context.Context
	req   PredictRequest
	since time.Time

	done     chan struct{} // closed once the fields below are set
	answer   *PredictAnswer
	err      error
	panicked any
}

func newBatcher(b Backend, l Limits, m *metrics) *batcher {
	return &batcher{backend: b, places: l.Concurrent, patience: l.QueueTime, metrics: m}
}

// predict answers a request, in a call of its own or among others. It returns when ctx
// ends: a request whose time is up before it has a place never starts.
func (b *batcher) predict(ctx context.Context, req PredictRequest) (*PredictAnswer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	a := &ask{ctx: ctx, req: req, since: time.Now()}
	b.mu.Lock()
	if b.busy < b.places {
		b.busy++
		b.mu.Unlock()
		defer b.release()
		b.metrics.queueTime.Observe(0)
		return b.call(ctx, req, 1)
	}
	a.done = make(chan struct{})
	b.waiting = append(b.waiting, a)
	b.mu.Unlock()
	select {
	case <-a.done:
		if a.panicked != nil {
			panic(a.panicked)
		}
		return a.answer, a.err
	case <-ctx.Done():
		b.forget(a)
		return nil, ctx.Err()
	}
}

// call asks the backend.
func (b *batcher) call(ctx context.Context, req PredictRequest, requests int) (*PredictAnswer, error) {
	b.metrics.callRequests.Observe(float64(requests))
	var times phase.Times
	start := time.Now()
	answer, err := b.backend.Predict(phase.With(ctx, &times), req)
	took := time.Since(start)
	b.metrics.callTime.Observe(took.Seconds())
	b.metrics.sampleTime.Observe(times.Sample().Seconds())
	b.metrics.computeTime.Observe(times.Compute().Seconds())
	tracing.Record(ctx, tracing.Part{Name: "predict", From: start, To: start.Add(took), Count: map[string]int{"requests": requests, "entities": len(req.Entities)},
		Seconds: map[string]float64{"sample": times.Sample().Seconds(), "compute": times.Compute().Seconds()}})
	if err == nil && answer == nil {
		return nil, fmt.Errorf("predict task %q: the backend gave neither answer nor error", req.Task)
	}
	return answer, err
}

// release passes a place on to those who wait, or gives it back.
func (b *batcher) release() {
	if group := b.next(); group != nil {
		go func() {
			for ; group != nil; group = b.next() {
				b.answer(group)
			}
		}()
	}
}

// next takes the oldest request and those that can share its call; nil gives the place back.
func (b *batcher) next() []*ask {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == 0 {
		b.busy--
		return nil
	}
	group, entities := []*ask{b.waiting[0]}, len(b.waiting[0].req.Entities)
	b.waiting = slices.DeleteFunc(b.waiting, func(a *ask) bool {
		if a == group[0] {
			return true
		}
		n := len(a.req.Entities)
		if entities+n > callEntities || !shares(group[0].req, a.req) {
			return false
		}
		group, entities = append(group, a), entities+n
		return true
	})
	return group
}

// shares reports whether two requests can be answered by one call.
func shares(x, y PredictRequest) bool {
	for _, r := range []*PredictRequest{&x, &y} {
		if r.ExplainTop > 0 || len(r.Entities) > sharedEntities {
			return false
		}
	}
	return x.Task == y.Task && x.Version == y.Version && x.Alias == y.Alias && x.Anchor.Equal(y.Anchor) && x.Interval == y.Interval
}

// answer computes what a group asks and wakes those who wait for it.
func (b *batcher) answer(group []*ask) {
	now := time.Now()
	for _, a := range group {
		b.metrics.queueTime.Observe(now.Sub(a.since).Seconds())
		tracing.Record(a.ctx, tracing.Part{Name: "queue", From: a.since, To: now})
	}
	if len(group) > 1 && b.together(group) {
		return
	}
	for _, a := range group {
		b.alone(a)
	}
}

// alone answers one request.
func (b *batcher) alone(a *ask) {
	defer close(a.done)
	defer func() {
		if v := recover(); v != nil {
			a.panicked = fmt.Sprintf("%v\n%s", v, debug.Stack()) // of the goroutine that has the cause
		}
	}()
	if a.err = a.ctx.Err(); a.err == nil {
		a.answer, a.err = b.call(a.ctx, a.req, 1)
	}
}

// together answers a group by one call. It reports false when that failed in any way: then
// each is asked alone, so that no request suffers for another.
func (b *batcher) together(group []*ask) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false // who panics says so again, alone
		}
	}()
	ctx, cancel := allOf(group)
	defer cancel()
	req := group[0].req
	req.Entities = nil
	at := make([]int, 0, len(group)+1) // where each request's entities begin
	for _, a := range group {
		at = append(at, len(req.Entities))
		req.Entities = append(req.Entities, a.req.Entities...)
	}
	whole, err := b.call(ctx, req, len(group))
	if err != nil {
		return false
	}
	parts := split(whole, append(at, len(req.Entities)))
	if parts == nil {
		return false
	}
	for i, a := range group {
		a.answer = parts[i]
		close(a.done)
	}
	return true
}

// split gives each request its part of an answer; at holds where its entities begin and, at
// the end, their number. It returns nil for an answer about entities that nobody asked for.
func split(whole *PredictAnswer, at []int) []*PredictAnswer {
	parts := make([]*PredictAnswer, len(at)-1)
	for i := range parts {
		part := *whole
		part.Predictions, part.Errors = nil, nil
		parts[i] = &part
	}
	owner := func(index int) int {
		i, exact := slices.BinarySearch(at, index)
		if !exact {
			i--
		}
		for i+1 < len(at) && at[i] == at[i+1] { // requests without entities own none
			i++
		}
		return i
	}
	for _, p := range whole.Predictions {
		i := owner(p.Index)
		if i < 0 || i >= len(parts) {
			return nil
		}
		p.Index -= at[i]
		parts[i].Predictions = append(parts[i].Predictions, p)
	}
	for _, e := range whole.Errors {
		i := owner(e.Index)
		if i < 0 || i >= len(parts) {
			return nil
		}
		e.Index -= at[i]
		parts[i].Errors = append(parts[i].Errors, e)
	}
	return parts
}

// allOf returns a context that ends once those of all requests have.
func allOf(group []*ask) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(group[0].ctx))
	var mu sync.Mutex
	left := len(group)
	stops := make([]func() bool, len(group))
	for i, a := range group {
		stops[i] = context.AfterFunc(a.ctx, func() {
			mu.Lock()
			defer mu.Unlock()
			if left--; left == 0 {
				cancel(context.Cause(a.ctx))
			}
		})
	}
	return ctx, func() {
		for _, stop := range stops {
			stop()
		}
		cancel(nil)
	}
}

// forget takes a request that nobody waits for any more out of the queue.
func (b *batcher) forget(a *ask) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := slices.Index(b.waiting, a); i >= 0 {
		b.waiting = slices.Delete(b.waiting, i, i+1)
	}
}

// late reports whether the oldest request has waited too long: whoever comes now would
// wait longer still, and is better told at once.
func (b *batcher) late() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.waiting) > 0 && time.Since(b.waiting[0].since) > b.patience
}

// depth returns how many requests wait.
func (b *batcher) depth() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.waiting)
}
