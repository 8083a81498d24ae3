package postgres

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/pgtest"
)

// Through a pooler in transaction mode the same rows are read, even if the pool has a single
// connection; a lock that is in the way is waited for; the session of others is left as it was.
func TestCase48_pooler(t *testing.T) {
	u := twoTables(t, bigRows, 100)
	want := mustTake(t, u)
	for _, size := range []int{1, 5} {
		pooled := pgtest.Pooler(t, u, size)
		s := mustOpen(t, pooled)
		if !s.session.pooled {
			t.Fatal("the pooler was not noticed")
		}
		s.chunk = 1 << 18
		found, err := s.Doctor(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var told bool
		for _, f := range found {
			told = told || f.Check == "pooler" && f.Case == 48
		}
		if !told {
			t.Errorf("the doctor says nothing of the pooler: %v", found)
		}
		snap, err := ingest.Take(t.Context(), s, ingest.TakeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		sameSnapshot(t, snap, want)
		again, err := ingest.Take(t.Context(), s, ingest.TakeOptions{Old: snap, OldMark: s.Mark(), Taken: 1})
		if err != nil {
			t.Fatal(err)
		}
		sameSnapshot(t, again, want)
		other := admin(t, pooled+"&default_query_exec_mode=simple_protocol")
		var path, readOnly string
		if err := other.QueryRow(t.Context(), "SELECT current_setting('search_path') || '', current_setting('default_transaction_read_only')").Scan(&path, &readOnly); err != nil {
			t.Fatal(err)
		}
		if path == "" || readOnly != "off" {
			t.Errorf("another client finds search_path %q and default_transaction_read_only %s", path, readOnly)
		}
	}
	if _, err := mustOpen(t, pgtest.Pooler(t, u, 1)).Follow(t.Context(), "rowlink"); err == nil || !strings.Contains(err.Error(), "pooler") {
		t.Errorf("following through a pooler: %v, want a refusal", err)
	}
}

// Behind a pooler all is read in one transaction, which yet holds the lock of one table or
// range at a time, and survives a time-out.
func TestCase48_locks(t *testing.T) {
	u := twoTables(t, bigRows, 100)
	conn := admin(t, u)
	mustExec(t, conn, "CREATE TABLE more AS SELECT * FROM big", "ALTER TABLE more ADD PRIMARY KEY (id)", "ANALYZE")
	want := mustTake(t, u)
	s := mustOpen(t, pgtest.Pooler(t, u, 1))
	sch, err := s.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := ingest.NewBuilder(sch)
	first, locked := -1, 0
	b.Progress = func(table int, _ int64) {
		switch {
		case first < 0:
			first = table
		case table != first && locked == 0:
			mustExec(t, conn, "BEGIN", fmt.Sprintf("LOCK TABLE %s IN ACCESS EXCLUSIVE MODE NOWAIT", sch.Tables[first].Name), "COMMIT")
			mustExec(t, conn, "BEGIN", "LOCK TABLE small IN ACCESS EXCLUSIVE MODE") // is read last
			locked++
			go func() {
				time.Sleep(lockTimeout + 300*time.Millisecond)
				mustExec(t, conn, "COMMIT")
			}()
		}
	}
	if err := s.Read(t.Context(), sch, b); err != nil {
		t.Fatal(err)
	}
	if locked == 0 {
		t.Fatal("nothing was locked")
	}
	snap, err := b.Finish(sch, 0)
	if err != nil {
		t.Fatal(err)
	}
	if snap.ID != want.ID {
		t.Errorf("snapshot %s, want %s", snap.ID, want.ID)
	}
}
