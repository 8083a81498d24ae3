package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/ingest/postgres/pgoutput"
	"github.com/rowlink/rowlink/schema"
)

// pendingBytes bounds the memory of changes that wait for the next version. Where more come,
// or one transaction alone is larger, they are dropped and the tables refreshed instead.
const pendingBytes = 256 << 20

var (
	_ ingest.Followable = (*Source)(nil)
	_ ingest.Followed   = (*Follower)(nil)
)

// Follower is a source whose refreshes apply what the stream of a publication brought. Where
// that is not possible (at first, after DDL, TRUNCATE, a cut connection) it refreshes at
// the exported snapshot of a new slot and streams from there, so that each version is one
// state of the database and no change is lost or taken twice.
type Follower struct {
	*Source
	publication string
	limit       int           // of pending bytes
	every       time.Duration // how often the server is told what was taken in

	mu      sync.Mutex
	tables  []*followed
	byOID   map[uint32]*followed // with partitions
	stale   string               // why the stream cannot give the next version; "" = it can
	pending int                  // bytes of changes
	end     pgoutput.LSN         // transactions that end at or before it were taken in

	base string // ID of the snapshot that the changes are relative to
	stop func() // ends the stream; nil = none
}

// Follow implements [ingest.Followable]. It looks whether the publication has every table
// that is read; the error of one that has not holds the SQL for the owner.
func (s *Source) Follow(ctx context.Context, publication string) (ingest.Followed, error) {
	if err := s.published(ctx, publication); err != nil {
		return nil, err
	}
	return &Follower{Source: s, publication: publication, limit: pendingBytes, every: tellEvery, stale: "nothing was read yet"}, nil
}

// Close ends the stream, and with it the slot, and the connection.
func (f *Follower) Close() error {
	f.halt()
	return f.Source.Close()
}

func (f *Follower) halt() {
	if f.stop != nil {
		f.stop()
		f.stop = nil
	}
}

// Read implements [ingest.Source].
func (f *Follower) Read(ctx context.Context, sch *schema.Schema, b *ingest.Builder) error {
	return f.sync(ctx, sch, b, nil)
}

// Refresh implements [ingest.Refresher].
func (f *Follower) Refresh(ctx context.Context, sch *schema.Schema, b *ingest.Builder, old *ingest.Snapshot, text []byte) error {
	from := &earlier{old, decodeMark(text)}
	tables, why := f.take()
	if why == "" && old.ID != f.base {
		why = "the workspace's latest snapshot is not the one that was followed"
	}
	if why == "" {
		var err error
		if why, err = f.moved(ctx, sch); err != nil {
			return err
		}
	}
	f.base = "" // until the version is stored
	if why == "" {
		err := f.version(tables, b, from)
		if err == nil {
			return nil
		}
		why = err.Error()
		for _, t := range b.Tables {
			t.Reset()
		}
	}
	if err := f.sync(ctx, sch, b, from); err != nil {
		return err
	}
	for i := range f.ways {
		f.ways[i].Why += " (read again: " + why + ")"
	}
	return nil
}

// Stored implements [ingest.Followed].
func (f *Follower) Stored(id string) { f.base = id }

// take returns what changed since the last version, and begins to collect anew.
func (f *Follower) take() (tables []*followed, why string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, t := range f.tables {
		tables = append(tables, t)
		next := *t
		next.changes = map[string]*netChange{}
		f.tables[i] = &next
		for oid, o := range f.byOID {
			if o == t {
				f.byOID[oid] = &next
			}
		}
	}
	f.pending = 0
	return tables, f.stale
}

// sync reads the tables, or what changed in them, at the snapshot of a new slot and streams
// what is committed after it.
func (f *Follower) sync(ctx context.Context, sch *schema.Schema, b *ingest.Builder, from *earlier) error {
	f.halt()
	r, snapshot, err := f.replicate(ctx)
	if err != nil {
		return err
	}
	r.every = f.every
	f.imported = snapshot
	err = f.read(ctx, sch, b, from)
	f.imported = ""
	if err == nil {
		err = f.published(ctx, f.publication)
	}
	if err == nil {
		if err = r.begin(ctx, f.publication); err != nil {
			err = sourceError("stream publication "+f.publication, err, f.config)
		}
	}
	if err != nil {
		r.close()
		return err
	}
	f.follow(sch, r.start)
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer r.close()
		f.pump(ctx, r)
	}()
	f.stop = func() { cancel(); <-done }
	return nil
}

// follow prepares the tables that were read last to be followed.
func (f *Follower) follow(sch *schema.Schema, start pgoutput.LSN) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tables, f.byOID, f.stale, f.pending, f.end = nil, map[uint32]*followed{}, "", 0, start
	for _, p := range f.last.plans {
		t := &followed{plan: p, def: sch.Tables[p.table], changes: map[string]*netChange{}}
		t.keyed = len(t.def.Key) > 0
		for i, fd := range p.fields {
			put, ok := f.last.catalog.textPut(p, fd)
			if !ok {
				t.whyNot = fmt.Sprintf("column %q has a type that the stream prints otherwise than it is stored", fd.attr.name)
			}
			t.puts = append(t.puts, put)
			if !t.keyed || slices.Contains(t.def.Key, fd.column) {
				t.key = append(t.key, i)
			}
		}
		f.tables = append(f.tables, t)
		f.byOID[p.rel.oid] = t
		for _, oid := range p.files() {
			f.byOID[oid] = t
		}
	}
}

// moved says what of the structure is not as it was when the tables were read: DDL is not in
// the stream before the first change after it, and a rewrite of the rows never is.
func (f *Follower) moved(ctx context.Context, sch *schema.Schema) (why string, err error) {
	if err := f.begin(ctx); err != nil {
		return "", sourceError("look at the structure", err, f.config)
	}
	defer f.session.rollback()
	cat, err := f.readCatalog(ctx)
	if err != nil {
		return "", err
	}
	plans, err := cat.plans(sch)
	if err != nil {
		return err.Error(), nil
	}
	now, err := f.readMark(ctx, plans)
	if err != nil {
		return "", err
	}
	changed, err := f.typesChanged(ctx, &earlier{mark: f.mark})
	switch {
	case err != nil:
		return "", err
	case changed:
		return "an enum or an extension changed", nil
	case now.Server != f.mark.Server:
		return "the server was restarted, or is another one", nil
	case len(now.Tables) != len(f.mark.Tables):
		return "tables came or went", nil
	}
	for _, p := range plans {
		was, known := f.mark.Tables[p.rel.full()]
		if !known {
			return "tables came or went", nil
		}
		if diff := now.Tables[p.rel.full()].differs(was); diff != "" {
			return fmt.Sprintf("table %s: %s", p.rel.full(), diff), nil
		}
	}
	return "", nil
}

// Wait implements [ingest.Followed].
func (f *Follower) Wait(ctx context.Context, every time.Duration) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if f.waiting() {
			return nil
		}
		sch, err := f.Schema(ctx)
		if err == nil {
			var why string
			if why, err = f.moved(ctx, sch); err == nil && why == "" {
				continue
			}
		}
		return err
	}
}

// waiting reports whether there is anything for a next version.
func (f *Follower) waiting() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stale != "" || f.base == "" || slices.ContainsFunc(f.tables, func(t *followed) bool { return len(t.changes) > 0 })
}

// pump takes the stream in until ctx ends or the stream does.
func (f *Follower) pump(ctx context.Context, r *replication) {
	s := &inflow{follower: f, layouts: map[uint32]*layout{}}
	for {
		m, err := r.next(ctx)
		switch {
		case errors.Is(err, errQuiet):
			if !s.open {
				r.confirmed = max(r.confirmed, r.sent)
			}
			continue
		case ctx.Err() != nil:
			return
		case err != nil:
			f.spoil("the stream ended: " + innermost(err, f.config).Error())
			return
		}
		if s.message(m) {
			f.mu.Lock()
			r.confirmed = f.end
			f.mu.Unlock()
		}
	}
}

// spoil says that the stream cannot give the next version, and drops what it brought.
func (f *Follower) spoil(why string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.spoiled(why)
}

func (f *Follower) spoiled(why string) {
	if f.stale == "" {
		f.stale = why
	}
	for _, t := range f.tables {
		clear(t.changes)
	}
	f.pending = 0
}
