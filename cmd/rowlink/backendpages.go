package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/pages"
	"github.com/rowlink/rowlink/server"
	"github.com/rowlink/rowlink/workspace"
)

var _ pages.Source = (*live)(nil)

// Tables implements [pages.Source].
func (l *live) Tables(context.Context) (*pages.Tables, error) {
	b, done := l.use()
	defer done()
	snap := b.db.Snap
	t := &pages.Tables{Source: b.db.Source, Snapshot: snap.ID, Taken: time.UnixMicro(snap.Taken).UTC(), View: snap.Schema.View(), Rows: map[string]int{}}
	for i, table := range snap.Tables {
		t.Rows[t.View.Tables[i].Name] = table.Rows
	}
	return t, nil
}

// Version implements [pages.Source].
func (l *live) Version(_ context.Context, task, version string) (*pages.Version, error) {
	b, done := l.use()
	defer done()
	m, err := b.db.Workspace.Model(task, version)
	if missing := (*workspace.NotFoundError)(nil); errors.As(err, &missing) {
		return nil, noVersion(missing)
	}
	if err != nil {
		return nil, err
	}
	out := &pages.Version{}
	from, err := rowlink.ProvenanceOf(m)
	if err != nil {
		return nil, err
	}
	for _, f := range []pages.Fact{{Name: "made by", Value: from.Program}, {Name: "asked as job", Value: from.Job}} {
		if f.Value != "" {
			out.Provenance = append(out.Provenance, f)
		}
	}
	if rowlink.Ranks(m) {
		return out, nil
	}
	if out.Report, err = rowlink.ReadReport(m); err != nil {
		return nil, err
	}
	out.Diagnostics, err = rowlink.ReadDiagnostics(m)
	return out, err
}

// Moments implements [pages.Source].
func (l *live) Moments(_ context.Context, task string, n int) ([]time.Time, error) {
	b, done := l.use()
	defer done()
	s := b.inService(task)
	if s == nil {
		return nil, server.NotFound{Detail: fmt.Sprintf("no version answers for task %q", task)}
	}
	var out []time.Time
	o := &s.Task.Options
	for at := s.dataUntil; len(out) < n && s.CheckAnchor(at) == nil; at = o.Add(at, o.Step.Times(-1)) {
		out = append(out, time.UnixMicro(at).UTC())
		if s.Task.Static() {
			break
		}
	}
	return out, nil
}
