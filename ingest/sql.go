package ingest

import (
	"context"
	"fmt"
	"io"
	"time"
)

// SQLSource is a source that answers SELECTs.
type SQLSource interface {
	// OpenSQL begins a reading transaction with one consistent state of the database, in
	// which no name is found but those of the system, and instants are read and shown in a
	// zone.
	OpenSQL(ctx context.Context, zone *time.Location) (SQLSession, error)
}

// SQLCopier is a source that copies what SELECTs give out of several connections.
type SQLCopier interface {
	// CopySQL runs the statements, each once and in one state of the database, and hands over
	// what each gives as CSV without a header. take is called from several goroutines.
	CopySQL(ctx context.Context, zone *time.Location, connections int, statements []string, take func(i int, csv io.Reader) error) error
}

// SQLSession is a reading transaction. After an error it is of no more use.
type SQLSession interface {
	// Select runs one statement. Values are nil, bool, int64, float64, string, time.Time or
	// []any of them. An error of the statement is an [*SQLError].
	Select(ctx context.Context, sql string, args ...any) (*SQLResult, error)
	Close() error
}

// SQLResult is what a SELECT gave.
type SQLResult struct {
	Columns []string
	Rows    [][]any
}

// An SQLError is what a database says about a statement.
type SQLError struct {
	Code     string // SQLSTATE; empty where there is none
	Message  string
	Detail   string
	Hint     string
	Position int // character of the statement, from 1; 0 = not told
}

func (e *SQLError) Error() string {
	if e.Code == "" {
		return e.Message
	}
	return fmt.Sprintf("%s (SQLSTATE %s)", e.Message, e.Code)
}
