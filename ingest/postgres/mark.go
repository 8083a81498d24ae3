package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/rowlink/rowlink/ingest"
)

// markVersion changes whenever the same rows of a server would be stored otherwise.
const markVersion = 2

// mark is what a refresh needs to know about the read before it. A row version of
// Postgres never changes: its place in the table's file and the transaction that wrote it
// (xmin) stand until it is gone. So the versions that transactions below the horizon wrote
// and that are still there are rows of the earlier snapshot, with the same values.
type mark struct {
	Version int `json:"version"`
	// Server is this run of this server: after a restart, which a restored backup or
	// another server behind the same name needs, transaction numbers prove nothing.
	Server string `json:"server"`
	// Horizon is a transaction number: whatever is below had ended when the snapshot was taken.
	Horizon int64                `json:"horizon"`
	Tables  map[string]tableMark `json:"tables"` // by full name
}

// tableMark identifies the files of a table and the reading of its columns.
type tableMark struct {
	Rows    int          `json:"rows"`
	Files   []tableFile  `json:"files"`
	Columns []columnMark `json:"columns"`
	Key     []string     `json:"key,omitempty"`

	heap bool // row versions have a place and a transaction
}

type tableFile struct {
	Table uint32 `json:"oid"`
	File  uint32 `json:"file"`
}

type columnMark struct {
	Name     string   `json:"name"`
	Number   int16    `json:"number"`
	Type     uint32   `json:"type"`
	Modifier int32    `json:"modifier"`
	Format   string   `json:"format"`
	Computed string   `json:"computed,omitempty"` // pg_attribute.attgenerated: s stored, v when it is read
	Odd      [3]int64 `json:"odd"`                // see oddities.counts
}

const (
	sqlServer = `SELECT pg_postmaster_start_time()::text || ' ' || (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database()) || ' ' || current_setting('lc_monetary'),
 txid_snapshot_xmin(txid_current_snapshot())`

	sqlFiles = `SELECT c.oid, c.relfilenode, COALESCE(a.amname = 'heap', false)
 FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_am a ON a.oid = c.relam WHERE c.oid = ANY($1::oid[]) ORDER BY c.oid`
)

// readMark describes the snapshot of the running transaction.
func (s *Source) readMark(ctx context.Context, plans []*plan) (*mark, error) {
	st := &mark{Version: markVersion, Tables: map[string]tableMark{}}
	if err := s.session.conn.QueryRow(ctx, sqlServer).Scan(&st.Server, &st.Horizon); err != nil {
		return nil, sourceError("read the server's state", err, s.config)
	}
	var oids []uint32
	for _, p := range plans {
		oids = append(append(oids, p.rel.oid), p.files()...)
	}
	files, heap := map[uint32]uint32{}, map[uint32]bool{}
	var oid, file uint32
	var isHeap bool
	err := each(ctx, s.session.conn, sqlFiles, []any{oids}, []any{&oid, &file, &isHeap}, func() { files[oid], heap[oid] = file, isHeap })
	if err != nil {
		return nil, sourceError("read the server's state", err, s.config)
	}
	computed, err := s.computedColumns(ctx, oids)
	if err != nil {
		return nil, err
	}
	for _, p := range plans {
		t := tableMark{heap: p.rel.kind != "v" && p.rel.kind != "f"}
		for _, oid := range p.files() {
			t.Files = append(t.Files, tableFile{oid, files[oid]})
			t.heap = t.heap && heap[oid]
		}
		for _, f := range p.fields {
			t.Columns = append(t.Columns, columnMark{Name: f.attr.name, Number: f.attr.num, Type: f.attr.typ, Modifier: f.attr.mod,
				Computed: computed[[2]uint32{p.rel.oid, uint32(f.attr.num)}], Format: fmt.Sprintf("%v %s%s %t", f.format.kind, f.format.before, f.format.after, f.unbounded)})
		}
		for _, k := range p.rel.keys {
			for _, a := range p.rel.attrs {
				if k.primary && slices.Contains(k.columns, a.num) {
					t.Key = append(t.Key, a.name)
				}
			}
		}
		st.Tables[p.rel.full()] = t
	}
	return st, nil
}

// computedColumns finds the generated columns by table and number.
func (s *Source) computedColumns(ctx context.Context, tables []uint32) (map[[2]uint32]string, error) {
	out := map[[2]uint32]string{}
	if s.session.major < 12 {
		return out, nil
	}
	var at [2]uint32
	var how string
	err := each(ctx, s.session.conn, `SELECT attrelid, attnum::int4, attgenerated::text FROM pg_catalog.pg_attribute WHERE attrelid = ANY($1::oid[]) AND attgenerated <> ''`,
		[]any{tables}, []any{&at[0], &at[1], &how}, func() { out[at] = how })
	if err != nil {
		return nil, sourceError("read the server's state", err, s.config)
	}
	return out, nil
}

// counts are the oddities as they are kept in a mark.
func (o oddities) counts() [3]int64 { return [3]int64{o.notFinite, o.endless, o.cut} }

func oddOf(c [3]int64) oddities { return oddities{notFinite: c[0], endless: c[1], cut: c[2]} }

// files are the tables that hold the rows.
func (p *plan) files() []uint32 {
	switch p.rel.kind {
	case "r", "m":
		return []uint32{p.rel.oid}
	case "v":
		return p.rel.bases
	}
	return p.rel.leaves
}

// note adds what reading the tables has shown.
func (s *mark) note(plans []*plan, b *ingest.Builder) {
	for _, p := range plans {
		t := s.Tables[p.rel.full()]
		t.Rows = int(b.Tables[p.table].Rows())
		for i := range p.odd {
			t.Columns[i].Odd = p.odd[i].counts()
		}
		s.Tables[p.rel.full()] = t
	}
}

// strange reports whether values of a table were stored otherwise than they are.
func (t tableMark) strange() bool {
	return slices.ContainsFunc(t.Columns, func(c columnMark) bool { return c.Odd != [3]int64{} })
}

// differs says what of a table is not as it was, or "".
func (t tableMark) differs(old tableMark) string {
	bare := func(c columnMark) columnMark { c.Odd = [3]int64{}; return c }
	for _, c := range t.Columns {
		at := slices.IndexFunc(old.Columns, func(o columnMark) bool { return o.Name == c.Name })
		if at < 0 {
			return fmt.Sprintf("column %q was not read before", c.Name)
		}
		if bare(c) != bare(old.Columns[at]) {
			return fmt.Sprintf("column %q is another one, or has another type", c.Name)
		}
	}
	switch {
	case len(t.Columns) != len(old.Columns):
		return "columns are gone"
	case !slices.EqualFunc(t.Columns, old.Columns, func(a, b columnMark) bool { return a.Name == b.Name }):
		return "the order of the columns changed"
	case !slices.Equal(t.Key, old.Key):
		return fmt.Sprintf("the primary key was (%s)", strings.Join(old.Key, ", "))
	case !slices.EqualFunc(t.Files, old.Files, func(a, b tableFile) bool { return a.Table == b.Table }):
		return "it was created anew, or has other partitions"
	case !slices.Equal(t.Files, old.Files):
		return "it was truncated or rewritten (TRUNCATE, VACUUM FULL, CLUSTER, ALTER TABLE)"
	}
	return ""
}

// decodeMark reads a kept mark; nil for what this program cannot use.
func decodeMark(text []byte) *mark {
	var s mark
	if json.Unmarshal(text, &s) != nil || s.Version != markVersion {
		return nil
	}
	return &s
}
