package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/server"
	"github.com/rowlink/rowlink/workspace"
)

// served is one loaded version.
type served struct {
	*rowlink.Loaded
	entity    *ingest.Table
	ranking   *rowlink.LoadedRanking // of a link prediction task; nil for others
	dataUntil int64                  // how fresh the data is, and the default anchor
	examples  []json.RawMessage      // keys of eligible entities
}

func newServed(l *rowlink.Loaded) *served {
	s := &served{Loaded: l, entity: l.Snap.Tables[l.Task.Entity], dataUntil: l.DataUntil}
	if !l.Task.Static() {
		return s
	}
	// Its target aggregates no table, so the entity's own rows say how fresh the data is.
	s.dataUntil = ingest.Always
	for _, at := range s.entity.Times {
		if at != ingest.Never && at <= l.Snap.Taken {
			s.dataUntil = max(s.dataUntil, at)
		}
	}
	if s.dataUntil == ingest.Always {
		s.dataUntil = l.Snap.Taken
	}
	return s
}

// ownTimes reports whether entities are asked at their own times unless a request says
// otherwise (rule R13).
func (s *served) ownTimes() bool { return s.Task.Static() && s.entity.Times != nil }

func (s *served) info() server.TaskInfo {
	info := server.TaskInfo{Name: s.Version.Task}
	describe(&info, s.Task, s.Snap)
	info.ExampleKeys, info.Metric, info.Serving = s.examples, s.Report.Metric, strconv.Itoa(s.Version.Version)
	return info
}

// shelf holds the loaded versions: of each task the one that prod names, and the last
// few others that were asked for. A version that leaves it lives on in the requests
// that use it.
type shelf struct {
	mu     sync.Mutex
	prod   map[string]*served
	others []*served // least recently used first

	loading sync.Mutex               // one load at a time: a load takes memory and all cores
	tried   map[string]int           // by task, the version that prod named when it was last loaded; refresh only
	broken  map[versionKey]time.Time // when a request's load failed last; under loading
}

type versionKey struct {
	task    string
	version int
}

// keepOthers bounds the versions outside of prod, each with a graph of its own.
const keepOthers = 4

func (h *shelf) inService(task string) *served {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.prod[task]
}

func (h *shelf) promote(s *served) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.prod == nil {
		h.prod = map[string]*served{}
	}
	h.prod[s.Version.Task] = s
}

func (h *shelf) withdraw(task string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.prod, task)
}

// held returns a loaded version, or nil.
func (h *shelf) held(task string, version int) *served {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.prod[task]; s != nil && s.Version.Version == version {
		return s
	}
	for i, s := range h.others {
		if s.Version.Task == task && s.Version.Version == version {
			h.others = append(slices.Delete(h.others, i, i+1), s)
			return s
		}
	}
	return nil
}

func (h *shelf) keep(s *served) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.others) == keepOthers {
		h.others = slices.Delete(h.others, 0, 1)
	}
	h.others = append(h.others, s)
}

// get returns a version for a request, loading it if need be. While one request loads,
// others that need a version which is not there are sent away: they would wait in places
// of the server that predictions need.
func (b *backend) get(ctx context.Context, task string, version int) (*served, error) {
	if s := b.held(task, version); s != nil {
		return s, nil
	}
	if !b.loading.TryLock() {
		return nil, server.Unavailable{Detail: "a version is being loaded", RetryAfter: time.Second}
	}
	defer b.loading.Unlock()
	if s := b.held(task, version); s != nil { // loaded since
		return s, nil
	}
	id := versionKey{task, version}
	if last, ok := b.broken[id]; ok && time.Since(last) < brokenRest {
		return nil, unloadable(id, brokenRest-time.Since(last))
	}
	s, err := b.load(ctx, task, version)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		if b.broken == nil {
			b.broken = map[versionKey]time.Time{}
		}
		b.broken[id] = time.Now()
		b.log.Error("version cannot be loaded", "task", task, "version", version, "error", err)
		return nil, unloadable(id, brokenRest)
	}
	delete(b.broken, id)
	b.keep(s)
	return s, nil
}

// brokenRest is how long a version that could not be loaded is not tried again: each
// attempt costs as much as a load that succeeds.
const brokenRest = time.Minute

// unloadable answers without the cause, which is the log's.
func unloadable(id versionKey, wait time.Duration) error {
	return server.Unavailable{Detail: fmt.Sprintf("version %d of task %q cannot be loaded; the server's log says why", id.version, id.task), RetryAfter: wait}
}

// load reads a version, compares its files with the manifest, and lets it answer once.
func (b *backend) load(ctx context.Context, task string, version int) (*served, error) {
	m, err := b.db.Workspace.Model(task, strconv.Itoa(version))
	if err != nil {
		return nil, err
	}
	if err := m.Verify(); err != nil {
		return nil, err
	}
	s, err := b.bind(ctx, m)
	if err != nil {
		return nil, err
	}
	if err := s.try(ctx); err != nil {
		return nil, fmt.Errorf("try version %d of task %s: %w", version, task, err)
	}
	return s, nil
}

// bind reads a version as what it is.
func (b *backend) bind(ctx context.Context, m *workspace.Model) (*served, error) {
	ref := strconv.Itoa(m.Version)
	if rowlink.Ranks(m) {
		l, err := b.db.LoadRanking(ctx, m.Task, ref)
		if err != nil {
			return nil, err
		}
		return newServedRanking(l), nil
	}
	l, err := b.db.LoadAfter(ctx, b.earlier(m), m.Task, ref, "")
	if err != nil {
		return nil, err
	}
	return newServed(l), nil
}

// earlier is the version where it answers over an earlier snapshot; nil where it does not.
func (b *backend) earlier(m *workspace.Model) *rowlink.Loaded {
	if b.before == nil {
		return nil
	}
	if s := b.before.inService(m.Task); s != nil && s.Version.Version == m.Version {
		return s.Loaded
	}
	return nil
}

// try predicts a few entities from their keys on, as requests do. It also builds what is
// made at the first use: the index over the keys, the order of the rows that WHERE reads.
func (s *served) try(ctx context.Context) error {
	const some = 3
	if s.CheckAnchor(s.dataUntil) != nil {
		return nil // there is nothing to predict yet
	}
	q := questions{served: s, anchor: s.dataUntil, own: s.ownTimes()}
	rows, err := s.All(ctx, s.dataUntil)
	if err != nil {
		return err
	}
	for _, row := range rows {
		raw, ok := jsonKey(s.entity.Key(row))
		if !ok || !s.Visible(row, q.anchorOf(row)) {
			continue
		}
		if fault := q.add(len(s.examples), raw); fault.Code != "" || q.rows[len(q.rows)-1] != row {
			return fmt.Errorf("row %d of %s has the key %s, which finds another row or none: %s", row, s.entity.Def.Name, raw, fault.Detail)
		}
		if s.examples = append(s.examples, raw); len(s.examples) == some {
			break
		}
	}
	answers, err := q.answer(ctx)
	if err != nil {
		return err
	}
	for i, p := range answers {
		if !finite(predict.Prediction{Value: p.Value, Probability: p.Probability}) {
			return fmt.Errorf("the prediction for the key %s is not finite", s.examples[i])
		}
	}
	return nil
}

// jsonKey writes a key as requests send it; ok is false when none could.
func jsonKey(key ingest.Key) (json.RawMessage, bool) {
	parts := make([]any, len(key))
	for i, v := range key {
		if v == nil {
			return nil, false
		}
		if t, ok := v.(time.Time); ok {
			v = t.Format(time.RFC3339Nano)
		}
		parts[i] = v
	}
	var v any = parts
	if len(parts) == 1 {
		v = parts[0]
	}
	raw, err := json.Marshal(v)
	return raw, err == nil && len(parts) > 0
}

// refresh brings into service what the prod aliases name now; changed hears of each task
// whose version in service changed or should have. A version that cannot be loaded
// leaves the one before it in service, and is tried once.
func (b *backend) refresh(ctx context.Context, changed func(task string, err error)) error {
	names, err := b.names()
	if err != nil {
		return err
	}
	for _, task := range names {
		now := 0
		if s := b.inService(task); s != nil {
			now = s.Version.Version
		}
		m, err := b.db.Workspace.Model(task, workspace.Prod)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			if now != 0 {
				b.withdraw(task)
				changed(task, err)
			}
			continue
		case err != nil:
			return err
		case m.Version == now || m.Version == b.tried[task]:
			continue
		}
		err = b.putInService(ctx, task, m.Version)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		changed(task, err)
	}
	return nil
}

func (b *backend) putInService(ctx context.Context, task string, version int) error {
	b.loading.Lock()
	defer b.loading.Unlock()
	if b.tried == nil {
		b.tried = map[string]int{}
	}
	b.tried[task] = version
	s := b.held(task, version)
	if s == nil {
		var err error
		if s, err = b.load(ctx, task, version); err != nil {
			return err
		}
	}
	b.promote(s)
	return nil
}
