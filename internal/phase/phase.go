// Package phase owns the two parts of a prediction's time: gathering what the rows of a seed
// say, and computing on it. Whoever asks puts a [Times] into the context; those who work add
// to it. Without one, nothing is measured.
package phase

import (
	"context"
	"sync/atomic"
	"time"
)

// Times are sums over all threads that worked, so they may exceed the time that passed.
type Times struct{ sample, compute atomic.Int64 }

// Sample is the time spent on finding rows and gathering what they say.
func (t *Times) Sample() time.Duration { return time.Duration(t.sample.Load()) }

// Compute is the time spent on networks, trees and sums.
func (t *Times) Compute() time.Duration { return time.Duration(t.compute.Load()) }

type key struct{}

// With returns a context whose work is measured.
func With(ctx context.Context, t *Times) context.Context { return context.WithValue(ctx, key{}, t) }

// Clock measures the work of one goroutine; the zero value measures nothing.
type Clock struct {
	times *Times
	last  time.Time
}

// Start begins to measure.
func Start(ctx context.Context) Clock {
	t, _ := ctx.Value(key{}).(*Times)
	if t == nil {
		return Clock{}
	}
	return Clock{t, time.Now()}
}

// Sampled counts the time since the last mark as sampling.
func (c *Clock) Sampled() { c.mark(func(t *Times) *atomic.Int64 { return &t.sample }) }

// Computed counts the time since the last mark as computing.
func (c *Clock) Computed() { c.mark(func(t *Times) *atomic.Int64 { return &t.compute }) }

func (c *Clock) mark(of func(*Times) *atomic.Int64) {
	if c.times == nil {
		return
	}
	now := time.Now()
	of(c.times).Add(int64(now.Sub(c.last)))
	c.last = now
}
