package server

import (
	"context"
	"sync/atomic"
	"time"
)

// gate bounds the work of one kind in the server. A request first gets a ticket, which is
// refused at once when too many requests are inside, and then waits for one of the places.
// So the number of bodies in memory is bounded whatever is offered. Predictions wait at
// the [batcher], questions here.
type gate struct {
	tickets int64 // places + queue
	inside  atomic.Int64
	places  chan struct{}
}

// overloadRetry is what refused clients are told to wait: about the time of a few answers.
const overloadRetry = time.Second

func newGate(places, queue int) *gate {
	return &gate{tickets: int64(places + queue), places: make(chan struct{}, places)}
}

// admit returns the function that gives the ticket back; ok is false when there is none.
func (g *gate) admit() (leave func(), ok bool) {
	if g.inside.Add(1) > g.tickets {
		g.inside.Add(-1)
		return nil, false
	}
	return func() { g.inside.Add(-1) }, true
}

// take waits for a place until ctx ends. A request whose time is up never starts.
func (g *gate) take(ctx context.Context) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case g.places <- struct{}{}:
		return func() { <-g.places }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// waiting returns how many wait for a place or have not come to ask for one.
func (g *gate) waiting() int64 { return max(0, g.inside.Load()-int64(len(g.places))) }
