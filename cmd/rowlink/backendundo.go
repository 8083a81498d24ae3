package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/rowlink/rowlink/server"
	"github.com/rowlink/rowlink/statement"
	"github.com/rowlink/rowlink/tasks/tql"
	"github.com/rowlink/rowlink/workspace"
)

var _ server.Undoer = (*backend)(nil)

// session runs statements over what is served. It must not be closed.
func (b *backend) session() *statement.Session {
	return &statement.Session{Tools: servedTools{sqlTools{&app{threads: b.threads, quiet: true, streams: streams{err: io.Discard, out: io.Discard}}}, b.db}}
}

// DropTask implements [server.Undoer]: DROP TASK.
func (b *backend) DropTask(ctx context.Context, task string, cascade bool) (*server.DroppedTask, error) {
	if err := b.known(task); err != nil {
		return nil, err
	}
	versions, err := b.db.Workspace.Models(task)
	if err != nil {
		return nil, err
	}
	text := "DROP TASK " + tql.Quote(task)
	if cascade {
		text += " CASCADE"
	}
	if _, err := b.session().One(ctx, text); err != nil {
		if list, ok := errors.AsType[tql.Errors](err); ok && list[0].Code == "TK196" {
			return nil, server.Conflict{Code: list[0].Code, Detail: list[0].Message, Hint: "?cascade=true removes them too"}
		}
		return nil, err
	}
	b.withdraw(task)
	return &server.DroppedTask{Task: task, Models: len(versions)}, nil
}

// Rollback implements [server.Undoer].
func (b *backend) Rollback(ctx context.Context, task, alias string) (*server.AliasMove, error) {
	if err := b.known(task); err != nil {
		return nil, err
	}
	before, err := b.db.Workspace.Before(task, alias)
	if err != nil {
		return nil, err
	}
	if before == nil {
		return nil, server.Conflict{Code: "alias", Detail: fmt.Sprintf("alias %q of task %q named no other version before", alias, task), Hint: "PUT /v1/models/" + task + "/aliases/" + alias + " lets it name one"}
	}
	if _, err := b.get(ctx, task, before.Version); err != nil {
		return nil, err
	}
	move, err := b.db.Workspace.Rollback(task, alias)
	if err != nil {
		return nil, err
	}
	out := &server.AliasMove{Task: task, Alias: move.Alias, From: strconv.Itoa(move.From), To: strconv.Itoa(move.To)}
	if alias == workspace.Prod {
		return out, b.putInService(ctx, task, move.To)
	}
	return out, nil
}
