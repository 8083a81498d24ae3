package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rowlink/rowlink/internal/pgtest"
)

// The report of a database that holds every nasty case, as text and as JSON.
func TestIngest_report(t *testing.T) {
	u := pgtest.URL(t)
	conn, err := pgx.Connect(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../ingest/postgres/testdata/cases.sql")
	if err != nil {
		t.Fatal(err)
	}
	statements := append(strings.Split(string(text), "\n--\n"),
		"CREATE SCHEMA elsewhere", "CREATE TABLE elsewhere.unasked (id int)",
		"CREATE TABLE times (id int PRIMARY KEY, at timestamp, api_token text, raw bytea)",
		"INSERT INTO times SELECT g, '2020-01-01'::timestamp + g * interval '1 day' FROM generate_series(1, 20) g",
		"INSERT INTO times VALUES (102, '1970-01-01'), (103, '2999-01-01'), (104, NULL)")
	for _, s := range statements {
		if _, err := conn.Exec(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	conn.Close(t.Context())
	for _, format := range []string{"text", "json"} {
		var out, errs bytes.Buffer
		args := []string{"ingest", "--db", u, "--workspace", t.TempDir(), "-q"}
		if format == "json" {
			args = append(args, "--json")
		}
		if code := run(t.Context(), args, streams{strings.NewReader(""), &out, &errs}); code != 0 {
			t.Fatalf("exit code %d: %s", code, errs.String())
		}
		if format == "json" && !json.Valid(out.Bytes()) {
			t.Fatal("no JSON")
		}
		got := regexp.MustCompile(`postgres://[^ ",]*|(taken"?:? "?)\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|(snapshot"?:? "?)[0-9a-f]{16}`).ReplaceAllString(out.String(), "$1$2...")
		path := filepath.Join("testdata", "report", "cases."+format)
		if f := flag.Lookup("update"); f != nil && f.Value.String() == "true" {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s:\n---- got\n%s\n---- want\n%s", path, got, want)
		}
	}
}
