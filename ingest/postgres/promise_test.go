package postgres

import (
	"testing"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/pgtest"
)

// P1: everything that reads takes no transaction number, which every write needs, and changes no
// row; P4: it uses four connections at most. As a superuser, whom no right would stop.
func TestPromise_readsOnly(t *testing.T) {
	own := pgtest.Quiet(t)
	u := own.New(t)
	conn := admin(t, u)
	makeTwoTables(t, conn, bigRows, 200)
	mustExec(t, conn, "CREATE VIEW v AS SELECT * FROM small", "CREATE SEQUENCE s")
	state := func() (next int64, written int64) {
		t.Helper()
		mustExec(t, conn, "SELECT pg_stat_force_next_flush()")
		err := conn.QueryRow(t.Context(), `SELECT txid_snapshot_xmax(txid_current_snapshot()), (SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_all_tables)::int8`).Scan(&next, &written)
		if err != nil {
			t.Fatal(err)
		}
		return next, written
	}
	next, written := state()
	s := mustInclude(t, u, "v")
	s.chunk = 1 << 17
	if _, err := s.Doctor(t.Context()); err != nil {
		t.Fatal(err)
	}
	watch := admin(t, u)
	most := 0
	old, err := ingest.Take(t.Context(), s, ingest.TakeOptions{Progress: func(ingest.Progress) {
		var n int
		if err := watch.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'rowlink'").Scan(&n); err != nil {
			t.Error(err)
		}
		most = max(most, n)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ingest.Take(t.Context(), s, ingest.TakeOptions{Old: old, OldMark: s.Mark(), Taken: 1}); err != nil {
		t.Fatal(err)
	}
	if n, w := state(); n != next || w != written {
		t.Errorf("the next transaction is %d after %d, %d rows written after %d", n, next, w, written)
	}
	if most < 2 || most > maxWorkers+1 {
		t.Errorf("%d connections at most, want 2 to %d", most, maxWorkers+1)
	}
	mustExec(t, conn, "INSERT INTO small VALUES (-1)") // and a write would have shown
	if n, w := state(); n == next || w == written {
		t.Error("a row was written, and this test does not see it")
	}
}
