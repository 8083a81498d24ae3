package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/pages"
	"github.com/rowlink/rowlink/server"
	"github.com/rowlink/rowlink/tasks"
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
	if out.Importance, err = rowlink.ReadImportance(b.db.Workspace, task, m.Version); err != nil {
		return nil, err
	}
	out.Diagnostics, err = rowlink.ReadDiagnostics(m)
	return out, err
}

// Truths implements [pages.Source].
func (l *live) Truths(ctx context.Context, task string, key json.RawMessage, anchors []time.Time) ([]pages.Truth, error) {
	b, done := l.use()
	defer done()
	out := make([]pages.Truth, len(anchors))
	s := b.inService(task)
	if s == nil || s.Task.Static() || s.Task.Raw != nil {
		return out, nil // labels of these are not of an anchor, or of one entity
	}
	row, fault := s.find(key)
	if fault.Code != "" {
		return out, nil
	}
	at := map[int64]int{}
	var grid []int64
	for i, a := range anchors {
		at[a.UnixMicro()] = i
		grid = append(grid, a.UnixMicro())
	}
	slices.Sort(grid)
	labelled := *s.Task // binding fills in what is not said
	labels, err := tasks.LabelRow(ctx, b.db.Snap, &labelled, row, slices.Compact(grid))
	if err != nil {
		return nil, err
	}
	for i, anchor := range labels.Anchor {
		truth := pages.Truth{Known: true, Text: labels.Text(i), Value: math.NaN()}
		if labels.Classes == nil && labels.Label != nil {
			truth.Value = labels.Label[i]
		}
		if s.Task.Type == tasks.Binary {
			truth.Text = strconv.FormatBool(truth.Value > 0)
		}
		out[at[anchor]] = truth
	}
	for i, a := range anchors { // the same moment may be asked twice
		out[i] = out[at[a.UnixMicro()]]
	}
	return out, nil
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
