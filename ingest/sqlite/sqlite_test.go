package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// take reads a database made by the statements.
func take(t testing.TB, statements ...string) *ingest.Snapshot {
	t.Helper()
	return takeFile(t, create(t, statements...))
}

func takeFile(t testing.TB, path string) *ingest.Snapshot {
	t.Helper()
	src, err := ingest.Open(t.Context(), "sqlite:"+path, ingest.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	snap, err := ingest.Take(t.Context(), src, ingest.TakeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

// describe prints a table's schema in one line.
func describe(s *schema.Schema, t *schema.Table) string {
	var b strings.Builder
	for _, c := range t.Columns {
		fmt.Fprintf(&b, "%s:%s(%s)", c.Name, c.Kind, c.DBType)
		if c.NotNull {
			b.WriteByte('!')
		}
		b.WriteByte(' ')
	}
	fmt.Fprintf(&b, "key%v unique%v", t.Key, t.Unique)
	for _, l := range t.Links {
		fmt.Fprintf(&b, " %s%v->%s%v", l.Name, l.Columns, s.Tables[l.To].Name, l.Ref)
	}
	return b.String()
}

func TestSchema(t *testing.T) {
	snap := take(t,
		`CREATE TABLE types (i INT, n "UNSIGNED BIG INT", s SMALLINT, r REAL, d DOUBLE PRECISION, f FLOAT, num NUMERIC(10, 2), dec DECIMAL, v VARCHAR (20), c NCHAR(5), t TEXT, cl CLOB,
			b BOOLEAN, da DATE, dt DATETIME, ts TIMESTAMP(3), tz timestamp with time zone, ti TIME, bl BLOB, u UUID, iv INTERVAL, odd FANCY, j JSON)`,
		`CREATE TABLE parent (b INTEGER, a TEXT, "Code" TEXT NOT NULL, maybe TEXT UNIQUE, x INT NOT NULL, y INT NOT NULL, PRIMARY KEY (a, b), UNIQUE (x, y), UNIQUE ("Code"))`,
		`CREATE UNIQUE INDEX half ON parent (x) WHERE y > 0`,
		`CREATE UNIQUE INDEX expr ON parent (x + y)`,
		`CREATE TABLE child (id INTEGER PRIMARY KEY, pb INT, pa TEXT, code TEXT REFERENCES Parent ("CODE"), lost INT REFERENCES nowhere (id), bad INT REFERENCES parent, pic BLOB REFERENCES parent ("Code"),
			boss INTEGER REFERENCES child, gen INT GENERATED ALWAYS AS (pb * 2) VIRTUAL, FOREIGN KEY (pa, pb) REFERENCES parent)`,
		`CREATE TABLE compact (k TEXT PRIMARY KEY, n NUMERIC(8) REFERENCES child (id)) WITHOUT ROWID`,
		`CREATE TABLE loose (ints, reals, texts, blobs, nulls)`,
		`INSERT INTO loose VALUES (1, 1.5, 'a', x'00', NULL), (NULL, 2, 3, 'b', NULL)`,
		`CREATE TABLE "sqlitefan" (id INTEGER PRIMARY KEY AUTOINCREMENT)`,
		`CREATE VIEW v AS SELECT 1`,
		`CREATE VIRTUAL TABLE search USING fts5 (body)`,
	)
	var got []string
	for _, table := range snap.Schema.Tables {
		got = append(got, table.Name+": "+describe(snap.Schema, table))
	}
	want := []string{
		"child: id:int(bigint)! pb:int(bigint) pa:text(text) code:text(text) lost:int(bigint) bad:int(bigint) pic:opaque(bytea) boss:int(bigint) gen:int(bigint) key[0] unique[] code[3]->parent[2] boss[7]->child[0] pa_pb[2 1]->parent[1 0]",
		"compact: k:text(text)! n:int(numeric(8)) key[0] unique[] n[1]->child[0]",
		"loose: ints:int(bigint) reals:float(double precision) texts:text(text) blobs:opaque() nulls:opaque() key[] unique[]",
		"parent: b:int(bigint) a:text(text) Code:text(text)! maybe:text(text) x:int(bigint)! y:int(bigint)! key[1 0] unique[[4 5] [2]]",
		"sqlitefan: id:int(bigint)! key[0] unique[]",
		"types: i:int(bigint) n:int(bigint) s:int(smallint) r:float(double precision) d:float(double precision) f:float(double precision) num:float(numeric(10,2)) dec:float(numeric) v:text(character varying(20)) c:text(text) t:text(text) cl:text(text) b:bool(boolean) da:time(date) dt:time(timestamp without time zone) ts:time(timestamp without time zone) tz:time(timestamp with time zone) ti:float(time without time zone) bl:opaque(bytea) u:text(uuid) iv:text(interval) odd:float(numeric) j:text(json) key[] unique[]",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("tables (-want +got):\n%s", d)
	}
	var skipped []string
	for _, s := range snap.Schema.Skipped {
		skipped = append(skipped, s.Object+": "+s.Reason)
	}
	slices.Sort(skipped)
	want = []string{
		"foreign key (bad) of child: pairs 1 columns with a key of 2",
		"foreign key (lost) of child: refers to nowhere, which is not read",
		"foreign key (pic) of child: uses a column that is not read",
		"search: virtual table: its rows are made by a module",
		"search_config: belongs to a virtual table",
		"search_content: belongs to a virtual table",
		"search_data: belongs to a virtual table",
		"search_docsize: belongs to a virtual table",
		"search_idx: belongs to a virtual table",
		"v: view: its rows come from other tables",
	}
	if d := cmp.Diff(want, skipped); d != "" {
		t.Errorf("skipped (-want +got):\n%s", d)
	}
}

// Cells of another type than their column's are converted or counted.
func TestRead_values(t *testing.T) {
	for _, tc := range []struct {
		typ, cell string
		want      string // as Go prints it; <nil> with lost for a value that cannot be kept
		lost      bool
	}{
		{"INT", "9223372036854775807", "9223372036854775807", false},
		{"INT", "'17'", "17", false}, {"INT", "'x'", "<nil>", true}, {"INT", "2.0", "2", false}, {"INT", "2.5", "<nil>", true}, {"INT", "x'31'", "<nil>", true}, {"INT", "NULL", "<nil>", false},
		{"REAL", "3", "3", false}, {"REAL", "'1e3'", "1000", false}, {"REAL", "'one'", "<nil>", true}, {"REAL", "1e999", "+Inf", false}, {"NUMERIC(8,2)", "'12.50'", "12.5", false},
		{"TEXT", "5", "5", false}, {"TEXT", "x'6162'", "ab", false}, {"TEXT", "x'ff'", "<nil>", true}, {"TEXT", "''", "", false}, {"TEXT", "'a' || char(0) || 'b'", "a\x00b", false},
		{"BOOLEAN", "1", "true", false}, {"BOOLEAN", "0.0", "false", false}, {"BOOLEAN", "'T'", "true", false}, {"BOOLEAN", "'no'", "false", false}, {"BOOLEAN", "2", "<nil>", true}, {"BOOLEAN", "'maybe'", "<nil>", true},
		{"DATE", "'2024-02-29'", "2024-02-29T00:00:00Z", false}, {"DATE", "'2023-02-29'", "<nil>", true}, {"DATE", "'0001-01-01'", "0001-01-01T00:00:00Z", false}, {"DATE", "'29.02.2024'", "<nil>", true},
		{"DATETIME", "'2024-01-02 03:04'", "2024-01-02T03:04:00Z", false}, {"DATETIME", "'2024-01-02T03:04:05.1234567Z'", "2024-01-02T03:04:05.123457Z", false},
		{"DATETIME", "'2024-01-02 03:04:05.9999999'", "2024-01-02T03:04:06Z", false},
		{"DATETIME", "'2024-01-02 03:04:05+05:30'", "2024-01-01T21:34:05Z", false}, {"DATETIME", "'2024-01-02 03:04:05 -0100 CET'", "2024-01-02T04:04:05Z", false},
		{"DATETIME", "'2024-01-02 03:04:05.5 +0000 UTC m=+0.1'", "2024-01-02T03:04:05.5Z", false}, {"DATETIME", "'2024-01-02 24:00:00'", "2024-01-03T00:00:00Z", false},
		{"DATETIME", "'2024-01-02 25:00:00'", "<nil>", true}, {"DATETIME", "'2024-01-02x'", "<nil>", true}, {"DATETIME", "'now'", "<nil>", true}, {"DATETIME", "'2024-01-02 03:04:05 Europe/Berlin'", "<nil>", true},
		{"TIMESTAMP", "1704164645", "2024-01-02T03:04:05Z", false}, {"TIMESTAMP", "1704164645123", "2024-01-02T03:04:05.123Z", false}, {"TIMESTAMP", "1704164645123456", "2024-01-02T03:04:05.123456Z", false},
		{"TIMESTAMP", "1704164645.5", "2024-01-02T03:04:05.5Z", false}, {"TIMESTAMP", "-1", "1969-12-31T23:59:59Z", false}, {"TIMESTAMP", "2460311.5", "2024-01-02T00:00:00Z", false}, {"TIMESTAMP", "1e300", "<nil>", true},
		{"TIME", "'01:02:03.5'", "3723.5", false}, {"TIME", "'24:00'", "86400", false}, {"TIME", "60", "60", false}, {"TIME", "'noon'", "<nil>", true},
	} {
		// A column without affinity keeps the cell as it is written.
		snap := take(t, "CREATE TABLE t (v "+tc.typ+")", "PRAGMA writable_schema = 1",
			"UPDATE sqlite_schema SET sql = 'CREATE TABLE t (v)'", "PRAGMA writable_schema = RESET", "INSERT INTO t VALUES ("+tc.cell+")",
			"PRAGMA writable_schema = 1", "UPDATE sqlite_schema SET sql = 'CREATE TABLE t (v "+tc.typ+")'", "PRAGMA writable_schema = RESET")
		v := snap.Tables[0].Columns[0].Value(0)
		got := fmt.Sprint(v)
		if s, ok := v.(interface{ Format(string) string }); ok {
			got = s.Format("2006-01-02T15:04:05.999999999Z07:00")
		}
		if got != tc.want || (len(snap.Findings) > 0) != tc.lost {
			t.Errorf("%s %s is %q, findings %v; want %q, lost %v", tc.typ, tc.cell, got, snap.Findings, tc.want, tc.lost)
		}
	}
}

func TestRead_findings(t *testing.T) {
	snap := take(t, `CREATE TABLE "a b" (n INT, d DATE)`, `INSERT INTO "a b" VALUES ('x', 'y'), ('z', NULL), (3, '2024-01-01')`)
	want := []ingest.Finding{
		{Level: ingest.LevelWarning, Check: "values", Detail: `table "a b", column "n": 2 values are no bigint and were read as NULL`},
		{Level: ingest.LevelWarning, Check: "values", Detail: `table "a b", column "d": 1 values are no date and were read as NULL`},
	}
	if d := cmp.Diff(want, snap.Findings); d != "" {
		t.Errorf("findings (-want +got):\n%s", d)
	}
}

// SQLite does not enforce foreign keys unless asked to.
func TestRead_dangling(t *testing.T) {
	snap := take(t, `CREATE TABLE p (id INTEGER PRIMARY KEY)`, `CREATE TABLE c (id INTEGER PRIMARY KEY, p REFERENCES p)`,
		`INSERT INTO p VALUES (1), (2)`, `INSERT INTO c VALUES (1, '2'), (2, 9), (3, NULL), (4, 1.0)`)
	c := snap.Tables[0]
	if d := cmp.Diff([]int32{1, -1, -1, 0}, c.Parents[0]); d != "" || c.Dangling[0] != 1 {
		t.Errorf("dangling %d, want 1; parents (-want +got):\n%s", c.Dangling[0], d)
	}
}

func TestOpen_errors(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cut := create(t, "CREATE TABLE t (x)", "INSERT INTO t VALUES (zeroblob(20000))")
	whole, err := os.ReadFile(cut)
	if err != nil {
		t.Fatal(err)
	}
	const hint = " (write sqlite:FILE with the path of a SQLite database)"
	for _, tc := range []struct {
		path, want string
		user       bool
	}{
		{"", "database URL names no file" + hint, true},
		{"//", "database URL names no file" + hint, true},
		{filepath.Join(dir, "missing.db"), fmt.Sprintf("no file %q", filepath.Join(dir, "missing.db")) + hint, true},
		{dir, fmt.Sprintf("%q is a folder", dir) + hint, true},
		{file("text.db", "hello"), fmt.Sprintf("%q is no SQLite database", filepath.Join(dir, "text.db")) + hint, true},
		{file("empty.db", ""), fmt.Sprintf("%q is no SQLite database", filepath.Join(dir, "empty.db")) + hint, true},
		{file("garbage.db", string(magic)+strings.Repeat("x", 4000)), "open ", false},
		{create(t, "CREATE TABLE t (x)", "DROP TABLE t"), "no table in ", true},
		{file("cut.db", string(whole[:len(whole)/2])), "", false},
	} {
		src, err := ingest.Open(t.Context(), "sqlite:"+tc.path, ingest.OpenOptions{})
		if err == nil {
			_, err = ingest.Take(t.Context(), src, ingest.TakeOptions{})
			src.Close()
		}
		var user *ingest.UserError
		var source *ingest.SourceError
		if err == nil || !strings.HasPrefix(err.Error(), tc.want) || errors.As(err, &user) != tc.user || errors.As(err, &source) == tc.user {
			t.Errorf("%q: error %v, want %q, of the user: %v", tc.path, err, tc.want, tc.user)
		}
	}
}

func TestOpen_urls(t *testing.T) {
	path := create(t, "CREATE TABLE t (x INT)")
	for _, url := range []string{"sqlite:" + path, "sqlite://" + path} {
		src, err := ingest.Open(t.Context(), url, ingest.OpenOptions{Schemas: []string{"main"}})
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		src.Close()
	}
}

// A snapshot is one state: what is written between two tables is not in it, the
// file does not change by being read, and altered tables are refused.
func TestRead_consistent(t *testing.T) {
	path := create(t, "PRAGMA journal_mode = WAL", "CREATE TABLE a (x INT)", "CREATE TABLE b (x INT)", "INSERT INTO a VALUES (1)", "INSERT INTO b VALUES (1)")
	src, err := ingest.Open(t.Context(), "sqlite:"+path, ingest.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	sc, err := src.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	many := []string{"BEGIN"}
	for range 200 {
		many = append(many, "INSERT INTO a SELECT x FROM b", "INSERT INTO b SELECT 2")
	}
	fill(t, path, append(many, "COMMIT")...)
	b := ingest.NewBuilder(sc)
	written := false
	b.Progress = func(int, int64) { // in the middle of table a
		if !written {
			written = true
			fill(t, path, "INSERT INTO b VALUES (3)")
		}
	}
	if err := src.Read(t.Context(), sc, b); err != nil {
		t.Fatal(err)
	}
	if !written || b.Tables[1].Rows() != 201 {
		t.Errorf("%d rows, written meanwhile: %v; want the 201 at the beginning", b.Tables[1].Rows(), written)
	}
	fill(t, path, "ALTER TABLE b ADD COLUMN y")
	err = src.Read(t.Context(), sc, ingest.NewBuilder(sc))
	if err == nil || !strings.Contains(err.Error(), "altered meanwhile") {
		t.Errorf("after ALTER TABLE: error %v", err)
	}
}

// A WAL file on a medium that cannot be written opens as long as nobody writes.
func TestOpen_readOnlyMedium(t *testing.T) {
	path := create(t, "PRAGMA journal_mode = WAL", "CREATE TABLE t (x INT)", "INSERT INTO t VALUES (1)")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, filepath.Dir(path)} {
		info, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(p, info.Mode()&^0o222); err != nil {
			t.Fatal(err)
		}
		defer os.Chmod(p, info.Mode())
	}
	if snap := takeFile(t, path); snap.Tables[0].Rows != 1 {
		t.Errorf("%d rows, want 1", snap.Tables[0].Rows)
	}
	after, err := os.ReadFile(path)
	if err != nil || string(before) != string(after) {
		t.Errorf("the file changed by being read, or: %v", err)
	}
}

func FuzzParseInstant(f *testing.F) {
	for _, s := range []string{"2024-01-02", "2024-01-02T03:04:05.6Z", "2024-01-02 03:04 +01:00", "0000-00-00", "9999-12-31 24:00+1", "2024-01-02 03:04:05. x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, ok := ingest.ParseInstant(s)
		if ok && (v < -62198755200e6 || v > 253402387200e6) { // a day around the years 0 to 9999
			t.Fatalf("%q is %d", s, v)
		}
		if sec, ok := ingest.ParseTimeOfDay(s); ok && !(sec >= 0 && sec <= 86401) {
			t.Fatalf("%q is %g seconds", s, sec)
		}
	})
}

func BenchmarkTake(b *testing.B) {
	path := create(b, "CREATE TABLE t (id INTEGER PRIMARY KEY, parent INT REFERENCES t, at DATETIME, amount REAL, name TEXT)",
		`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)
		INSERT INTO t SELECT i, i / 2, datetime(i * 1000, 'unixepoch'), i * 0.25, 'customer ' || i FROM n`)
	for b.Loop() {
		takeFile(b, path)
	}
}
