package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/pgtest"
	"github.com/rowlink/rowlink/schema"
)

func sorted(s []string) []string { return slices.Sorted(slices.Values(s)) }

// disturbed reads a database of a big and a small table while disturb runs once, in
// the middle of the big one, which is read first. One worker reads both.
func disturbed(t *testing.T, u string, disturb func()) (*ingest.Snapshot, error) {
	t.Helper()
	s := mustOpen(t, u)
	s.workers = 1
	sch, err := s.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := ingest.NewBuilder(sch)
	var done atomic.Bool
	b.Progress = func(int, int64) {
		if done.CompareAndSwap(false, true) {
			disturb()
		}
	}
	if err := s.Read(t.Context(), sch, b); err != nil {
		return nil, err
	}
	if !done.Load() {
		t.Fatal("nothing was disturbed")
	}
	snap, err := b.Finish(sch, 0)
	if err != nil {
		t.Fatal(err)
	}
	return snap, nil
}

// bigRows is enough for the builder to report progress before the table ends.
const bigRows = 20000

// twoTables makes a database of a big and a small table; the big one has the given
// rows with texts of the given width.
func twoTables(t *testing.T, rows, width int) string {
	t.Helper()
	u := pgtest.URL(t)
	makeTwoTables(t, admin(t, u), rows, width)
	return u
}

func makeTwoTables(t *testing.T, conn *pgx.Conn, rows, width int) {
	t.Helper()
	mustExec(t, conn, "CREATE TABLE big (id int PRIMARY KEY, v text)", "ALTER TABLE big ALTER COLUMN v SET STORAGE PLAIN",
		fmt.Sprintf("INSERT INTO big SELECT g, repeat('x', %d) FROM generate_series(1, %d) g", width, rows), newSmall, fillSmall, "ANALYZE")
}

const (
	newSmall  = "CREATE TABLE small (id int PRIMARY KEY, i int DEFAULT 1, j int DEFAULT 2)"
	fillSmall = "INSERT INTO small SELECT generate_series(1, 1000)"
)

// What others do to the small table while the big one is read: each outcome is either
// the undisturbed rows or those of a new, consistent snapshot or an error, never
// fewer rows or mixed-up columns.
func TestRead_ddlByOthers(t *testing.T) {
	tests := []struct {
		name, sql string
		rows      int    // of the small table
		fails     string // or part of the error
	}{
		{"truncate", "TRUNCATE small", 0, ""},
		{"rewrite", "ALTER TABLE small ALTER COLUMN i TYPE bigint", 1000, ""},
		{"vacuum full", "VACUUM FULL small", 1000, ""},
		{"drop and add", "ALTER TABLE small DROP COLUMN j, ADD COLUMN j int DEFAULT 0", 1000, ""},
		{"add", "ALTER TABLE small ADD COLUMN z int DEFAULT 5", 1000, ""},
		{"drop column", "ALTER TABLE small DROP COLUMN j", 0, `j`},
		{"change type", "ALTER TABLE small ALTER COLUMN j TYPE text", 0, `column "j" of table "public.small" holds text, want int`},
		{"drop table", "DROP TABLE small", 0, `small`},
	}
	u := twoTables(t, bigRows, 10)
	conn := admin(t, u)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			mustExec(t, conn, "DROP TABLE IF EXISTS small", newSmall, fillSmall, "ANALYZE")
			snap, err := disturbed(t, u, func() { mustExec(t, conn, tt.sql) })
			if tt.fails != "" {
				var source *ingest.SourceError
				if !errors.As(err, &source) || !strings.Contains(err.Error(), tt.fails) {
					t.Fatalf("error %v, want a SourceError with %q", err, tt.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if b, s := snap.Tables[0].Rows, snap.Tables[1].Rows; b != bigRows || s != tt.rows {
				t.Errorf("%d and %d rows, want %d and %d", b, s, bigRows, tt.rows)
			}
			if tt.name == "drop and add" && snap.Tables[1].Columns[2].Ints[0] != 0 {
				t.Errorf("column j holds %d, want the new column's 0", snap.Tables[1].Columns[2].Ints[0])
			}
		})
	}
}

// Two columns that swap names are read as the names stand when the read ends.
func TestRead_swappedColumns(t *testing.T) {
	u := twoTables(t, bigRows, 10)
	conn := admin(t, u)
	snap, err := disturbed(t, u, func() {
		mustExec(t, conn, "BEGIN", "ALTER TABLE small RENAME i TO k", "ALTER TABLE small RENAME j TO i", "ALTER TABLE small RENAME k TO j", "COMMIT")
	})
	if err != nil {
		t.Fatal(err)
	}
	c := snap.Tables[1].Columns
	if c[1].Ints[0] != 2 || c[2].Ints[0] != 1 {
		t.Errorf("i = %d, j = %d; after the swap want 2 and 1", c[1].Ints[0], c[2].Ints[0])
	}
}

// A killed worker or exporter costs a retry, not rows: the snapshot is that of an
// undisturbed read.
func TestRead_killed(t *testing.T) {
	// What follows the first report is more than the buffers of a connection hold, so
	// the server still sends when it is killed.
	u := twoTables(t, 60000, 400)
	conn := admin(t, u)
	want := mustTake(t, u).ID
	for _, who := range []string{"state = 'active'", "state = 'idle in transaction'", "true"} {
		t.Run(who, func(t *testing.T) {
			snap, err := disturbed(t, u, func() {
				var n int
				err := conn.QueryRow(context.Background(), `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
 WHERE datname = current_database() AND application_name = 'rowlink' AND `+who).Scan(&n)
				if err != nil || n == 0 {
					t.Errorf("terminated %d backends, error %v", n, err)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			if snap.ID != want {
				t.Errorf("snapshot %s, want %s of the undisturbed read", snap.ID, want)
			}
		})
	}
}

// A connection that died between two calls is replaced.
func TestSource_reconnects(t *testing.T) {
	u := pgtest.URL(t)
	conn := admin(t, u)
	mustExec(t, conn, newSmall, fillSmall)
	s := mustOpen(t, u)
	kill := func() {
		mustExec(t, conn, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'rowlink'")
	}
	kill()
	sch, err := s.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kill()
	b := ingest.NewBuilder(sch)
	if err := s.Read(t.Context(), sch, b); err != nil {
		t.Fatal(err)
	}
	if n := b.Tables[0].Rows(); n != 1000 {
		t.Errorf("%d rows, want 1000", n)
	}
	kill()
	if _, err := s.Doctor(t.Context()); err != nil {
		t.Error(err)
	}
}

// While money moves between the tables, every snapshot holds the same sum, whether it
// was read in ranges of pages or whole.
func TestCase42_transfers(t *testing.T) {
	u := pgtest.URL(t)
	conn := admin(t, u)
	mustExec(t, conn, "CREATE TABLE a (id int PRIMARY KEY, amount int)", "CREATE TABLE b (id int PRIMARY KEY, amount int)",
		"INSERT INTO a SELECT g, 100 FROM generate_series(1, 1000) g", "INSERT INTO b SELECT g, 100 FROM generate_series(1, 1000) g")
	stop := make(chan struct{})
	stopped := make(chan int)
	go func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				stopped <- n
				return
			default:
				mustExec(t, conn, fmt.Sprintf("WITH x AS (UPDATE a SET amount = amount - 7 WHERE id = %d) UPDATE b SET amount = amount + 7 WHERE id = %d", 1+n%1000, 1+n*7%1000))
			}
		}
	}()
	reads := pgtest.Times(12, 200) // of 200: docs/log.md
	states := map[string]bool{}
	for i := range reads {
		s, err := Open(t.Context(), u, ingest.OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		s.chunk = 1 << 13 << (i % 6)
		snap, err := ingest.Take(t.Context(), s, ingest.TakeOptions{})
		s.Close()
		if err != nil {
			t.Fatal(err)
		}
		sum := int64(0)
		for _, tb := range snap.Tables {
			for _, v := range tb.Columns[1].Ints {
				sum += v
			}
		}
		if sum != 200000 {
			t.Errorf("read %d: sum %d, want 200000", i, sum)
		}
		states[snap.ID] = true
	}
	close(stop)
	if n := <-stopped; n == 0 || len(states) < reads/2 {
		t.Errorf("%d transfers, %d different states in %d reads: too few to tell anything", n, len(states), reads)
	}
}

// A table locked by somebody's DDL costs waiting within limits, then a clear error;
// nobody waits behind us.
func TestRead_locked(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a lock time-out")
	}
	u := twoTables(t, bigRows, 10)
	conn := admin(t, u)
	s := mustOpen(t, u)
	sch, err := s.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mustExec(t, conn, "BEGIN", "LOCK TABLE small IN ACCESS EXCLUSIVE MODE")
	go func() {
		time.Sleep(2500 * time.Millisecond) // longer than one lock_timeout
		mustExec(t, conn, "COMMIT")
	}()
	b := ingest.NewBuilder(sch)
	if err := s.Read(t.Context(), sch, b); err != nil {
		t.Fatal(err)
	}
	if n := b.Tables[sch.Table("small")].Rows(); n != 1000 {
		t.Errorf("%d rows, want 1000", n)
	}
}

func TestRead_cancelled(t *testing.T) {
	u := twoTables(t, bigRows, 10)
	before := goleak.IgnoreCurrent()
	s, err := Open(t.Context(), u, ingest.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	sch, err := s.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	b := ingest.NewBuilder(sch)
	b.Progress = func(int, int64) { cancel() }
	if err := s.Read(ctx, sch, b); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	s.Close()
	goleak.VerifyNone(t, before)
}

// The mapping may hide columns that exist; a column that is gone is named.
func TestRead_schemaChangedBefore(t *testing.T) {
	u := twoTables(t, bigRows, 10)
	s := mustOpen(t, u)
	sch, err := s.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mustExec(t, admin(t, u), "ALTER TABLE small RENAME j TO k")
	err = s.Read(t.Context(), sch, ingest.NewBuilder(sch))
	if err == nil || !strings.Contains(err.Error(), `column "j" of table "public.small" is no longer there`) {
		t.Errorf("error %v, want the column's name", err)
	}
	hidden := sch.Clone()
	hidden.Tables[1].Columns[2].Kind = schema.Opaque
	if err := s.Read(t.Context(), hidden, ingest.NewBuilder(hidden)); err != nil {
		t.Error(err)
	}
}
