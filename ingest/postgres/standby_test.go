package postgres

import (
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/pgtest"
)

// standby starts a primary with the tables of twoTables and a hot standby of it that cancels
// reads at once when they are in the way of the log.
func standby(t *testing.T) (primary *pgx.Conn, primaryURL, url string, caughtUp func()) {
	t.Helper()
	pgtest.URL(t) // skips where there is no server
	server, err := pgtest.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Stop() })
	if err := server.Create(t.Context(), "d", "template1"); err != nil {
		t.Fatal(err)
	}
	primaryURL = server.URL("d")
	primary = admin(t, primaryURL)
	makeTwoTables(t, primary, 24000, 400)
	copied, err := server.Standby(t.Context(), "max_standby_streaming_delay=100ms")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { copied.Stop() })
	url = copied.URL("d")
	replica := admin(t, url)
	return primary, primaryURL, url, func() {
		t.Helper()
		var at string
		if err := primary.QueryRow(t.Context(), "SELECT pg_current_wal_insert_lsn()::text").Scan(&at); err != nil {
			t.Fatal(err)
		}
		for range 1000 {
			var done bool
			if err := replica.QueryRow(t.Context(), "SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn", at).Scan(&done); err != nil {
				t.Fatal(err)
			}
			if done {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Fatal("the standby did not catch up")
	}
}

// A standby is read by several workers from a snapshot that it exports itself. What it
// cancels is read again: a range whose lock was in the way in the same snapshot, everything
// where row versions went that the snapshot still saw.
func TestCase47_standby(t *testing.T) {
	primary, primaryURL, url, caughtUp := standby(t)
	caughtUp()
	want := mustTake(t, primaryURL)
	undisturbed := mustOpen(t, url)
	undisturbed.chunk = 1 << 20
	sameSnapshot(t, mustTakeOf(t, undisturbed), want)
	found, err := undisturbed.Doctor(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var told bool
	for _, f := range found {
		told = told || f.Check == "standby" && f.Case == 47
	}
	if !told {
		t.Errorf("the doctor does not say that this is a standby: %v", found)
	}
	cancels := func() (n int) {
		t.Helper()
		replica := admin(t, url)
		defer replica.Close(t.Context())
		if err := replica.QueryRow(t.Context(), "SELECT confl_lock + confl_snapshot + confl_bufferpin FROM pg_stat_database_conflicts WHERE datname = 'd'").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	// reading reads over a slow link, so that ranges take a while and hold their locks, while
	// disturb is done again and again until it returns false.
	reading := func(disturb func() bool) (*ingest.Snapshot, error) {
		t.Helper()
		proxy, slow := pgtest.NewProxy(t, url)
		s := mustOpen(t, slow)
		s.chunk = 1 << 20
		sch, err := s.Schema(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		proxy.Slow(2 << 20)
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			for disturb() {
				select {
				case <-stop:
					return
				case <-time.After(50 * time.Millisecond):
				}
			}
		}()
		b := ingest.NewBuilder(sch)
		err = s.Read(t.Context(), sch, b)
		close(stop)
		<-stopped
		if err != nil {
			return nil, err
		}
		return b.Finish(sch, 0)
	}

	before := cancels()
	snap, err := reading(func() bool {
		mustExec(t, primary, "BEGIN", "LOCK TABLE big IN ACCESS EXCLUSIVE MODE", "COMMIT")
		caughtUp()
		return cancels() == before
	})
	if err != nil {
		t.Fatal(err)
	}
	if snap.ID != want.ID {
		t.Errorf("after cancelled locks: snapshot %s, want %s", snap.ID, want.ID)
	}
	if cancels() == before {
		t.Error("no range was cancelled, so this test shows nothing")
	}

	before = cancels()
	removed := false
	snap, err = reading(func() bool {
		if !removed { // later rounds only wait for what this one cancels
			mustExec(t, primary, "DELETE FROM big WHERE id % 2 = 0", "VACUUM (TRUNCATE off) big", "INSERT INTO small VALUES (5000, 1, 1)")
			removed = true
		}
		caughtUp()
		return cancels() == before
	})
	if err != nil {
		t.Fatal(err)
	}
	if now := mustTake(t, primaryURL); snap.ID != now.ID {
		t.Errorf("after removed rows: snapshot %s, want the later state %s", snap.ID, now.ID)
	}
	if cancels() == before {
		t.Error("nothing was cancelled, so this test shows nothing")
	}

	// Again and again: it is given up, with the setting that helps.
	_, err = reading(func() bool {
		mustExec(t, primary, "UPDATE big SET v = v WHERE id % 7 = 1", "VACUUM (TRUNCATE off) big")
		caughtUp()
		return true
	})
	if err == nil || !strings.Contains(err.Error(), "hot_standby_feedback") {
		t.Errorf("error %v, want advice about hot_standby_feedback", err)
	}
}
