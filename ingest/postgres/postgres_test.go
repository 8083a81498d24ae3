package postgres

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/pgtest"
	"github.com/rowlink/rowlink/internal/sourcetest"
	"github.com/rowlink/rowlink/schema"
)

var update = flag.Bool("update", false, "rewrite the golden files of testdata")

// golden compares got with a file of testdata, or rewrites it with -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s:\n---- got\n%s\n---- want\n%s", name, got, want)
	}
}

// admin connects as superuser.
func admin(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func mustExec(t testing.TB, conn *pgx.Conn, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := conn.Exec(context.Background(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func mustOpen(t testing.TB, url string, schemas ...string) *Source {
	t.Helper()
	s, err := Open(t.Context(), url, ingest.OpenOptions{Schemas: schemas})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func mustTake(t testing.TB, url string, schemas ...string) *ingest.Snapshot {
	t.Helper()
	return mustTakeOf(t, mustOpen(t, url, schemas...))
}

func mustTakeOf(t testing.TB, s *Source) *ingest.Snapshot {
	t.Helper()
	snap, err := ingest.Take(t.Context(), s, ingest.TakeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

// role creates a login role and returns the database's URL for it.
func role(t *testing.T, conn *pgx.Conn, rawURL string) (name, roleURL string) {
	t.Helper()
	name = "r_" + strings.ToLower(rand.Text())
	mustExec(t, conn, "CREATE ROLE "+name+" LOGIN PASSWORD '"+hidden+"'")
	t.Cleanup(func() { mustExec(t, conn, "DROP OWNED BY "+name, "DROP ROLE "+name) })
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(name, hidden)
	return name, u.String()
}

func TestContract(t *testing.T) {
	u := pgtest.URL(t)
	mustExec(t, admin(t, u), sourcetest.Statements()...)
	sourcetest.Run(t, sourcetest.Fixture(t), u, ingest.OpenOptions{})
}

// Every nasty case of testdata/cases.sql, as the user sees it.
func TestCases(t *testing.T) {
	u := pgtest.URL(t)
	text, err := os.ReadFile(filepath.Join("testdata", "cases.sql"))
	if err != nil {
		t.Fatal(err)
	}
	mustExec(t, admin(t, u), strings.Split(string(text), "\n--\n")...)
	snap := mustTake(t, u, "public", `Odd "Schema".é🙂`)
	var b bytes.Buffer
	schema.Infer(snap.Schema, nil)
	if err := snap.Schema.Describe(&b); err != nil {
		t.Fatal(err)
	}
	b.WriteString("\nvalues:\n")
	dump(&b, snap)
	b.WriteString("\nfindings:\n")
	for _, f := range snap.Findings {
		fmt.Fprintf(&b, "  %s: %s: %s\n", f.Level, f.Check, f.Detail)
	}
	golden(t, "cases.golden", b.String())
}

// dump writes all values of a snapshot, one line per row and one per link.
func dump(b *bytes.Buffer, snap *ingest.Snapshot) {
	for _, t := range snap.Tables {
		fmt.Fprintf(b, "  %s: %d rows\n", t.Def.FullName(), t.Rows)
		for r := range t.Rows {
			b.WriteString("   ")
			for c := range t.Columns {
				b.WriteString(" " + value(&t.Columns[c], r))
			}
			b.WriteString("\n")
		}
		for l := range t.Def.Links {
			fmt.Fprintf(b, "    %s -> %v, %d dangling\n", t.Def.Label(t.Def.Links[l]), t.Parents[l], t.Dangling[l])
		}
	}
}

func value(c *ingest.Column, row int) string {
	switch {
	case c.Kind == schema.Opaque:
		return "?"
	case c.Null(row):
		return "NULL"
	case c.Kind == schema.Bool:
		return fmt.Sprint(c.Bool(row))
	case c.Kind == schema.Int:
		return fmt.Sprint(c.Ints[row])
	case c.Kind == schema.Float:
		return fmt.Sprint(c.Floats[row])
	case c.Kind == schema.Time:
		return time.UnixMicro(c.Ints[row]).UTC().Format("2006-01-02T15:04:05.999999")
	}
	return fmt.Sprintf("%q", c.Text(row))
}

// A role sees what it may see; what it may not see is listed with the repair, and the
// repair works.
func TestPermissions(t *testing.T) {
	u := pgtest.URL(t)
	conn := admin(t, u)
	mustExec(t, conn, "CREATE SCHEMA closed", "CREATE TABLE closed.c (id int PRIMARY KEY)",
		"CREATE TABLE denied (id int PRIMARY KEY)",
		"CREATE TABLE partly (id int PRIMARY KEY, open text, password text, d int REFERENCES denied)",
		"CREATE TABLE granted (id int PRIMARY KEY, d int REFERENCES denied, c int REFERENCES closed.c, p int REFERENCES partly)",
		"INSERT INTO denied VALUES (1)", "INSERT INTO partly VALUES (1, 'x', 'y', 1)", "INSERT INTO granted VALUES (7, 1, NULL, 1)")
	name, roleURL := role(t, conn, u)
	mustExec(t, conn, "GRANT SELECT ON granted TO "+name, "GRANT SELECT (open, id, d) ON partly TO "+name)

	s := mustOpen(t, roleURL, "public", "closed")
	sch, err := s.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, k := range sch.Skipped {
		got = append(got, strings.ReplaceAll(k.Object+": "+k.Reason, name, "ROLE"))
	}
	want := []string{
		`closed.c: permission denied; to read it run: GRANT USAGE ON SCHEMA "closed" TO "ROLE"; GRANT SELECT ON "closed"."c" TO "ROLE"`,
		`public.denied: permission denied; to read it run: GRANT SELECT ON "public"."denied" TO "ROLE"`,
		`public.partly.password: permission denied; to read it run: GRANT SELECT ("password") ON "public"."partly" TO "ROLE"`,
		`foreign key granted_c_fkey of public.granted: refers to closed.c, which is not read`,
		`foreign key granted_d_fkey of public.granted: refers to public.denied, which is not read`,
		`foreign key partly_d_fkey of public.partly: refers to public.denied, which is not read`,
	}
	sortedEqual(t, got, want)
	snap, err := ingest.Take(t.Context(), s, ingest.TakeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(snap.Tables); n != 2 {
		t.Fatalf("%d tables, want 2", n)
	}
	if p := snap.Tables[snap.Schema.Table("granted")].Parents[0][0]; p != 0 {
		t.Errorf("link to partly is %d, want row 0", p)
	}
	for _, k := range sch.Skipped {
		if _, grant, ok := strings.Cut(k.Reason, "to read it run: "); ok {
			mustExec(t, conn, strings.Split(grant, "; ")...)
		}
	}
	if sch, err = s.Schema(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(sch.Skipped) != 0 || len(sch.Tables) != 4 {
		t.Errorf("after the grants: %d tables, skipped %v; want 4 and none", len(sch.Tables), sch.Skipped)
	}
	if err := s.session.exec(t.Context(), "INSERT INTO granted VALUES (8)"); state(err) != "25006" && state(err) != "42501" {
		t.Errorf("a write gives %v, want refusal", err)
	}
}

func sortedEqual(t *testing.T, got, want []string) {
	t.Helper()
	if g, w := strings.Join(sorted(got), "\n"), strings.Join(sorted(want), "\n"); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
}

func TestRowSecurity(t *testing.T) {
	u := pgtest.URL(t)
	conn := admin(t, u)
	mustExec(t, conn, "CREATE TABLE hidden (id int PRIMARY KEY)", "INSERT INTO hidden SELECT generate_series(1, 10)",
		"ALTER TABLE hidden ENABLE ROW LEVEL SECURITY", "CREATE POLICY p ON hidden USING (id <= 5)")
	name, roleURL := role(t, conn, u)
	mustExec(t, conn, "GRANT SELECT ON hidden TO "+name)
	s := mustOpen(t, roleURL)
	_, err := s.Schema(t.Context())
	var user *ingest.UserError
	if !errors.As(err, &user) || !strings.Contains(err.Error(), "public.hidden") || !strings.Contains(user.Hint, "BYPASSRLS") {
		t.Errorf("error %v, want a UserError that names the table and BYPASSRLS", err)
	}
	if snap := mustTake(t, u); snap.Tables[0].Rows != 10 {
		t.Errorf("the superuser reads %d rows, want 10", snap.Tables[0].Rows)
	}
	mustExec(t, conn, "ALTER ROLE "+name+" BYPASSRLS")
	if snap := mustTake(t, roleURL); snap.Tables[0].Rows != 10 {
		t.Errorf("after the repair %d rows, want 10", snap.Tables[0].Rows)
	}
	// A policy that appears after the schema was listed is an error too, not fewer rows.
	mustExec(t, conn, "ALTER ROLE "+name+" NOBYPASSRLS", "ALTER TABLE hidden DISABLE ROW LEVEL SECURITY")
	late := mustOpen(t, roleURL)
	sch, err := late.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mustExec(t, conn, "ALTER TABLE hidden ENABLE ROW LEVEL SECURITY")
	if err := late.Read(t.Context(), sch, ingest.NewBuilder(sch)); err == nil {
		t.Error("rows were hidden without an error")
	}
}

func TestSchema_userErrors(t *testing.T) {
	u := pgtest.URL(t)
	conn := admin(t, u)
	mustExec(t, conn, "CREATE SCHEMA sales", "CREATE TABLE sales.t (id int)")
	tests := []struct {
		schema string
		want   []string
	}{
		{"salse", []string{`unknown schema "salse"`, `did you mean "sales"?`}},
		{"zzzzzzzz", []string{`unknown schema "zzzzzzzz"`, `"public", "sales"`}},
		{"public", []string{"no readable table", `"sales"`, "--schema"}},
	}
	for _, tt := range tests {
		_, err := mustOpen(t, u, tt.schema).Schema(t.Context())
		var user *ingest.UserError
		if !errors.As(err, &user) {
			t.Errorf("%s: error %v, want a UserError", tt.schema, err)
			continue
		}
		for _, w := range tt.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: error %q lacks %q", tt.schema, err, w)
			}
		}
	}
}

func TestOpen_refused(t *testing.T) {
	raw := pgtest.URL(t)
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	wrongPassword, wrongDatabase := *u, *u
	wrongPassword.User = url.UserPassword(u.User.Username(), hidden)
	wrongDatabase.Path = "/no_such_database"
	for _, tt := range []struct{ url, want string }{
		{wrongPassword.String(), "password authentication failed"},
		{wrongDatabase.String(), `database "no_such_database" does not exist`},
	} {
		_, err := Open(t.Context(), tt.url, ingest.OpenOptions{})
		var source *ingest.SourceError
		if !errors.As(err, &source) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("error %v, want a SourceError with %q", err, tt.want)
			continue
		}
		password, _ := u.User.Password()
		if text := fmt.Sprintf("%v %+v %#v", err, err, source.Err); strings.Contains(text, hidden) || strings.Contains(text, password) {
			t.Errorf("the error holds the password: %s", text)
		}
	}
}

// A SQL_ASCII database may hold bytes that are no text in any encoding.
func TestRead_sqlASCII(t *testing.T) {
	raw := pgtest.URL(t)
	conn := admin(t, raw)
	name := "ascii_" + strings.ToLower(rand.Text())
	mustExec(t, conn, "CREATE DATABASE "+name+" ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
	t.Cleanup(func() { mustExec(t, conn, "DROP DATABASE "+name+" WITH (FORCE)") })
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	other := admin(t, u.String())
	mustExec(t, other, "SET client_encoding = 'SQL_ASCII'", "CREATE TABLE t (id int PRIMARY KEY, a text)",
		`INSERT INTO t VALUES (1, convert_from('\x61ff62', 'SQL_ASCII')), (2, 'plain')`)
	snap := mustTake(t, u.String())
	if got := snap.Tables[0].Columns[1].Text(0); got != "a\uFFFDb" {
		t.Errorf("invalid text reads as %q, want the bad byte replaced", got)
	}
	if len(snap.Findings) != 1 || !strings.Contains(snap.Findings[0].Detail, "U+FFFD") {
		t.Errorf("findings %v, want one about the replaced byte", snap.Findings)
	}
}

func TestDoctor(t *testing.T) {
	u := pgtest.URL(t)
	conn := admin(t, u)
	mustExec(t, conn, "CREATE TABLE a (id int PRIMARY KEY, at timestamp)", "CREATE TABLE b (x int)", "CREATE TABLE denied (id int)",
		"CREATE TABLE rls (id int PRIMARY KEY)", "ALTER TABLE rls ENABLE ROW LEVEL SECURITY", "CREATE VIEW v AS SELECT 1 AS x")
	name, roleURL := role(t, conn, u)
	mustExec(t, conn, "GRANT SELECT ON a, b, rls, v TO "+name, "GRANT INSERT ON a TO "+name)
	f, err := Doctor(t.Context(), roleURL, []string{"public", "none"})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, x := range f {
		fmt.Fprintf(&b, "%s | %s | %s | %s\n", x.Level, x.Check, x.Detail, x.Repair)
	}
	host := mustHost(t, u)
	text := strings.NewReplacer(name, "ROLE", host, "HOST", mustOpen(t, u).config.Database, "DB", version(t, conn), "VERSION").Replace(b.String())
	golden(t, "doctor.golden", text)
	for _, x := range f { // the repairs are statements that run
		if x.Check == "row security" || x.Check == "permission" {
			mustExec(t, conn, x.Repair)
		}
	}
	if f, err = Doctor(t.Context(), roleURL, nil); err != nil {
		t.Fatal(err)
	}
	for _, x := range f {
		if x.Level == ingest.LevelError || x.Check == "permission" {
			t.Errorf("after the repairs: %+v", x)
		}
	}
}

func mustHost(t *testing.T, raw string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

func version(t *testing.T, conn *pgx.Conn) string {
	t.Helper()
	var v string
	if err := conn.QueryRow(t.Context(), "SELECT current_setting('server_version')").Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}
