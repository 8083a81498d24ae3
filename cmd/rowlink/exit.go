package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
)

// The exit codes are a stable contract.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2 // flags, arguments, task text, unknown names
	exitDatabase    = 3 // connection, permission, password
	exitData        = 4 // data or leakage: short data, label problems
	exitResource    = 5 // memory, disk
	exitInterrupted = 130
)

// usageError is a mistake in flags or arguments.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// dataError is data that cannot be used as asked.
type dataError struct{ error }

func (e dataError) Unwrap() error { return e.error }

// exitClasses is asked from top to bottom; the first class that fits decides.
var exitClasses = []struct {
	code int
	fits func(error) bool
}{
	{exitInterrupted, func(err error) bool { return errors.Is(err, context.Canceled) }},
	{exitResource, func(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.ENOMEM) }},
	{exitUsage, as[usageError]},
	{exitUsage, as[tql.Errors]},
	{exitUsage, as[*tql.Error]},
	{exitData, as[dataError]},
	{exitData, as[*tasks.Error]},
	{exitDatabase, as[*ingest.SourceError]},
	{exitUsage, as[*ingest.UserError]},
}

func as[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

// exitCode classifies the outcome of a command.
func exitCode(ctx context.Context, err error) int {
	if err == nil {
		return exitOK
	}
	if ctx.Err() != nil {
		return exitInterrupted
	}
	for _, c := range exitClasses {
		if c.fits(err) {
			return c.code
		}
	}
	return exitFailure
}

// report prints an error for people: task errors with their line and caret.
func report(w io.Writer, err error) {
	var list tql.Errors
	if errors.As(err, &list) {
		for _, e := range list {
			fmt.Fprintln(w, e.Pretty())
		}
		return
	}
	var one *tql.Error
	if errors.As(err, &one) {
		fmt.Fprintln(w, one.Pretty())
		return
	}
	fmt.Fprintf(w, "ERROR:  %v\n", err)
	var user *ingest.UserError
	if errors.As(err, &user) {
		return // its hint is part of the message
	}
	var task *tasks.Error
	if errors.As(err, &task) && task.Hint != "" {
		fmt.Fprintf(w, "HINT:  %s\n", task.Hint)
	}
}
