package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// plan says how one table is read.
type plan struct {
	table  int // in the schema
	rel    *relation
	fields []planned
	long   bool // the table has values that lie outside its pages
	// since reads only the rows that transactions from that number on have written, and
	// counts all; 0 reads all.
	since int64

	mu     sync.Mutex
	turn   *sync.Cond           // next has risen
	odd    []oddities           // of what was read, aligned with fields
	seen   int64                // rows that there are, where only recent ones were read
	parts  map[int]*readPart    // finished pieces whose turn has not come
	next   int                  // the piece to be added next
	pieces int                  // how many there are
	spares []*readPart          // whose memory can be used again
	failed error                // a part could not be kept
	rows   *ingest.TableBuilder // where they go
}

// planned is one column of the SELECT.
type planned struct {
	column int // in the table
	attr   attr
	base   uint32 // type that is stored, through domains
	format format

	unbounded bool // texts of any length
}

// plans finds the tables and columns of sch in the catalog. A difference means that
// the structure has changed since Schema was called.
func (c *catalog) plans(sch *schema.Schema) ([]*plan, error) {
	var out []*plan
	for i, t := range sch.Tables {
		r := c.byName[t.FullName()]
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
			base, mod, _, _ := c.baseType(a)
			p.fields = append(p.fields, planned{column: n, attr: a, base: base.oid, format: f,
				unbounded: base.kind != "e" && mod < 0 && base.name != "name" && base.name != "uuid" && !slices.Contains(identity, a.num)})
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
	if p.rel.kind == "p" || p.rel.included {
		return " FROM " + quote(p.rel.namespace, p.rel.name)
	}
	return " FROM ONLY " + quote(p.rel.namespace, p.rel.name)
}

func (p *plan) copySQL(pages span) string {
	cols := make([]string, len(p.fields))
	for i, f := range p.fields {
		cols[i] = f.selected(p.long)
	}
	return "COPY (SELECT " + strings.Join(cols, ", ") + p.from() + p.where(pages) + ") TO STDOUT (FORMAT binary)"
}

// where restricts a SELECT to a range, and to recent rows where only those are wanted.
func (p *plan) where(pages span) string {
	w := pages.where()
	switch {
	case p.since == 0:
		return w
	case w == "":
		return " WHERE " + sinceSQL(p.since)
	}
	return w + " AND " + sinceSQL(p.since)
}

// selected is the column in the SELECT. Where values may be long the server cuts them, at
// a length from which the decoder still sees that they were.
func (f planned) selected(long bool) string {
	x := f.format.before + quote(f.attr.name) + f.format.after
	if long && f.format.kind == schema.Text && f.unbounded {
		return fmt.Sprintf("CASE WHEN octet_length(%[1]s) > %[2]d THEN left(%[1]s, %[2]d + 1) ELSE %[1]s END", x, maxValue)
	}
	return x
}

func (p *plan) decoder(rows *ingest.TableBuilder) *decoder {
	d := &decoder{rows: rows, fields: make([]field, len(p.fields))}
	for i, f := range p.fields {
		d.fields[i] = field{name: f.attr.name, col: &rows.Columns[f.column], take: f.format.take, key: !f.unbounded}
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
		if o.cut > 0 {
			out = append(out, ingest.Finding{Level: ingest.LevelWarning, Check: "values",
				Detail: fmt.Sprintf("%s.%s: longer than %d bytes in %d rows, only their beginning was read", p.rel.full(), p.fields[i].attr.name, maxValue, o.cut)})
		}
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
	var other int64
	err := ses.conn.QueryRow(ctx, `SELECT count(*) FROM pg_catalog.pg_class
 WHERE oid = ANY($1::oid[]) AND relfilenode IS DISTINCT FROM pg_relation_filenode(oid)`, p.files()).Scan(&other)
	if err != nil {
		return err
	}
	if other > 0 {
		return fmt.Errorf("%w: table %q was truncated or rewritten while it was read", errSnapshotLost, p.rel.full())
	}
	return nil
}
