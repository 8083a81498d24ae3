// Package sqlite reads SQLite files as a source: sqlite:PATH. The file is opened
// read-only and all tables are read in one transaction, so a snapshot is one state
// of the database even while others write to it.
//
// SQLite lets every cell hold a value of any type. A column's kind follows from its
// declared type; cells of another type are converted where nothing is lost, else
// read as NULL and counted in [Source.Findings].
package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // the driver, registered as "sqlite"

	"github.com/rowlink/rowlink/ingest"
)

func init() { ingest.Register("sqlite", open) }

// Source is an open SQLite file.
type Source struct {
	path string // as the user wrote it
	db   *sql.DB

	version  int64 // schema_version at the time of Schema; -1 before
	findings []ingest.Finding
}

var (
	_ ingest.Source   = (*Source)(nil)
	_ ingest.Reporter = (*Source)(nil)
)

// open opens the file that a URL names: sqlite:PATH, sqlite://PATH too.
func open(ctx context.Context, rawURL string, opt ingest.OpenOptions) (ingest.Source, error) {
	path := strings.TrimPrefix(strings.TrimPrefix(rawURL, "sqlite:"), "//")
	for _, s := range opt.Schemas {
		if s != "main" {
			return nil, &ingest.UserError{Msg: fmt.Sprintf("unknown schema %q", s), Hint: `a SQLite file has the one schema "main"`}
		}
	}
	if err := check(path); err != nil {
		return nil, err
	}
	db, err := connect(ctx, path)
	if err != nil {
		return nil, err
	}
	return &Source{path: path, db: db, version: -1}, nil
}

// magic is how every SQLite file begins (SQLite file format, section 1.3).
var magic = []byte("SQLite format 3\x00")

// check refuses what is no SQLite file with a better message than the driver has.
// A file of 0 bytes is an empty database for SQLite, but a mistake here.
func check(path string) error {
	const hint = "write sqlite:FILE with the path of a SQLite database"
	if path == "" {
		return &ingest.UserError{Msg: "database URL names no file", Hint: hint}
	}
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &ingest.UserError{Msg: fmt.Sprintf("no file %q", path), Hint: hint}
	case err != nil:
		return &ingest.SourceError{Op: fmt.Sprintf("open %q", path), Err: err}
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return &ingest.UserError{Msg: fmt.Sprintf("%q is a folder", path), Hint: hint}
	}
	head := make([]byte, len(magic))
	if n, _ := f.Read(head); !bytes.Equal(head[:n], magic) {
		return &ingest.UserError{Msg: fmt.Sprintf("%q is no SQLite database", path), Hint: hint}
	}
	return nil
}

// connect opens the file and reads from it once. A file in WAL mode on a medium that
// cannot be written needs to be opened as immutable, which is safe when nobody can
// have an open transaction: there is no WAL file.
func connect(ctx context.Context, path string) (*sql.DB, error) {
	db, err := connectMode(ctx, path, "mode=ro")
	if err == nil {
		return db, nil
	}
	if _, statErr := os.Stat(path + "-wal"); errors.Is(statErr, fs.ErrNotExist) && ctx.Err() == nil {
		if db, err := connectMode(ctx, path, "mode=ro&immutable=1"); err == nil {
			return db, nil
		}
	}
	return nil, &ingest.SourceError{Op: fmt.Sprintf("open %q", path), Err: err}
}

func connectMode(ctx context.Context, path, mode string) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", fileURL(abs, mode+"&_pragma=query_only(1)&_pragma=busy_timeout(10000)"))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	var n int
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&n); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// fileURL names a file to the driver; question and number signs in the path are escaped.
func fileURL(abs, query string) string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: query}).String()
}

// Close closes the file.
func (s *Source) Close() error { return s.db.Close() }

// Findings tells which values could not be read as their column's kind.
func (s *Source) Findings() []ingest.Finding { return s.findings }
