// Package postgres reads PostgreSQL databases: their structure from pg_catalog,
// and all rows from one exported snapshot through several binary COPY streams.
// It registers the URL schemes "postgres" and "postgresql" with package ingest.
//
// The database is never written, and a read is never silently short: the reading
// transactions are read-only, filtered rows (row-level security) are an error, and
// each table is checked for being the same file and the same columns before and
// after its rows were read.
package postgres

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

func init() {
	ingest.Register("postgres", open)
	ingest.Register("postgresql", open)
}

// DefaultSchema is the namespace that is read when none is named.
const DefaultSchema = "public"

// Source is one PostgreSQL database. Its methods must not be called at the same time.
type Source struct {
	config     *pgx.ConnConfig
	namespaces []string
	chosen     bool // the namespaces were named by the user
	opt        ingest.OpenOptions
	piece      time.Duration // limit of one statement
	chunk      int64         // bytes of one range of a large table
	workers    int           // connections beside the source's own, at most
	silence    time.Duration // of a stream, after which its connection counts as dead
	session    *session      // catalog reader, and exporter of the snapshot during Read

	mu       sync.Mutex
	findings []ingest.Finding

	mark *mark        // of the last read
	ways []ingest.Way // of the last read
	last lastRead

	imported string // exported snapshot to read instead of one of its own; empty = none
}

var (
	_ ingest.Source   = (*Source)(nil)
	_ ingest.Doctor   = (*Source)(nil)
	_ ingest.Reporter = (*Source)(nil)
)

func open(ctx context.Context, url string, opt ingest.OpenOptions) (ingest.Source, error) {
	s, err := Open(ctx, url, opt)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Open connects to the database that url names. A malformed URL is an
// [ingest.UserError], a refused connection an [ingest.SourceError]; neither repeats
// the URL or the password.
func Open(ctx context.Context, url string, opt ingest.OpenOptions) (*Source, error) {
	config, err := parseURL(url)
	if err != nil {
		return nil, err
	}
	namespaces := slices.Clone(opt.Schemas)
	if len(namespaces) == 0 {
		namespaces = []string{DefaultSchema}
	}
	slices.Sort(namespaces)
	ses, err := connect(ctx, config)
	if err != nil {
		return nil, err
	}
	return &Source{config: config, namespaces: slices.Compact(namespaces), chosen: len(opt.Schemas) > 0, opt: opt, piece: pieceLimit, chunk: chunkFor(opt.Budget()),
		workers: maxWorkers, silence: silence, session: ses}, nil
}

// Close ends the connection.
func (s *Source) Close() error {
	s.session.close()
	return nil
}

// Schema reads the structure of the namespaces from pg_catalog with a number of
// queries that does not depend on the number of tables. What the role may not read
// is listed in Skipped with the statement that would permit it.
func (s *Source) Schema(ctx context.Context) (*schema.Schema, error) {
	cat, err := s.catalog(ctx)
	if err != nil {
		return nil, err
	}
	if err := cat.refuse(); err != nil {
		return nil, err
	}
	return cat.schema()
}

// Findings tells which values of the last Read a snapshot cannot hold.
func (s *Source) Findings() []ingest.Finding {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.findings)
}

// catalog reads the structure in a transaction of its own.
func (s *Source) catalog(ctx context.Context) (*catalog, error) {
	if err := s.begin(ctx); err != nil {
		return nil, sourceError("read catalog", err, s.config)
	}
	defer s.session.rollback()
	cat, err := s.readCatalog(ctx)
	if err != nil {
		return nil, err
	}
	return cat, nil
}

// settings of a transaction in the named exported snapshot, or in one of its own.
func (s *Source) settings(snapshot string) settings {
	return settings{snapshot: snapshot, statement: s.piece, filtered: s.opt.AcceptRowSecurity}
}

// begin starts a reading transaction, on a new connection if the old one has died in
// the meantime (a server's idle time-out, a restart).
func (s *Source) begin(ctx context.Context) error {
	if !s.session.conn.IsClosed() {
		err := s.session.begin(ctx, s.settings(s.imported))
		if err == nil || !s.session.conn.IsClosed() || ctx.Err() != nil {
			return err
		}
	}
	ses, err := connect(ctx, s.config)
	if err != nil {
		return err
	}
	s.session = ses
	return ses.begin(ctx, s.settings(s.imported))
}
