package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/rowlink/rowlink/workspace"
)

// lockFile is held by the queue that runs the jobs of a folder.
const lockFile = "lock"

// acquire waits until no other process runs the jobs, and reads what that one left. It
// returns nil when ctx ends first.
func (q *Queue) acquire(ctx context.Context) (release func()) {
	for said := false; ; {
		err := os.MkdirAll(q.store.dir, 0o700)
		ok := false
		if err == nil {
			release, ok, err = workspace.TryLock(filepath.Join(q.store.dir, lockFile))
		}
		if ok {
			q.mu.Lock()
			q.store.tidy()
			q.follows = false
			q.mu.Unlock()
			if err = q.reload(); err == nil {
				return release
			}
			release()
		}
		if err == nil {
			err = q.catchUp(true)
		}
		switch {
		case said:
		case err != nil:
			q.log.Warn("jobs wait: their folder cannot be read or written", "error", err)
		default:
			q.log.Info("another server of this workspace runs the jobs")
		}
		said = true
		select {
		case <-time.After(heedPace):
		case <-ctx.Done():
			return nil
		}
	}
}

// Run runs the jobs until ctx ends. The one that runs then is left as it is, for the next
// process to go on with. While another process runs the jobs of the folder it waits.
func (q *Queue) Run(ctx context.Context) {
	release := q.acquire(ctx)
	if release == nil {
		return
	}
	defer release()
	var watching sync.WaitGroup
	watching.Go(func() { q.heed(ctx) })
	defer watching.Wait()
	for ctx.Err() == nil {
		if e := q.next(); e != nil {
			q.run(ctx, e)
			continue
		}
		select {
		case <-q.wake:
		case <-ctx.Done():
		}
	}
}

// heedPace is how often wishes of other processes are looked for.
const heedPace = time.Second

// heed takes in the jobs that other processes submitted, and cancels those for which another
// process left the wish; see [RequestCancel].
func (q *Queue) heed(ctx context.Context) {
	tick := time.NewTicker(heedPace)
	defer tick.Stop()
	for {
		if err := q.catchUp(false); err != nil {
			q.log.Error("jobs of other servers", "error", err)
		}
		q.mu.Lock()
		var asked []string
		for _, id := range q.list {
			if !q.jobs[id].State.Final() && q.store.cancelAsked(id) {
				asked = append(asked, id)
			}
		}
		q.mu.Unlock()
		for _, id := range asked {
			q.Cancel(id)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (q *Queue) next() *entry {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, id := range q.list {
		if e := q.jobs[id]; e.State == Queued {
			return e
		}
	}
	return nil
}

// run runs one job to its end.
func (q *Queue) run(ctx context.Context, e *entry) {
	work, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	stop := context.AfterFunc(ctx, func() { cancel(ErrStopping) })
	defer stop()
	if !q.begin(e, cancel) {
		return
	}
	defer q.store.close(e.ID)
	result, err := q.attempt(work, e)
	raw, bad := json.Marshal(result)
	err = cmp.Or(err, bad)
	q.mu.Lock()
	defer q.mu.Unlock()
	e.cancel = nil
	switch cause := context.Cause(work); {
	case err == nil: // also when it was cancelled too late
		e.State, e.Result = Succeeded, raw
	case errors.Is(cause, ErrStopping):
		q.say(e, "state", stateEvent{State: Queued, Error: ErrStopping.Error()})
		return // its file says running
	case errors.Is(cause, ErrCancelled):
		e.State = Cancelled
	default:
		e.State, e.Error = Failed, err.Error()
	}
	e.Ended = q.now().UTC()
	q.save(e)
	q.say(e, "state", stateEvent{e.State, e.Attempts, e.Error, e.Result})
}

// begin marks a job as running, unless it was cancelled meanwhile.
func (q *Queue) begin(e *entry, cancel context.CancelCauseFunc) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if e.State != Queued {
		return false
	}
	q.recall(e)
	if err := q.store.rewrite(e.ID, e.events); err != nil { // without a torn line
		q.log.Error("events of a job", "job", e.ID, "error", err)
	}
	e.State, e.cancel = Running, cancel
	e.Attempts++
	if e.Started.IsZero() {
		e.Started = q.now().UTC()
	}
	q.save(e)
	q.say(e, "state", stateEvent{State: Running, Attempt: e.Attempts})
	return true
}

// attempt calls the work; a panic in it fails the job and nothing else.
func (q *Queue) attempt(ctx context.Context, e *entry) (result any, err error) {
	defer func() {
		if v := recover(); v != nil {
			q.log.Error("panic in a job", "job", e.ID, "panic", fmt.Sprint(v))
			err = errors.New("a fault of the program; the server's log has it")
		}
	}()
	return q.work[e.Kind](ctx, e.Job, q.store.folder(e.ID), func(kind string, data any) {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.say(e, kind, data)
	})
}
