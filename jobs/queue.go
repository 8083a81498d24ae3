package jobs

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bounds of a queue.
const (
	mostWaiting = 32
	mostEnded   = 500    // older ones are removed with their files
	mostEvents  = 20_000 // of one job; later ones are dropped, but for its end
)

// Queue holds the jobs of one folder and runs them one after another. It is safe for
// concurrent use; one process at a time may run it.
type Queue struct {
	store store
	work  map[string]Work
	log   *slog.Logger
	now   func() time.Time

	mu      sync.Mutex
	follows bool // another process runs the jobs of the folder
	jobs    map[string]*entry
	list    []string // ids in the order of creation
	wake    chan struct{}
}

type entry struct {
	Job
	events []Event
	read   bool          // events are those of the file
	more   chan struct{} // closed when there is something new
	cancel context.CancelCauseFunc
}

// Open reads the jobs of a folder, which need not exist. Jobs that were running are queued
// again. work does the jobs of each kind.
func Open(dir string, work map[string]Work, log *slog.Logger) (*Queue, error) {
	q := &Queue{store: store{dir: dir}, work: work, log: log, now: time.Now, jobs: map[string]*entry{}, wake: make(chan struct{}, 1)}
	return q, q.reload()
}

// reload takes over what the files say.
func (q *Queue) reload() error {
	q.mu.Lock() // before the files are read: a job that is submitted meanwhile must not be missed
	defer q.mu.Unlock()
	list, err := q.store.load()
	if err != nil {
		return err
	}
	old := q.jobs
	q.jobs, q.list = map[string]*entry{}, nil
	for _, j := range list {
		if j.State == Running {
			j.State = Queued
		}
		e := old[j.ID]
		if e == nil {
			e = &entry{more: make(chan struct{})}
		}
		e.Job, e.events, e.read = j, nil, false
		q.jobs[j.ID] = e
		q.list = append(q.list, j.ID)
	}
	return nil
}

// Submit takes a job in. The same key with the same request gives the job that it gave
// before, and created is false; with another request a [KeyError]. A [FullError] says that
// too many wait.
func (q *Queue) Submit(kind, task string, request json.RawMessage, key string) (j Job, created bool, err error) {
	if q.work[kind] == nil {
		return j, false, fmt.Errorf("jobs: no work of kind %q", kind)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	sum, waiting := digest(kind, task, request), 0
	for _, id := range q.list {
		e := q.jobs[id]
		if key != "" && e.Key == key {
			if e.Digest != sum {
				return j, false, &KeyError{key, id}
			}
			return e.Job, false, nil
		}
		if e.State == Queued {
			waiting++
		}
	}
	if waiting >= mostWaiting {
		return j, false, &FullError{waiting}
	}
	now := q.now().UTC()
	j = Job{ID: now.Format("20060102-150405.000000") + "-" + strings.ToLower(rand.Text()[:6]), Kind: kind, Task: task, State: Queued,
		Request: request, Created: now.Truncate(time.Microsecond), Key: key, Digest: sum}
	j.ID = strings.ReplaceAll(j.ID, ".", "")
	if err := q.store.save(j); err != nil {
		return j, false, err
	}
	q.jobs[j.ID] = &entry{Job: j, read: true, more: make(chan struct{})}
	q.list = append(q.list, j.ID)
	if !q.follows { // who runs them also forgets them
		q.forget()
	}
	q.rouse()
	return j, true, nil
}

// rouse says that there may be a job to run.
func (q *Queue) rouse() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// forget removes the oldest jobs that ended; under mu.
func (q *Queue) forget() {
	ended := 0
	for _, id := range q.list {
		if q.jobs[id].State.Final() {
			ended++
		}
	}
	q.list = slices.DeleteFunc(q.list, func(id string) bool {
		if ended <= mostEnded || !q.jobs[id].State.Final() {
			return false
		}
		ended--
		if err := q.store.remove(id); err != nil {
			q.log.Error("an old job cannot be removed", "job", id, "error", err)
		}
		delete(q.jobs, id)
		return true
	})
}

// Jobs returns all jobs, the latest first.
func (q *Queue) Jobs() []Job {
	q.mu.Lock()
	defer q.mu.Unlock()
	out := make([]Job, 0, len(q.list))
	for _, id := range slices.Backward(q.list) {
		out = append(out, q.jobs[id].Job)
	}
	return out
}

// Job returns a job and its folder.
func (q *Queue) Job(id string) (j Job, dir string, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e := q.jobs[id]
	if e == nil {
		return j, "", false
	}
	return e.Job, q.store.folder(id), true
}

// Cancel ends a job: one that waits at once, one that runs soon. A job that has ended stays
// as it is.
func (q *Queue) Cancel(id string) (j Job, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e := q.jobs[id]
	switch {
	case e == nil:
		return j, false
	case q.follows && !e.State.Final():
		if err := RequestCancel(q.store.dir, id); err != nil {
			q.log.Error("a job cannot be cancelled", "job", id, "error", err)
		}
	case e.State == Queued:
		e.State, e.Ended = Cancelled, q.now().UTC()
		q.say(e, "state", stateEvent{State: e.State})
		q.save(e)
	case e.cancel != nil:
		e.cancel(ErrCancelled)
	}
	return e.Job, true
}
