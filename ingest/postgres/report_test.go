package postgres

import (
	"math"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/pgtest"
	"github.com/rowlink/rowlink/schema"
)

// skipped returns what a schema leaves out, one line each.
func skipped(s *schema.Schema) string {
	var b strings.Builder
	for _, k := range s.Skipped {
		b.WriteString(k.Object + ": " + k.Reason + "\n")
	}
	return b.String()
}

// What lies outside the schemas that are read is named: other schemas, and partitions
// whose table is there.
func TestCase04_otherSchemas(t *testing.T) {
	u := pgtest.URL(t)
	mustExec(t, admin(t, u), "CREATE SCHEMA sales", "CREATE SCHEMA bare", "CREATE TABLE t (id int PRIMARY KEY)",
		"CREATE TABLE sales.t (id int PRIMARY KEY, x int)", "CREATE TABLE sales.p (id int) PARTITION BY RANGE (id)",
		"CREATE TABLE p1 PARTITION OF sales.p FOR VALUES FROM (0) TO (10)")
	tests := []struct {
		schemas []string
		want    string
		tables  int
	}{
		{nil, "public.p1: partition of sales.p, whose schema is not read; add it with --schema\nschema sales: 2 tables, not asked for; to read it too add --schema sales\n", 1},
		{[]string{"public"}, "public.p1: partition of sales.p, whose schema is not read; add it with --schema\n", 1},
		{[]string{"sales", "public"}, "", 3},
	}
	for _, tt := range tests {
		s, err := mustOpen(t, u, tt.schemas...).Schema(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := skipped(s); got != tt.want || len(s.Tables) != tt.tables {
			t.Errorf("schemas %v: %d tables, left out %q; want %d and %q", tt.schemas, len(s.Tables), got, tt.tables, tt.want)
		}
	}
}

// A partition on another server would be read through ours: the table is left out.
func TestCase78_foreignPartition(t *testing.T) {
	u := pgtest.URL(t)
	mustExec(t, admin(t, u), "CREATE EXTENSION file_fdw", "CREATE SERVER f FOREIGN DATA WRAPPER file_fdw",
		"CREATE TABLE p (id int) PARTITION BY RANGE (id)", "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)",
		"CREATE FOREIGN TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20) SERVER f OPTIONS (filename '/nonexistent')",
		"CREATE TABLE detached (id int)", "CREATE TABLE p3 PARTITION OF p FOR VALUES FROM (20) TO (30)", "ALTER TABLE p DETACH PARTITION p3")
	snap := mustTake(t, u)
	if got := skipped(snap.Schema); !strings.Contains(got, "public.p: its partition public.p2 is a foreign table") {
		t.Errorf("left out: %q", got)
	}
	if len(snap.Tables) != 2 { // detached and p3
		t.Errorf("%d tables, want 2", len(snap.Tables))
	}
}

// Rows hidden by row-level security are accepted only when asked, and then reported.
func TestCase31_accepted(t *testing.T) {
	u := pgtest.URL(t)
	conn := admin(t, u)
	mustExec(t, conn, "CREATE TABLE hidden (id int PRIMARY KEY)", "INSERT INTO hidden SELECT generate_series(1, 10)",
		"ALTER TABLE hidden ENABLE ROW LEVEL SECURITY", "CREATE POLICY p ON hidden USING (id <= 5)")
	name, roleURL := role(t, conn, u)
	mustExec(t, conn, "GRANT SELECT ON hidden TO "+name)
	s, err := Open(t.Context(), roleURL, ingest.OpenOptions{AcceptRowSecurity: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	snap, err := ingest.Take(t.Context(), s, ingest.TakeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if snap.Tables[0].Rows != 5 || len(snap.Findings) != 1 || snap.Findings[0].Check != "row security" {
		t.Errorf("%d rows, findings %v; want 5 and one finding", snap.Tables[0].Rows, snap.Findings)
	}
}

// A key whose collation counts different texts as equal is reported.
func TestCase28_collation(t *testing.T) {
	u := pgtest.URL(t)
	conn := admin(t, u)
	if _, err := conn.Exec(t.Context(), "CREATE COLLATION vague (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"); err != nil {
		t.Skip("a server without ICU: ", err)
	}
	mustExec(t, conn, "CREATE TABLE t (name text COLLATE vague PRIMARY KEY, note text COLLATE vague)", "INSERT INTO t VALUES ('A', 'a')")
	snap := mustTake(t, u)
	if len(snap.Findings) != 1 || !strings.Contains(snap.Findings[0].Detail, "public.t.name") {
		t.Errorf("findings %v, want one about t.name", snap.Findings)
	}
}

// Keys that are no finite numbers are kept as the server compares them: NaN is one value, and
// -0.0 is 0.0. Whole ones are found by rows that refer to them.
func TestCase28_floatKeys(t *testing.T) {
	u := pgtest.URL(t)
	mustExec(t, admin(t, u), "CREATE TABLE k (f float8 PRIMARY KEY, g float4 NOT NULL UNIQUE)", "INSERT INTO k VALUES ('NaN', 'NaN'), ('Infinity', '-Infinity'), ('-0', 0.1)",
		"CREATE TABLE r (id int PRIMARY KEY, f float8 REFERENCES k, g float4 REFERENCES k (g), v float8)",
		"INSERT INTO r VALUES (1, 'NaN', 0.1, 'NaN'), (2, '0', '-Infinity', 1), (3, 'Infinity', 'NaN', 2), (4, NULL, NULL, 3)")
	snap := mustTake(t, u)
	k, r := snap.Tables[0], snap.Tables[1]
	for l := range r.Def.Links {
		if r.Dangling[l] != 0 || r.Parents[l][3] >= 0 {
			t.Errorf("link %d: parents %v, %d dangling", l, r.Parents[l], r.Dangling[l])
		}
	}
	for row := range 3 { // each row's two parents, by value
		f, g := k.Columns[0].Floats[r.Parents[0][row]], k.Columns[1].Floats[r.Parents[1][row]]
		want := [][2]float64{{math.NaN(), float64(float32(0.1))}, {0, math.Inf(-1)}, {math.Inf(1), math.NaN()}}[row]
		same := func(a, b float64) bool { return a == b || a != a && b != b }
		if !same(f, want[0]) || !same(g, want[1]) {
			t.Errorf("row %d refers to %v and %v, want %v", row, f, g, want)
		}
	}
	if len(snap.Findings) != 1 || !strings.Contains(snap.Findings[0].Detail, "public.r.v") { // no key
		t.Errorf("findings %v, want one about r.v", snap.Findings)
	}
}

// What looks like a reference that no link expresses is told (case 25), and what is stored as
// printed text (cases 70, 71, 72).
func TestCase25_notFollowed(t *testing.T) {
	u := pgtest.URL(t)
	mustExec(t, admin(t, u), "CREATE TABLE post (id int PRIMARY KEY, blood_type text)", "CREATE TABLE comment (id int PRIMARY KEY, \"subjectType\" text, \"subjectId\" int, post_type text, post_id int REFERENCES post, tag_ids int[], extra jsonb, span int4range)")
	snap := mustTake(t, u)
	var got []string
	for _, f := range snap.Findings {
		got = append(got, f.Check+" "+f.Detail)
	}
	want := []string{
		"not followed public.comment.subjectType and subjectId: a reference to one of several tables; a view per type with --include, or a column per table, would link it",
		"not followed public.comment.tag_ids: an array of ids; a table of pairs, or a view of unnest(tag_ids) with --include, would link them",
		`printed stored as the text that the server prints and not looked into: "public.comment.tag_ids (integer[])", "public.comment.extra (jsonb)", "public.comment.span (int4range)"`,
	}
	sortedEqual(t, got, want)
	found, err := mustOpen(t, u).Doctor(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, f := range found {
		if f.Case == 25 || f.Case == 72 {
			n++
		}
	}
	if n != 3 {
		t.Errorf("the doctor tells %d of 3: %v", n, found)
	}
}

// What the server says of an object that is gone while the catalog is read is NULL.
func TestCase35_goneWhileListed(t *testing.T) {
	u := pgtest.URL(t)
	conn := admin(t, u)
	mustExec(t, conn, "CREATE TABLE a (id int PRIMARY KEY)", "CREATE TABLE b (id int PRIMARY KEY)", "CREATE SCHEMA gone")
	s := mustOpen(t, u)
	if err := s.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer s.session.rollback()
	if _, err := s.session.conn.Exec(t.Context(), "SELECT count(*) FROM pg_catalog.pg_class"); err != nil { // the snapshot stands
		t.Fatal(err)
	}
	mustExec(t, conn, "DROP TABLE b", "DROP SCHEMA gone")
	cat, err := s.readCatalog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if b := cat.byName["public.b"]; b == nil || b.readable {
		t.Errorf("the dropped table is %+v, want one that cannot be read", b)
	}
}

// A server with few free connections costs workers, not the read; without any beside the
// exporter's the error says what to do.
func TestCase53_fewConnections(t *testing.T) {
	u := twoTables(t, bigRows, 10)
	conn := admin(t, u)
	name, roleURL := role(t, conn, u)
	mustExec(t, conn, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO "+name, "ALTER ROLE "+name+" CONNECTION LIMIT 2")
	if got, want := mustTake(t, roleURL).ID, mustTake(t, u).ID; got != want {
		t.Errorf("snapshot %s over two connections, want %s", got, want)
	}
	mustExec(t, conn, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = '"+name+"'", "ALTER ROLE "+name+" CONNECTION LIMIT 1")
	_, err := ingest.Take(t.Context(), mustOpen(t, roleURL), ingest.TakeOptions{})
	if err == nil || !strings.Contains(err.Error(), "CONNECTION LIMIT") {
		t.Errorf("error %v, want advice about the connection limit", err)
	}
}
