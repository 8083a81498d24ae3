package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/rowlink/rowlink/jobs"
	"github.com/rowlink/rowlink/server"
	"github.com/rowlink/rowlink/workspace"
)

// live answers from the latest snapshot of the workspace. A newer one is opened beside the
// one that answers, every version in service is read, checked and tried over it, and then
// all requests that come from then on go to it. What is in flight ends where it began, and
// then the older snapshot is closed. So each answer is of one snapshot and one version.
type live struct {
	open func(ctx context.Context) (*backend, error) // over the latest snapshot
	say  func(format string, args ...any)

	mu  sync.RWMutex
	now *generation

	changing sync.Mutex // one change of tasks and aliases at a time

	tried   string // snapshot that could not be taken into service
	closing sync.WaitGroup
}

// generation is a backend over one snapshot, and the requests that use it.
type generation struct {
	*backend
	uses sync.WaitGroup
}

var (
	_ server.Backend = (*live)(nil)
	_ server.Asker   = (*live)(nil)
	_ server.Keeper  = (*live)(nil)
	_ server.Planner = (*live)(nil)
	_ server.Undoer  = (*live)(nil)
)

// use returns the backend that answers now, and what to call when it is not needed any more.
func (l *live) use() (b *backend, done func()) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	l.now.uses.Add(1)
	return l.now.backend, l.now.uses.Done
}

// swap puts a backend into service and closes the one before it, once it is not used any
// more.
func (l *live) swap(b *backend) {
	l.mu.Lock()
	old := l.now
	l.now = &generation{backend: b}
	l.mu.Unlock()
	if old == nil {
		return
	}
	l.closing.Go(func() {
		old.uses.Wait()
		if err := old.db.Close(); err != nil {
			old.log.Error("an older snapshot cannot be closed", "error", err)
		}
	})
}

// close waits for the last requests and closes what is open.
func (l *live) close() error {
	l.closing.Wait()
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.now == nil {
		return nil
	}
	l.now.uses.Wait()
	return l.now.db.Close()
}

// renew takes the latest snapshot of the workspace into service, if that is another one. One
// over which a version in service cannot be read is told and left alone: what answers goes
// on answering.
func (l *live) renew(ctx context.Context) error {
	now := l.now.backend // only this goroutine swaps
	id, _, err := now.db.Workspace.LatestSnapshot()
	if errors.Is(err, fs.ErrNotExist) || err == nil && (id == now.db.Snap.ID || id == l.tried) {
		return nil
	}
	if err != nil {
		return err
	}
	b, err := l.open(ctx)
	if err == nil {
		err = now.carry(ctx, b)
		if err != nil {
			err = errors.Join(err, b.db.Close())
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		l.tried = id
		return fmt.Errorf("snapshot %s is not taken into service: %w", id, err)
	}
	l.swap(b)
	for _, task := range b.tasksInService() {
		s := b.inService(task)
		l.say("task %s: version %d answers from snapshot %s, data until %s; %d rows were encoded", task, s.Version.Version, b.db.Snap.ID, instant(s.dataUntil), s.RowsEncoded())
	}
	return nil
}

// carry puts the versions that are in service here into service over another snapshot.
func (b *backend) carry(ctx context.Context, over *backend) error {
	over.before = b
	defer func() { over.before = nil }()
	for _, task := range b.tasksInService() {
		if err := over.putInService(ctx, task, b.inService(task).Version.Version); err != nil {
			return err
		}
	}
	return nil
}

// tasksInService lists the tasks that a version answers for, in order.
func (h *shelf) tasksInService() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []string
	for task := range h.prod {
		out = append(out, task)
	}
	slices.Sort(out)
	return out
}

// followPace is how often promotions and snapshots are looked for.
const followPace = time.Second

// follow keeps up with promotions and snapshots until ctx ends. What it reads was committed
// whole, so it is never half-written.
func (l *live) follow(ctx context.Context, pace time.Duration, changed func(b *backend) func(task string, err error)) {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := l.renew(ctx); err != nil && ctx.Err() == nil {
			l.say("%v", err)
		}
		b := l.now.backend // only this goroutine swaps
		if err := b.refresh(ctx, changed(b)); err != nil && ctx.Err() == nil {
			changed(b)("", err)
		}
	}
}

// refresher takes a new snapshot of the database every now and then, in a process of its
// own that others go before.
type refresher struct {
	every     time.Duration
	url       string
	schemas   []string
	workspace *workspace.Workspace
	say       func(format string, args ...any)
}

// snapshotLife is how long a snapshot stays that no version needs, unless the database is
// read more seldom: what opened it a moment ago may be at work on it.
const snapshotLife = time.Hour

// refreshLock, in the workspace, is held by the server that reads the database again. Where
// that one ends another takes its place, at the next time that it would have read.
const refreshLock = "refresh.lock"

func (r *refresher) run(ctx context.Context) {
	tick := time.NewTicker(r.every)
	defer tick.Stop()
	mine := false
	for {
		if !mine {
			release, ok, err := workspace.TryLock(filepath.Join(r.workspace.Dir(), refreshLock))
			if err != nil {
				r.say("the database is not read again: %v", err)
			}
			if mine = ok; ok {
				defer release()
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if !mine {
			continue
		}
		if err := r.ingest(ctx); err != nil && ctx.Err() == nil {
			r.say("the database was not read again: %v", err)
		}
		if _, err := r.workspace.PruneSnapshots(max(snapshotLife, 2*r.every)); err != nil {
			r.say("old snapshots were not removed: %v", err)
		}
	}
}

func (r *refresher) ingest(ctx context.Context) error {
	args := []string{"ingest", "--refresh", "--quiet", "--json", "--workspace", r.workspace.Dir()}
	for _, s := range r.schemas {
		args = append(args, "--schema", s)
	}
	cmd, err := newChild(args, "DATABASE_URL="+r.url, jobEnv+"=1")
	if err != nil {
		return err
	}
	if err := cmd.start(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() {
		_ = cmd.Process.Signal(os.Interrupt)
		time.AfterFunc(jobGrace, func() { _ = cmd.Process.Kill() }) // harmless once it has ended
	})
	defer stop()
	if err := cmd.Wait(); err != nil {
		return errors.New(cmd.lastError(err))
	}
	return nil
}

// The rest passes each request to the backend that answers now.

// Tasks implements [server.Backend].
func (l *live) Tasks(ctx context.Context) ([]server.TaskInfo, error) {
	b, done := l.use()
	defer done()
	return b.Tasks(ctx)
}

// Models implements [server.Backend].
func (l *live) Models(ctx context.Context) ([]server.ModelInfo, error) {
	b, done := l.use()
	defer done()
	return b.Models(ctx)
}

// Predict implements [server.Backend].
func (l *live) Predict(ctx context.Context, req server.PredictRequest) (*server.PredictAnswer, error) {
	b, done := l.use()
	defer done()
	return b.Predict(ctx, req)
}

// Query implements [server.Asker].
func (l *live) Query(ctx context.Context, req server.QueryRequest) (*server.QueryAnswer, error) {
	b, done := l.use()
	defer done()
	return b.Query(ctx, req)
}

// CreateTask implements [server.Keeper].
func (l *live) CreateTask(ctx context.Context, text server.TaskText, dry bool) (*server.CreatedTask, error) {
	l.changing.Lock()
	defer l.changing.Unlock()
	b, done := l.use()
	defer done()
	return b.CreateTask(ctx, text, dry)
}

// Promote implements [server.Keeper].
func (l *live) Promote(ctx context.Context, task, version, alias string) (*server.AliasMove, error) {
	l.changing.Lock()
	defer l.changing.Unlock()
	b, done := l.use()
	defer done()
	return b.Promote(ctx, task, version, alias)
}

// DropTask implements [server.Undoer].
func (l *live) DropTask(ctx context.Context, task string, cascade bool) (*server.DroppedTask, error) {
	l.changing.Lock()
	defer l.changing.Unlock()
	b, done := l.use()
	defer done()
	return b.DropTask(ctx, task, cascade)
}

// Rollback implements [server.Undoer].
func (l *live) Rollback(ctx context.Context, task, alias string) (*server.AliasMove, error) {
	l.changing.Lock()
	defer l.changing.Unlock()
	b, done := l.use()
	defer done()
	return b.Rollback(ctx, task, alias)
}

// Labels implements [server.Keeper].
func (l *live) Labels(ctx context.Context, ask server.LabelsRequest, w io.Writer) error {
	b, done := l.use()
	defer done()
	return b.Labels(ctx, ask, w)
}

// PlanTrain implements [server.Planner].
func (l *live) PlanTrain(ctx context.Context, task string, options map[string]string) (json.RawMessage, error) {
	b, done := l.use()
	defer done()
	return b.PlanTrain(ctx, task, options)
}

// PlanBatch implements [server.Planner].
func (l *live) PlanBatch(ctx context.Context, ask server.BatchRequest) (json.RawMessage, error) {
	b, done := l.use()
	defer done()
	return b.PlanBatch(ctx, ask)
}

// BatchFile implements [server.Planner].
func (l *live) BatchFile(j jobs.Job) (name, media string) {
	b, done := l.use()
	defer done()
	return b.BatchFile(j)
}
