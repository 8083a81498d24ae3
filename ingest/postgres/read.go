package postgres

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sort"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

const (
	maxWorkers = 4 // connections beside the exporter's
	maxTries   = 3 // per table, in one snapshot
	firstWait  = 200 * time.Millisecond
)

// Read appends all rows of the tables of s. Every table is read by one worker; all
// workers see the one snapshot that the source's own connection exports. When that
// snapshot is lost (the exporter was killed, a table was rewritten) the read starts
// once more from zero.
func (s *Source) Read(ctx context.Context, sch *schema.Schema, b *ingest.Builder) error {
	err := s.readOnce(ctx, sch, b)
	if errors.Is(err, errSnapshotLost) && ctx.Err() == nil {
		fresh(sch, b, -1)
		err = s.readOnce(ctx, sch, b)
		if errors.Is(err, errSnapshotLost) {
			return &ingest.SourceError{Op: "read database", Err: fmt.Errorf(
				"%w twice; read while no TRUNCATE, VACUUM FULL, CLUSTER or ALTER TABLE runs, and check idle_in_transaction_session_timeout", errSnapshotLost)}
		}
	}
	return err
}

// fresh empties table t of b, or all tables for t = -1.
func fresh(sch *schema.Schema, b *ingest.Builder, t int) {
	n := ingest.NewBuilder(sch)
	n.Progress = b.Progress
	if t >= 0 {
		b.Tables[t] = n.Tables[t]
		return
	}
	copy(b.Tables, n.Tables)
}

func (s *Source) readOnce(ctx context.Context, sch *schema.Schema, b *ingest.Builder) error {
	if err := s.begin(ctx); err != nil {
		return sourceError("begin read", err, s.config)
	}
	defer s.session.rollback()
	snapshot, err := s.session.export(ctx)
	if err != nil {
		return sourceError("export snapshot", err, s.config)
	}
	cat, err := s.readCatalog(ctx)
	if err != nil {
		return err
	}
	if err := cat.refuse(); err != nil {
		return err
	}
	plans, err := cat.plans(sch)
	if err != nil {
		return err
	}
	return s.readAll(ctx, &reading{source: s, schema: sch, builder: b, snapshot: snapshot}, plans)
}

// reading is one attempt to read the tables from one snapshot.
type reading struct {
	source   *Source
	schema   *schema.Schema
	builder  *ingest.Builder
	snapshot string
}

// readAll deals the plans out to workers, biggest table first.
func (s *Source) readAll(ctx context.Context, r *reading, plans []*plan) error {
	sort.SliceStable(plans, func(i, j int) bool { return plans[i].weight() > plans[j].weight() })
	queue := make(chan *plan, len(plans))
	for _, p := range plans {
		queue <- p
	}
	close(queue)
	workers := min(maxWorkers, len(plans), runtime.GOMAXPROCS(0)+1)
	if s.session.pooled {
		workers = 1 // a small pool could make workers wait for each other for ever
	}
	g, ctx := errgroup.WithContext(ctx)
	for i := range workers {
		g.Go(func() error { return r.work(ctx, i == 0, queue) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	slices.SortFunc(plans, func(a, b *plan) int { return a.table - b.table })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.findings = nil
	for _, p := range plans {
		s.findings = append(s.findings, p.findings()...)
	}
	return nil
}

// work reads tables from the queue until it is empty. A worker other than the first
// that finds no free connection leaves the work to the others.
func (r *reading) work(ctx context.Context, first bool, queue <-chan *plan) error {
	var ses *session
	defer func() {
		if ses != nil {
			ses.close()
		}
	}()
	ses, err := connect(ctx, r.source.config)
	if err != nil {
		if !first && state(err) == "53300" {
			return nil
		}
		return err
	}
	for p := range queue {
		if ses, err = r.table(ctx, ses, p); err != nil {
			return sourceError(fmt.Sprintf("read table %q", p.rel.full()), err, r.source.config)
		}
	}
	return nil
}

// table reads one table, again after a passing fault, and returns the session to go on with.
func (r *reading) table(ctx context.Context, ses *session, p *plan) (*session, error) {
	wait := firstWait
	for try := 1; ; try++ {
		err := r.attempt(ctx, ses, p)
		if err == nil || !retryable(err) || try == maxTries || ctx.Err() != nil {
			return ses, err
		}
		fresh(r.schema, r.builder, p.table)
		select {
		case <-ctx.Done():
			return ses, ctx.Err()
		case <-time.After(wait):
		}
		wait *= 2
		if ses.conn.IsClosed() {
			again, err := connect(ctx, r.source.config)
			if err != nil {
				return ses, err
			}
			ses = again
		}
	}
}

// attempt reads one table in a transaction of its own, so that its lock is held for
// this table only.
func (r *reading) attempt(ctx context.Context, ses *session, p *plan) error {
	if err := ses.begin(ctx, r.snapshot); err != nil {
		ses.rollback()
		if code := state(err); code == "22023" || code == "42704" { // no such snapshot; 42704 on newer servers
			err = fmt.Errorf("%w: %w", errSnapshotLost, err)
		}
		return err
	}
	defer ses.rollback()
	if err := p.check(ctx, ses); err != nil {
		return err
	}
	d := p.decoder(r.builder.Tables[p.table])
	tag, err := ses.conn.PgConn().CopyTo(ctx, d, p.copySQL())
	if err != nil {
		return err
	}
	if err := d.close(); err != nil {
		return err
	}
	if tag.RowsAffected() != d.rows.Rows() {
		return fmt.Errorf("server sent %d rows, %d arrived", tag.RowsAffected(), d.rows.Rows())
	}
	if err := p.sameFile(ctx, ses); err != nil {
		return err
	}
	p.odd = make([]oddities, len(d.fields))
	for i := range d.fields {
		p.odd[i] = d.fields[i].odd
	}
	return ses.commit(ctx)
}
