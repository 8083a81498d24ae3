package ingest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/rowlink/rowlink/internal/registry"
	"github.com/rowlink/rowlink/schema"
)

// Source is a database that can be read. It is never written to.
type Source interface {
	// Schema returns the tables, keys and foreign keys that the source declares,
	// with storage kinds; semantic types and times are inferred later from the data.
	Schema(ctx context.Context) (*schema.Schema, error)
	// Read appends every row of every table of s to b, all from one consistent
	// state of the database. The tables of b are aligned with s.Tables. Different
	// tables may be filled by different goroutines.
	Read(ctx context.Context, s *schema.Schema, b *Builder) error
	Close() error
}

// OpenOptions says which part of a database a source shows.
type OpenOptions struct {
	Schemas []string // namespaces to read; empty = the source's default

	// Include names views, materialized views and foreign tables ("name" or
	// "namespace.name") that are read like tables.
	Include []string
	// AcceptRowSecurity reads a database although the server hides rows of it from the
	// role; a finding says so. Without it that is an error.
	AcceptRowSecurity bool
	// MaxAge bounds how long one consistent state of a live database is held, which
	// keeps its server from cleaning up; 0 = the source's default.
	MaxAge time.Duration
	// Memory bounds in bytes what a source holds of the rows on their way into a builder
	// that spills; 0 = [DefaultMemory].
	Memory int64
}

// DefaultMemory is the budget of a read that names none.
const DefaultMemory = 256 << 20

// Budget is Memory or what stands for it.
func (o OpenOptions) Budget() int64 {
	if o.Memory > 0 {
		return o.Memory
	}
	return DefaultMemory
}

// Opener opens the source that url names.
type Opener func(ctx context.Context, url string, opt OpenOptions) (Source, error)

var openers = registry.New[Opener]("URL scheme")

// Register makes a source known under a URL scheme ("postgres").
func Register(scheme string, open Opener) { openers.Add(scheme, open) }

// Open opens the database that url names. The error of an unknown scheme lists the
// known ones and never repeats the URL, which may hold a password.
func Open(ctx context.Context, url string, opt OpenOptions) (Source, error) {
	scheme, _, ok := strings.Cut(url, ":")
	if !ok {
		return nil, &UserError{Msg: "database URL has no scheme",
			Hint: "write postgres://user@host/database, sqlite:FILE, csv:FOLDER, parquet:FOLDER or relbench:FOLDER"}
	}
	open, err := openers.Get(scheme)
	if err != nil {
		return nil, &UserError{Msg: err.Error(), Hint: "write postgres://user@host/database, sqlite:FILE, csv:FOLDER, parquet:FOLDER or relbench:FOLDER"}
	}
	if len(opt.Include) > 0 && !strings.HasPrefix(scheme, "postgres") {
		return nil, &UserError{Msg: fmt.Sprintf("a source of scheme %s has nothing to include", scheme), Hint: "views and foreign tables are those of postgres"}
	}
	return open(ctx, url, opt)
}

// A UserError is a mistake of the user that the message and the hint explain whole.
type UserError struct{ Msg, Hint string }

func (e *UserError) Error() string {
	if e.Hint == "" {
		return e.Msg
	}
	return fmt.Sprintf("%s (%s)", e.Msg, e.Hint)
}

// A SourceError is a failure of the database or of the way to it: it was refused,
// cut or denied. Op is the act ("connect to host:port", "read table \"races\"").
type SourceError struct {
	Op  string
	Err error
}

func (e *SourceError) Error() string { return e.Op + ": " + e.Err.Error() }
func (e *SourceError) Unwrap() error { return e.Err }
