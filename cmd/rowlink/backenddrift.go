package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/server"
)

var _ server.Drifter = (*live)(nil)

// Drift implements [server.Drifter].
func (l *live) Drift(ctx context.Context, task string) (*server.DriftAnswer, error) {
	b, done := l.use()
	defer done()
	if err := b.known(task); err != nil {
		return nil, err
	}
	s := b.inService(task)
	if s == nil {
		return nil, server.NotFound{Detail: fmt.Sprintf("task %q has no version in service", task)}
	}
	compare := s.Loaded.Drift
	if s.ranking != nil {
		compare = s.ranking.Drift
	}
	d, err := compare(ctx, s.dataUntil, 0)
	if user := (*ingest.UserError)(nil); errors.As(err, &user) {
		return nil, server.Invalid{Code: "drift", Detail: user.Msg, Hint: user.Hint}
	}
	if err != nil {
		return nil, err
	}
	item := func(m rowlink.Moved) server.DriftItem {
		i := server.DriftItem{Name: m.Name, PSI: server.Number(m.PSI), ReferenceRows: m.Before, Rows: m.Now, Verdict: m.Verdict}
		if m.KS != nil {
			ks := server.Number(*m.KS)
			i.KS = &ks
		}
		return i
	}
	out := &server.DriftAnswer{Task: task, Version: strconv.Itoa(d.Version), Anchor: time.UnixMicro(d.Anchor).UTC(), Reference: time.UnixMicro(d.Since).UTC(), Days: d.Days,
		Columns: []server.DriftItem{}, Tables: []server.DriftTable{}, Skipped: append([]string{}, d.Skipped...)}
	if d.Scores != nil {
		i := item(*d.Scores)
		out.Score = &i
	}
	for _, m := range d.Parts {
		out.Parts = append(out.Parts, item(m))
	}
	for _, m := range d.Columns {
		out.Columns = append(out.Columns, item(m))
	}
	for _, r := range d.Rows {
		out.Tables = append(out.Tables, server.DriftTable{Table: r.Table, ReferencePerDay: server.Number(r.Before), PerDay: server.Number(r.Now)})
	}
	if d.Later != nil {
		out.Later = laterAnswer(d.Later)
	}
	return out, nil
}

func laterAnswer(l *rowlink.Later) *server.LaterScores {
	number := func(v *float64) server.Number {
		if v == nil {
			return server.Number(math.NaN())
		}
		return server.Number(*v)
	}
	out := &server.LaterScores{Metric: l.Metric, Trained: number(l.Trained), Score: number(l.Whole.Value), Examples: l.Whole.Rows, Anchors: []server.LaterScore{}}
	for _, a := range l.Anchors {
		out.Anchors = append(out.Anchors, server.LaterScore{Anchor: time.UnixMicro(a.Anchor).UTC(), Examples: a.Rows, Score: number(a.Value)})
	}
	return out
}
