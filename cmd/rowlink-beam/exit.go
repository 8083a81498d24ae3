package main

import (
	"context"
	"errors"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
	"github.com/rowlink/rowlink/workspace"
)

// usageError is a mistake in flags or arguments.
type usageError struct{ error }

// exitCode classifies the outcome of a command by the codes of rowlink: 0 ok, 1 failure, 2
// usage, 3 database, 4 data, 130 interrupted.
func exitCode(ctx context.Context, err error) int {
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil:
		return 130
	case as[usageError](err), as[tql.Errors](err), as[*tql.Error](err), as[*workspace.NotFoundError](err):
		return 2
	case as[*tasks.Error](err):
		return 4
	case as[*ingest.SourceError](err):
		return 3
	case as[*ingest.UserError](err):
		return 2
	}
	return 1
}

func as[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

// hintOf returns what an error says to write instead.
func hintOf(err error) string {
	var user *ingest.UserError
	var task *tasks.Error
	switch {
	case errors.As(err, &user):
		return user.Hint
	case errors.As(err, &task):
		return task.Hint
	}
	return ""
}
