package postgres

import (
	"context"
	"fmt"
)

// span is a range of pages of a table's file, [from, to); the zero value is the whole
// table. Rows are addressed by page and place within it (ctid), and a row version that a
// snapshot sees never moves, so ranges that cover all pages cover every row once.
type span struct {
	from, to int64
	last     bool // to the end, however far the file has grown
}

// The size of one range: small enough that a lost one costs little, that our lock on the
// table is short and that the ranges under way fit the memory, large enough that its overhead
// is not seen.
const (
	chunkBytes = 16 << 20
	chunkLeast = 1 << 20
)

// chunkFor is the size of ranges within a budget: of each that is under way, bytes of the
// table become at most some twice as many of columns while these grow, and the collector may
// hold as many again.
func chunkFor(budget int64) int64 { return min(max(budget/(4*ahead), chunkLeast), chunkBytes) }

// packed is by how much the values that lie outside a table's pages may be larger than
// there, where they are compressed.
const packed = 3

// rangesSince is the first server version that reads a range of pages without reading
// the whole table.
const rangesSince = 14

func (s span) whole() bool { return s == span{} }

// where restricts a SELECT to the range.
func (s span) where() string {
	switch {
	case s.whole():
		return ""
	case s.last:
		return fmt.Sprintf(" WHERE ctid >= '(%d,0)'", s.from)
	}
	return fmt.Sprintf(" WHERE ctid >= '(%d,0)' AND ctid < '(%d,0)'", s.from, s.to)
}

// halves cuts the range in two; ok is false where it cannot be cut.
func (s span) halves() (a, b span, ok bool) {
	if s.whole() || s.to-s.from < 2 {
		return s, s, false
	}
	mid := s.from + (s.to-s.from)/2
	return span{from: s.from, to: mid}, span{from: mid, to: s.to, last: s.last}, true
}

// spans cuts a table into ranges of about chunk bytes. A table of one partition after another is cut by the
// same pages in all of them. It is called inside the reading transaction, under the
// table's lock. Sizes are live, so they may be off; they only decide where to cut.
func (p *plan) spans(ctx context.Context, ses *session, chunk int64) ([]span, error) {
	if p.rel.kind == "v" || p.rel.kind == "f" {
		return nil, nil // no pages of its own
	}
	var most, all, page, outside int64
	var heap bool
	err := ses.conn.QueryRow(ctx, `SELECT COALESCE(max(pg_relation_size(c.oid)), 0)::int8, COALESCE(sum(pg_relation_size(c.oid)), 0)::int8,
 current_setting('block_size')::int8, COALESCE(bool_and(a.amname = 'heap'), false), COALESCE(sum(pg_relation_size(NULLIF(c.reltoastrelid, 0))), 0)::int8
 FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_am a ON a.oid = c.relam WHERE c.oid = ANY($1::oid[])`, p.files()).
		Scan(&most, &all, &page, &heap, &outside)
	p.long = outside > 0
	all += packed * outside
	if err != nil || !heap || ses.major < rangesSince || all < 2*chunk {
		return nil, err
	}
	pages, chunks := most/page, all/chunk
	step := max((pages+chunks-1)/chunks, 1)
	var out []span
	for from := int64(0); from < pages; from += step {
		out = append(out, span{from: from, to: min(from+step, pages)})
	}
	out[len(out)-1].last = true
	return out, nil
}
