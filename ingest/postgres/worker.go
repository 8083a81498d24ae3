package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

const (
	maxTries  = 5 // per table or range, in one snapshot
	firstWait = 200 * time.Millisecond
)

// reading is one attempt to read the tables from one snapshot.
type reading struct {
	source   *Source
	builder  *ingest.Builder
	schema   *schema.Schema
	catalog  *catalog
	snapshot string
	queue    *queue
}

// worker reads jobs on a connection of its own.
type worker struct {
	*reading
	session *session // nil until the first job, and after a fault
	shared  bool     // the session is the source's own, inside its transaction
}

// workers connects up to n of them, at least one: where the server has no free connection
// for another, fewer must do. One after the other, so that the one that must be there
// does not lose its place to the others.
func (r *reading) workers(ctx context.Context, n int) ([]*worker, error) {
	if r.source.session.pooled {
		return []*worker{{reading: r, session: r.source.session, shared: true}}, nil
	}
	var out []*worker
	for i := range n {
		w := &worker{reading: r}
		var err error
		if i == 0 {
			err = w.again(ctx, func() error { return nil }, nil)
		} else {
			err = w.connect(ctx)
		}
		switch {
		case err == nil:
			out = append(out, w)
		case i > 0 && retryable(err) && ctx.Err() == nil:
			return out, nil
		default:
			for _, w := range out {
				w.hangUp()
			}
			return nil, sourceError("connect to "+address(r.source.config), err, r.source.config)
		}
	}
	return out, nil
}

// work reads jobs until there are none.
func (w *worker) work(ctx context.Context) error {
	defer w.hangUp()
	for {
		j, ok := w.queue.next(ctx)
		if !ok {
			return ctx.Err()
		}
		err := w.do(ctx, j)
		w.queue.done()
		if err != nil {
			return sourceError(fmt.Sprintf("read table %q", j.plan.rel.full()), err, w.source.config)
		}
	}
}

// connect opens the worker's connection unless it has one that lives.
func (w *worker) connect(ctx context.Context) (err error) {
	if w.session != nil && !w.session.conn.IsClosed() {
		return nil
	}
	if w.shared {
		return fmt.Errorf("%w: the connection ended", errSnapshotLost)
	}
	w.hangUp()
	if w.session, err = dial(ctx, w.source.config); err == nil {
		w.session.quiet = w.source.silence
	}
	return err
}

func (w *worker) hangUp() {
	if w.session != nil && !w.shared {
		w.session.close()
		w.session = nil
	}
}

// do reads one job. A large table becomes several jobs.
func (w *worker) do(ctx context.Context, j job) error {
	p := j.plan
	if !j.pages.whole() {
		if err := p.wait(ctx, j.number); err != nil {
			return err
		}
		part, err := w.span(ctx, p, j.pages)
		if err != nil {
			return err
		}
		return p.add(j.number, part)
	}
	var spans []span
	whole := &readPart{rows: p.rows, odd: make([]oddities, len(p.fields))}
	err := w.again(ctx, func() error {
		if p.rows.Rows() > 0 || slices.ContainsFunc(whole.odd, func(o oddities) bool { return o != oddities{} }) {
			p.rows.Reset()
			clear(whole.odd)
		}
		whole.seen = 0
		return w.transaction(ctx, p, func() (err error) {
			if spans, err = p.spans(ctx, w.session, w.source.chunk); err != nil || len(spans) > 1 {
				return err
			}
			return w.copy(ctx, p, span{}, whole)
		})
	}, nil)
	if err != nil || len(spans) <= 1 {
		p.odd, p.seen = whole.odd, whole.seen
		p.rows.Settle()
		return err
	}
	p.pieces = len(spans)
	jobs := make([]job, len(spans))
	for i, s := range spans {
		jobs[i] = job{p, s, i}
	}
	w.queue.first(jobs)
	return nil
}

// span reads a range of pages, in halves after a time-out or a standby's cancellation.
func (w *worker) span(ctx context.Context, p *plan, pages span) (*readPart, error) {
	a, b, divisible := pages.halves()
	halve := func(err error) bool { return divisible && tooLong(err) }
	part := p.spare()
	err := w.again(ctx, func() error {
		part.drop()
		return w.transaction(ctx, p, func() error { return w.copy(ctx, p, pages, part) })
	}, halve)
	if err == nil || !halve(err) || ctx.Err() != nil {
		return part, err
	}
	if part, err = w.span(ctx, p, a); err != nil {
		return nil, err
	}
	rest, err := w.span(ctx, p, b)
	if err != nil {
		return nil, err
	}
	part.append(rest)
	return part, nil
}

// again runs act until it succeeds, after a passing fault with a growing pause and on a
// new connection where the old one died. What an unsuccessful act has read is void. An
// error for which instead is true comes back at once.
func (w *worker) again(ctx context.Context, act func() error, instead func(error) bool) error {
	wait := firstWait
	for try := 1; ; try++ {
		err := w.connect(ctx)
		if err == nil {
			err = act()
		}
		if err == nil || !retryable(err) || try == maxTries || ctx.Err() != nil || instead != nil && instead(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		wait *= 2
	}
}

// transaction runs act in a transaction of its own within the snapshot, so that a lock
// is held for one table or range only. Table and columns are checked before and after.
func (w *worker) transaction(ctx context.Context, p *plan, act func() error) error {
	ses := w.session
	if w.shared {
		if err := ses.exec(ctx, "SAVEPOINT piece"); err != nil {
			return err
		}
		defer ses.end("ROLLBACK TO SAVEPOINT piece; RELEASE SAVEPOINT piece") // gives the locks back
	} else {
		if err := ses.begin(ctx, w.source.settings(w.snapshot)); err != nil {
			ses.rollback()
			if code := state(err); code == "22023" || code == "42704" { // no such snapshot; 42704 on newer servers
				err = fmt.Errorf("%w: %w", errSnapshotLost, err)
			}
			return err
		}
		defer ses.rollback()
	}
	if err := p.check(ctx, ses); err != nil {
		return err
	}
	if err := act(); err != nil {
		return err
	}
	return p.sameFile(ctx, ses)
}

// copy reads the rows of a range.
func (w *worker) copy(ctx context.Context, p *plan, pages span, into *readPart) error {
	if p.since != 0 {
		if recent, err := w.count(ctx, p, pages, into); err != nil || recent == 0 {
			return err
		}
	}
	d := p.decoder(into.rows)
	before := into.rows.Rows()
	sent, err := w.session.copyTo(ctx, p.copySQL(pages), d)
	for i := range d.fields {
		into.odd[i].add(d.fields[i].odd)
	}
	if err != nil {
		return err
	}
	if err := d.close(); err != nil {
		return err
	}
	if n := into.rows.Rows() - before; sent != n {
		return fmt.Errorf("server sent %d rows, %d arrived: %w", sent, n, io.ErrUnexpectedEOF)
	}
	return nil
}

// count adds the rows of a range to those seen, and returns how many of them are recent.
func (w *worker) count(ctx context.Context, p *plan, pages span, into *readPart) (recent int64, err error) {
	var all int64
	sql := "SELECT count(*), count(*) FILTER (WHERE " + sinceSQL(p.since) + ")" + p.from() + pages.where()
	err = w.session.conn.QueryRow(ctx, sql).Scan(&all, &recent)
	into.seen += all
	return recent, err
}

// tooLong reports whether a smaller piece may succeed where a larger one did not.
func tooLong(err error) bool {
	code := state(err)
	return code == "57014" || code == "40001" || code == "55P03"
}

// isLost reports whether the snapshot is gone.
func isLost(err error) bool { return errors.Is(err, errSnapshotLost) }
