package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/server"
	"github.com/rowlink/rowlink/workspace"
)

var _ server.Measurer = (*live)(nil)

// Importance implements [server.Measurer].
func (l *live) Importance(_ context.Context, task, version string) (*server.ImportanceAnswer, error) {
	b, done := l.use()
	defer done()
	if err := b.known(task); err != nil {
		return nil, err
	}
	m, err := b.db.Workspace.Model(task, version)
	if missing := (*workspace.NotFoundError)(nil); errors.As(err, &missing) {
		return nil, noVersion(missing)
	}
	if err != nil {
		return nil, err
	}
	i, err := rowlink.ReadImportance(b.db.Workspace, task, m.Version)
	if err != nil {
		return nil, err
	}
	if i == nil {
		return nil, server.NotFound{Detail: fmt.Sprintf("the importance of version %d of task %q was not measured yet", m.Version, task), Hint: fmt.Sprintf("rowlink importance %s --version %d", task, m.Version)}
	}
	out := &server.ImportanceAnswer{Task: task, Version: strconv.Itoa(i.Version), Snapshot: i.Snapshot, Served: i.Served, Metric: i.Metric, Score: server.Number(i.Score), Examples: i.Examples, Draws: i.Draws,
		Items: []server.ImportanceItem{}}
	for _, item := range i.Items {
		out.Items = append(out.Items, server.ImportanceItem{Kind: item.Kind, Table: item.Table, Name: item.Name, Loss: server.Number(item.Loss), Spread: server.Number(item.Spread)})
	}
	return out, nil
}
