package postgres

import (
	"context"
	"sync"
)

// job is a table, or one range of its pages.
type job struct {
	plan   *plan
	pages  span
	number int // of the range within the table
}

// queue deals jobs out to workers. A job may add further ones while it runs; the queue
// ends when none waits and none runs.
type queue struct {
	mu      sync.Mutex
	changed *sync.Cond
	waiting []job
	running int
}

func newQueue(jobs []job) *queue {
	q := &queue{waiting: jobs}
	q.changed = sync.NewCond(&q.mu)
	return q
}

// next waits for a job; ok is false at the end and when ctx is done.
func (q *queue) next(ctx context.Context) (j job, ok bool) {
	stop := context.AfterFunc(ctx, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.changed.Broadcast()
	})
	defer stop()
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waiting) == 0 && q.running > 0 && ctx.Err() == nil {
		q.changed.Wait()
	}
	if len(q.waiting) == 0 || ctx.Err() != nil {
		return job{}, false
	}
	j, q.waiting = q.waiting[0], q.waiting[1:]
	q.running++
	return j, true
}

// first puts jobs before all others, in their order.
func (q *queue) first(jobs []job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(jobs, q.waiting...)
	q.changed.Broadcast()
}

// done ends a job that next handed out.
func (q *queue) done() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.running--
	q.changed.Broadcast()
}
