package postgres

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/sync/errgroup"

	"github.com/rowlink/rowlink/ingest"
)

var _ ingest.SQLCopier = (*Source)(nil)

// CopySQL implements [ingest.SQLCopier]: every connection imports one exported snapshot.
// Behind a pooler, which may lead connections to other servers, there is one.
func (s *Source) CopySQL(ctx context.Context, zone *time.Location, connections int, statements []string, take func(i int, csv io.Reader) error) error {
	first, err := s.OpenSQL(ctx, zone)
	if err != nil {
		return err
	}
	defer first.Close()
	exporter := first.(*selection)
	var next atomic.Int64
	each := func(ctx context.Context, on *selection) error {
		for {
			i := int(next.Add(1)) - 1
			if i >= len(statements) || ctx.Err() != nil {
				return ctx.Err()
			}
			if err := on.copy(ctx, statements[i], func(csv io.Reader) error { return take(i, csv) }); err != nil {
				return err
			}
		}
	}
	if exporter.pooled || connections < 2 {
		return each(ctx, exporter)
	}
	id, err := exporter.export(ctx)
	if err != nil {
		return sourceError("export a snapshot", err, s.config)
	}
	g, ctx := errgroup.WithContext(ctx)
	for range min(connections, len(statements)) {
		g.Go(func() error {
			on, err := s.openSQL(ctx, zone, id)
			if err != nil {
				return err
			}
			defer on.Close()
			return each(ctx, on)
		})
	}
	return g.Wait()
}

// copy runs one SELECT as COPY and hands over its CSV.
func (s *selection) copy(ctx context.Context, sql string, take func(io.Reader) error) error {
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := s.conn.PgConn().CopyTo(ctx, w, "COPY ("+sql+") TO STDOUT (FORMAT csv)")
		_ = w.CloseWithError(err) // EOF if it is nil
		done <- err
	}()
	taken := take(r)
	_ = r.CloseWithError(errors.Join(taken, io.ErrClosedPipe))
	if err := <-done; err != nil && taken == nil {
		taken = err
	}
	if pg := (*pgconn.PgError)(nil); errors.As(taken, &pg) {
		return s.fault(taken)
	}
	return taken
}
