package postgres

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sort"
	"strings"
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

// plan says how one table is read.
type plan struct {
	table  int // in the schema
	rel    *relation
	fields []planned
	odd    []oddities // of the last attempt, aligned with fields
}

// planned is one column of the SELECT.
type planned struct {
	column int // in the table
	attr   attr
	base   uint32 // type that is stored, through domains
	format format
}

// plans finds the tables and columns of sch in the catalog. A difference means that
// the structure has changed since Schema was called.
func (c *catalog) plans(sch *schema.Schema) ([]*plan, error) {
	byName := map[string]*relation{}
	for _, r := range c.relations {
		byName[r.full()] = r
	}
	var out []*plan
	for i, t := range sch.Tables {
		r := byName[t.FullName()]
		if r == nil || !r.used() || c.denied(r) != "" {
			return nil, changed("table %q is no longer there to read", t.FullName())
		}
		p := &plan{table: i, rel: r}
		identity := c.identity(r)
		for n, col := range t.Columns {
			if col.Kind == schema.Opaque {
				continue
			}
			at := slices.IndexFunc(r.attrs, func(a attr) bool { return a.name == col.Name && a.readable })
			if at < 0 {
				return nil, changed("column %q of table %q is no longer there to read", col.Name, t.FullName())
			}
			a := r.attrs[at]
			f, _ := c.format(a, slices.Contains(identity, a.num))
			if f.kind != col.Kind {
				return nil, changed("column %q of table %q holds %s, want %s", col.Name, t.FullName(), f.kind, col.Kind)
			}
			base, _, _, _ := c.baseType(a)
			p.fields = append(p.fields, planned{column: n, attr: a, base: base.oid, format: f})
		}
		out = append(out, p)
	}
	return out, nil
}

func changed(format string, args ...any) error {
	return &ingest.SourceError{Op: "read database", Err: fmt.Errorf("the structure has changed since it was listed: "+format, args...)}
}

// weight orders tables by the work they are; unknown sizes come first.
func (p *plan) weight() int64 {
	if p.rel.rows < 0 {
		return 1 << 62
	}
	return p.rel.rows * int64(len(p.fields)+1)
}

// from names the table; ONLY keeps rows of inheriting tables out, which are tables
// of their own. A partitioned table has its rows in its partitions.
func (p *plan) from() string {
	if p.rel.kind == "p" {
		return " FROM " + quote(p.rel.namespace, p.rel.name)
	}
	return " FROM ONLY " + quote(p.rel.namespace, p.rel.name)
}

func (p *plan) copySQL() string {
	cols := make([]string, len(p.fields))
	for i, f := range p.fields {
		cols[i] = f.format.before + quote(f.attr.name) + f.format.after
	}
	return "COPY (SELECT " + strings.Join(cols, ", ") + p.from() + ") TO STDOUT (FORMAT binary)"
}

func (p *plan) decoder(rows *ingest.TableBuilder) *decoder {
	d := &decoder{rows: rows, fields: make([]field, len(p.fields))}
	for i, f := range p.fields {
		d.fields[i] = field{name: f.attr.name, col: &rows.Columns[f.column], put: f.format.put}
	}
	return d
}

// findings tells what of the table a snapshot does not hold.
func (p *plan) findings() []ingest.Finding {
	var out []ingest.Finding
	add := func(f planned, n int64, what string) {
		if n > 0 {
			out = append(out, ingest.Finding{Level: ingest.LevelWarning, Check: "values",
				Detail: fmt.Sprintf("%s.%s: %s in %d rows, read as NULL", p.rel.full(), f.attr.name, what, n)})
		}
	}
	for i, o := range p.odd {
		add(p.fields[i], o.notFinite, "NaN, infinite or beyond float64")
		add(p.fields[i], o.endless, "infinite or out of the range of dates")
	}
	return out
}

// check makes sure that names, numbers and types of the columns are those of the
// plan and that the table's file is the snapshot's. Preparing the statement takes
// ACCESS SHARE, so the answer holds until the transaction ends.
func (p *plan) check(ctx context.Context, ses *session) error {
	cols := make([]string, len(p.fields))
	for i, f := range p.fields {
		cols[i] = quote(f.attr.name)
	}
	sd, err := ses.conn.PgConn().Prepare(ctx, "", "SELECT "+strings.Join(cols, ", ")+p.from()+" LIMIT 0", nil)
	if err != nil {
		return err
	}
	if len(sd.Fields) != len(p.fields) {
		return fmt.Errorf("%w: %d columns, want %d", errSnapshotLost, len(sd.Fields), len(p.fields))
	}
	for i, f := range p.fields {
		d := sd.Fields[i]
		if d.TableOID != p.rel.oid || d.TableAttributeNumber != uint16(f.attr.num) || d.DataTypeOID != f.base {
			return fmt.Errorf("%w: column %q is another one now", errSnapshotLost, f.attr.name)
		}
	}
	return p.sameFile(ctx, ses)
}

// sameFile detects TRUNCATE and rewrites by others, after which the snapshot would
// show too few rows without any error.
func (p *plan) sameFile(ctx context.Context, ses *session) error {
	files := p.rel.leaves
	if p.rel.kind == "r" {
		files = []uint32{p.rel.oid}
	}
	var other int64
	err := ses.conn.QueryRow(ctx, `SELECT count(*) FROM pg_catalog.pg_class
 WHERE oid = ANY($1::oid[]) AND relfilenode IS DISTINCT FROM pg_relation_filenode(oid)`, files).Scan(&other)
	if err != nil {
		return err
	}
	if other > 0 {
		return fmt.Errorf("%w: table %q was truncated or rewritten while it was read", errSnapshotLost, p.rel.full())
	}
	return nil
}
