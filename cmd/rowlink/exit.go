package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/graph/sample"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
	"github.com/rowlink/rowlink/workspace"
)

// The exit codes are a stable contract.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2 // flags, arguments, task text, mapping file, unknown names
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

// hinted is an error with what to write instead.
type hinted struct {
	error
	hint string
}

func (e hinted) Unwrap() error { return e.error }
func (e hinted) Hint() string  { return e.hint }

// usage returns a usageError with a hint; an empty hint is none.
func usage(hint, format string, args ...any) error {
	return usageError{hinted{fmt.Errorf(format, args...), hint}}
}

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
	{exitUsage, as[schema.MappingErrors]},
	{exitUsage, as[*schema.MappingError]},
	{exitUsage, as[*workspace.NotFoundError]},
	{exitUsage, as[*sample.UnknownEdgeError]},
	{exitUsage, badOption},
	{exitData, as[dataError]},
	{exitData, as[*tasks.Error]},
	{exitData, as[*predict.AnchorError]},
	{exitDatabase, as[*ingest.SourceError]},
	{exitUsage, as[*ingest.UserError]},
}

func as[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

// badOption tells an option of a task that was mistyped from data that does not suffice.
func badOption(err error) bool {
	var e *tasks.Error
	return errors.As(err, &e) && e.Code == "TK194"
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

// report prints an error for people: task errors with their line and caret, others with
// the hint on a line of its own.
func report(w io.Writer, err error) {
	var silent silentError
	if errors.As(err, &silent) {
		return
	}
	if errors.Is(err, context.Canceled) {
		fmt.Fprintln(w, "interrupted; no result was stored")
		return
	}
	var list tql.Errors
	if errors.As(err, &list) {
		fmt.Fprintln(w, list.Pretty())
		return
	}
	var one *tql.Error
	if errors.As(err, &one) {
		fmt.Fprintln(w, one.Pretty())
		return
	}
	hint := hintOf(err)
	message := err.Error()
	var mapping schema.MappingErrors
	if errors.As(err, &mapping) && len(mapping) > mostFaults {
		message = fmt.Sprintf("%v\n... and %d more", mapping[:mostFaults], len(mapping)-mostFaults)
	}
	if hint != "" {
		message = strings.Replace(message, " ("+hint+")", "", 1)
	}
	fmt.Fprintf(w, "ERROR:  %s\n", message)
	if hint != "" {
		fmt.Fprintf(w, "HINT:  %s\n", hint)
	}
}

// mostFaults of a mapping file are printed; a file of another database has one per entry.
const mostFaults = 8

// hintOf returns what an error says to write instead.
func hintOf(err error) string {
	var mapping schema.MappingErrors
	if errors.As(err, &mapping) { // each line has its own beside
		return "correct mapping.yaml in the workspace; another database wants a workspace of its own: --workspace FOLDER"
	}
	var user *ingest.UserError
	var task *tasks.Error
	var other interface{ Hint() string }
	switch {
	case errors.As(err, &user):
		return user.Hint
	case errors.As(err, &task):
		return task.Hint
	case errors.As(err, &other):
		return other.Hint()
	}
	return ""
}

// silentError decides the exit code only: what it is about was printed already.
type silentError struct{ error }

func (e silentError) Unwrap() error { return e.error }
