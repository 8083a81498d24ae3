package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/pgtest"
)

// ingested runs rowlink ingest with JSON and returns its report.
func ingested(t *testing.T, args ...string) ingestReport {
	t.Helper()
	var out, errs bytes.Buffer
	args = append([]string{"ingest", "--quiet", "--json"}, args...)
	if code := run(t.Context(), args, streams{strings.NewReader(""), &out, &errs}); code != 0 {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	var r ingestReport
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func waysOf(r ingestReport) string {
	var ways []string
	for _, w := range r.Refresh {
		ways = append(ways, fmt.Sprintf("%s %s %d", w.Table, w.Way, w.Copied))
	}
	return strings.Join(ways, "; ")
}

// The command refreshes from the workspace's latest snapshot of the same database, says how,
// and stores what a whole copy in another workspace stores.
func TestIngest_refresh(t *testing.T) {
	u := pgtest.URL(t)
	conn, err := pgx.Connect(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	exec := func(sql string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec("CREATE TABLE a (id int PRIMARY KEY, v text); CREATE TABLE b (a int REFERENCES a, at timestamp); INSERT INTO a VALUES (1, 'x'), (2, 'y')")
	folder := t.TempDir()
	steps := []struct{ sql, ways string }{
		{"SELECT 1", "public.a whole 2; public.b whole 0"}, // the first one
		{"SELECT 1", "public.a unchanged 0; public.b unchanged 0"},
		{"INSERT INTO b VALUES (1, '2020-01-01')", "public.a unchanged 0; public.b appended 1"},
		{"UPDATE a SET v = 'z' WHERE id = 2; INSERT INTO b VALUES (2, '2020-01-02')", "public.a updated 1; public.b appended 1"},
		{"DELETE FROM b WHERE a = 1", "public.a unchanged 0; public.b whole 1"},
	}
	// settled waits until every transaction that began before now has ended: those of other tests
	// on the same server make a refresh copy more.
	settled := func() {
		t.Helper()
		var written string
		if err := conn.QueryRow(t.Context(), "SELECT pg_current_xact_id()::text").Scan(&written); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			var past bool
			if err := conn.QueryRow(t.Context(), "SELECT pg_snapshot_xmin(pg_current_snapshot()) > $1::xid8", written).Scan(&past); err != nil {
				t.Fatal(err)
			}
			if past {
				return
			}
		}
		t.Skip("a transaction of another test on this server lasts too long")
	}
	for i, step := range steps {
		exec(step.sql)
		settled()
		got := ingested(t, "--db", u, "--workspace", folder, "--refresh")
		if ways := waysOf(got); ways != step.ways {
			t.Errorf("step %d: %s, want %s", i, ways, step.ways)
		}
		want := ingested(t, "--db", u, "--workspace", t.TempDir())
		if got.Snapshot != want.Snapshot || want.Refresh != nil {
			t.Errorf("step %d: snapshot %s, want %s as of a whole copy, which has no ways: %v", i, got.Snapshot, want.Snapshot, want.Refresh)
		}
	}
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"ingest", "-q", "--db", u, "--workspace", folder, "--refresh"}, streams{strings.NewReader(""), &out, &errs}); code != 0 {
		t.Fatal(errs.String())
	}
	for _, want := range []string{"refresh", "unchanged", "all 2 rows were written before, and none is missing"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the text lacks %q:\n%s", want, out.String())
		}
	}
}

// A source that cannot tell what changed is copied whole, and says so.
func TestIngest_refreshOfFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("CREATE TABLE a (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO a VALUES (1, 'x')"); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for range 2 {
		r := ingested(t, "--db", "sqlite:"+path, "--workspace", folder, "--refresh")
		if len(r.Refresh) != 1 || r.Refresh[0].Way != ingest.WayWhole || !strings.Contains(r.Refresh[0].Why, "sqlite") || r.Refresh[0].Copied != 1 {
			t.Errorf("%+v", r.Refresh)
		}
	}
}
