package ingest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/rowlink/rowlink/schema"
)

// Progress is a report while a source is read.
type Progress struct {
	Table    string // full name
	Rows     int64  // rows of the table so far
	Estimate int64  // rows of the table by the catalog; -1 = unknown
}

// TakeOptions configures [Take]. The zero value is usable.
type TakeOptions struct {
	// Progress is called from time to time and once per table at the end of reading,
	// never twice at once; nil = never.
	Progress func(Progress)
	// Schema is what to read; nil = what the source declares.
	Schema *schema.Schema
	// Spill is a folder in whose unnamed temporary files large columns are collected, so
	// that a database may be larger than memory; empty = on the heap.
	Spill string
	// Memory is how many bytes of small columns may stay on the heap although Spill is set;
	// 0 = a quarter of [DefaultMemory].
	Memory int64
	// Taken is the moment that the snapshot bears, microseconds UTC; 0 = now.
	Taken int64
	// Old is an earlier snapshot of the same source, and OldMark the mark that was kept
	// with it: a [Refresher] copies only what changed since. Old belongs to Take, which
	// closes it, or to the snapshot that it returns.
	Old     *Snapshot
	OldMark []byte
}

// Take reads a source into a snapshot: its schema, every row, canonical order, and
// foreign keys resolved as declared. A declared foreign key that cannot be resolved
// (SQLite accepts ones to columns that are not unique) moves to Skipped of the
// snapshot's schema. A mapping is applied afterwards by [Snapshot.Derive].
func Take(ctx context.Context, src Source, opt TakeOptions) (*Snapshot, error) {
	snap, err := take(ctx, src, opt)
	switch {
	case opt.Old == nil:
	case err != nil:
		opt.Old.Close()
	default:
		if snap.held == nil {
			snap.held = &held{}
		}
		snap.held.add(opt.Old.Close)
	}
	return snap, err
}

func take(ctx context.Context, src Source, opt TakeOptions) (*Snapshot, error) {
	sc, taken := opt.Schema, opt.Taken
	if sc == nil {
		var err error
		if sc, err = src.Schema(ctx); err != nil {
			return nil, err
		}
	}
	if taken == 0 {
		taken = time.Now().UnixMicro()
	}
	b := NewBuilder(sc)
	if opt.Spill != "" {
		b.Spill(opt.Spill)
		if opt.Memory > 0 {
			b.space.Heap = opt.Memory
		}
	}
	if opt.Progress != nil {
		var mu sync.Mutex
		b.Progress = func(table int, rows int64) {
			mu.Lock()
			defer mu.Unlock()
			opt.Progress(Progress{Table: sc.Tables[table].FullName(), Rows: rows, Estimate: sc.Tables[table].Estimate})
		}
	}
	err := opt.read(ctx, src, sc, b)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		b.Discard()
		return nil, err
	}
	if b.Progress != nil {
		for i, t := range b.Tables {
			b.Progress(i, t.Rows())
		}
	}
	snap, err := b.Finish(sc, taken)
	if err != nil {
		return nil, err
	}
	if r, ok := src.(Reporter); ok {
		snap.Findings = append(snap.Findings, r.Findings()...)
	}
	d, err := snap.deriveDeclared()
	if err != nil {
		snap.Close()
	}
	return d, err
}

// read fills b, from the earlier snapshot where there is one that the source can use.
func (opt TakeOptions) read(ctx context.Context, src Source, sc *schema.Schema, b *Builder) error {
	if r, ok := src.(Refresher); ok && opt.Old != nil {
		return r.Refresh(ctx, sc, b, opt.Old, opt.OldMark)
	}
	return src.Read(ctx, sc, b)
}

// deriveDeclared is Derive without the links that cannot be resolved.
func (s *Snapshot) deriveDeclared() (*Snapshot, error) {
	sc := s.Schema
	for {
		d, err := s.Derive(sc)
		var bad *linkError
		if err == nil || !errors.As(err, &bad) || sc.Tables[bad.table].Time != nil {
			return d, err
		}
		sc = withoutLink(sc, bad)
	}
}

// withoutLink returns a copy of sc in which a link is skipped.
func withoutLink(sc *schema.Schema, bad *linkError) *schema.Schema {
	out, t := *sc, *sc.Tables[bad.table]
	reason := bad.err.Error()
	var user *UserError
	if errors.As(bad.err, &user) {
		reason = user.Msg
	}
	out.Skipped = append(slices.Clip(out.Skipped), schema.Skipped{Object: "foreign key " + t.Links[bad.link].Name + " of " + t.FullName(), Reason: reason})
	t.Links = slices.Delete(slices.Clone(t.Links), bad.link, bad.link+1)
	out.Tables = slices.Clone(out.Tables)
	out.Tables[bad.table] = &t
	return &out
}
