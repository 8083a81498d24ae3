package postgres

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sort"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// maxWorkers is the number of connections beside the exporter's: four in all.
const maxWorkers = 3

// errTooOld ends a read whose snapshot has held back the server's vacuum long enough.
var errTooOld = errors.New("the snapshot became too old")

// Read appends all rows of the tables of s. Tables, large ones in ranges of pages, are
// dealt out to workers, which all see the one snapshot that the source's own connection
// exports. When that snapshot is lost (the exporter was killed, a table was rewritten)
// the read starts once more from zero.
func (s *Source) Read(ctx context.Context, sch *schema.Schema, b *ingest.Builder) error {
	return s.read(ctx, sch, b, nil)
}

// read is Read, with rows from an earlier snapshot where there is one.
func (s *Source) read(ctx context.Context, sch *schema.Schema, b *ingest.Builder, from *earlier) error {
	limit, start := s.maxAge(), time.Now()
	err := s.readOnce(ctx, sch, b, from, limit)
	if isLost(err) && ctx.Err() == nil {
		for _, t := range b.Tables {
			t.Reset()
		}
		err = s.readOnce(ctx, sch, b, from, limit)
		if isLost(err) {
			return &ingest.SourceError{Op: "read database", Err: fmt.Errorf("%w twice; %s", errSnapshotLost, s.adviceLost())}
		}
	}
	if err == nil {
		s.warnOfAge(time.Since(start), limit)
	}
	if errors.Is(err, errTooOld) {
		return &ingest.SourceError{Op: "read database", Err: fmt.Errorf(
			"%w: it was held for %v, and an old one keeps the server from cleaning up; leave tables out in mapping.yaml, read a standby, or allow more with --max-age", errTooOld, limit)}
	}
	return err
}

// warnOfAge says that a read took so long that a slower one will be given up.
func (s *Source) warnOfAge(held, limit time.Duration) {
	if held < limit*2/3 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.findings = append(s.findings, ingest.Finding{Level: ingest.LevelWarning, Check: "old snapshots", Detail: fmt.Sprintf(
		"the snapshot was held for %v of the %v after which a read is given up; leave tables out in mapping.yaml, use --refresh, or allow more with --max-age", held.Round(time.Second), limit)})
}

// adviceLost says what to do when snapshots do not last.
func (s *Source) adviceLost() string {
	if s.session.replay {
		return "a standby cancels reads that are in the way of the log: set hot_standby_feedback = on there, or raise its max_standby_streaming_delay"
	}
	return "read while no TRUNCATE, VACUUM FULL, CLUSTER or ALTER TABLE runs, and check idle_in_transaction_session_timeout"
}

func (s *Source) maxAge() time.Duration {
	if s.opt.MaxAge > 0 {
		return s.opt.MaxAge
	}
	return maxAge
}

func (s *Source) readOnce(ctx context.Context, sch *schema.Schema, b *ingest.Builder, from *earlier, limit time.Duration) error {
	young, cancel := context.WithTimeoutCause(ctx, limit, errTooOld)
	defer cancel()
	err := s.readYoung(young, sch, b, from)
	if err != nil && ctx.Err() == nil && young.Err() != nil {
		return errTooOld
	}
	return err
}

func (s *Source) readYoung(ctx context.Context, sch *schema.Schema, b *ingest.Builder, from *earlier) error {
	if err := s.begin(ctx); err != nil {
		return sourceError("begin read", err, s.config)
	}
	defer s.session.rollback()
	snapshot, err := s.share(ctx)
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
	r := &reading{source: s, builder: b, schema: sch, catalog: cat, snapshot: snapshot}
	if err := s.fill(ctx, r, plans, from); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.findings = cat.findings()
	for _, p := range plans {
		s.findings = append(s.findings, p.findings()...)
	}
	return nil
}

// share returns the id of the snapshot that workers import. Behind a pooler there are none:
// another connection may lead to another server, and a pool may have only this one.
func (s *Source) share(ctx context.Context) (string, error) {
	if s.imported != "" || s.session.pooled {
		return s.imported, s.session.lift(ctx)
	}
	return s.session.export(ctx)
}

// readAll deals the plans out to workers, biggest table first, and leaves them in the
// order of their tables.
func (s *Source) readAll(ctx context.Context, r *reading, plans []*plan) error {
	if len(plans) == 0 {
		return nil
	}
	sort.SliceStable(plans, func(i, j int) bool { return plans[i].weight() > plans[j].weight() })
	jobs := make([]job, len(plans))
	for i, p := range plans {
		p.turn = sync.NewCond(&p.mu)
		jobs[i] = job{plan: p}
	}
	r.queue = newQueue(jobs)
	workers, err := r.workers(ctx, min(s.workers, runtime.GOMAXPROCS(0)+1))
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, w := range workers {
		g.Go(func() error { return w.work(ctx) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	slices.SortFunc(plans, func(a, b *plan) int { return a.table - b.table })
	return nil
}
