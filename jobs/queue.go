package jobs

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rowlink/rowlink/workspace"
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

	mu   sync.Mutex
	jobs map[string]*entry
	list []string // ids in the order of creation
	wake chan struct{}
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
			q.mu.Unlock()
			if err = q.reload(); err == nil {
				return release
			}
			release()
		}
		if !said {
			q.log.Warn("jobs wait: another server of this workspace runs them, or its folder cannot be written", "error", err)
			said = true
		}
		select {
		case <-time.After(heedPace):
		case <-ctx.Done():
			return nil
		}
	}
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
	q.forget()
	select {
	case q.wake <- struct{}{}:
	default:
	}
	return j, true, nil
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
	case e.State == Queued:
		e.State, e.Ended = Cancelled, q.now().UTC()
		q.say(e, "state", stateEvent{State: e.State})
		q.save(e)
	case e.cancel != nil:
		e.cancel(ErrCancelled)
	}
	return e.Job, true
}

// Events returns what a job said after an event, whether that is all that it will ever say,
// and a channel that closes when there is more.
func (q *Queue) Events(id string, after int) (list []Event, done bool, more <-chan struct{}, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e := q.jobs[id]
	if e == nil {
		return nil, false, nil, false
	}
	q.recall(e)
	after = min(max(after, 0), len(e.events))
	return slices.Clone(e.events[after:]), e.State.Final(), e.more, true
}

// recall reads the events of a job of an earlier process; under mu.
func (q *Queue) recall(e *entry) {
	if !e.read {
		e.events, e.read = q.store.events(e.ID), true
	}
}

// stateEvent is said when a job's state changes.
type stateEvent struct {
	State   State           `json:"state"`
	Attempt int             `json:"attempt,omitempty"`
	Error   string          `json:"error,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
}

// say records an event; under mu.
func (q *Queue) say(e *entry, kind string, data any) {
	q.recall(e)
	if len(e.events) >= mostEvents && kind != "state" {
		return
	}
	raw, err := json.Marshal(data)
	if err != nil {
		q.log.Error("event of a job", "job", e.ID, "error", err)
		return
	}
	ev := Event{len(e.events) + 1, q.now().UTC(), kind, raw}
	e.events = append(e.events, ev)
	switch kind {
	case "progress":
		e.Progress = raw
	case "epoch":
		e.Epoch = raw
	}
	if err := q.store.append(e.ID, ev); err != nil {
		q.log.Error("event of a job", "job", e.ID, "error", err)
	}
	close(e.more)
	e.more = make(chan struct{})
}

func (q *Queue) save(e *entry) {
	if err := q.store.save(e.Job); err != nil {
		q.log.Error("job cannot be saved", "job", e.ID, "error", err)
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

// heed cancels the jobs for which another process left the wish; see [RequestCancel].
func (q *Queue) heed(ctx context.Context) {
	tick := time.NewTicker(heedPace)
	defer tick.Stop()
	for {
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
