package main

import (
	"context"
	"errors"
	"fmt"
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
	if s.ranking != nil {
		return nil, server.Invalid{Code: "drift", Detail: "the task ranks: drift compares scores of one number"}
	}
	d, err := s.Loaded.Drift(ctx, s.dataUntil, 0)
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
	for _, m := range d.Columns {
		out.Columns = append(out.Columns, item(m))
	}
	for _, r := range d.Rows {
		out.Tables = append(out.Tables, server.DriftTable{Table: r.Table, ReferencePerDay: server.Number(r.Before), PerDay: server.Number(r.Now)})
	}
	return out, nil
}
