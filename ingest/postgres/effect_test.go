package postgres

import (
	"fmt"
	"testing"
	"time"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/pgtest"
)

// Nothing can be written in a reading transaction, by a superuser either. PostgreSQL 15 itself
// allows ANALYZE, NOTIFY, LOCK TABLE and large objects there: against these only the role's
// own rights help.
func TestCase36_everyWrite(t *testing.T) {
	u := pgtest.URL(t)
	mustExec(t, admin(t, u), "CREATE TABLE t (id serial PRIMARY KEY, v int)", "INSERT INTO t (v) VALUES (1)", "CREATE VIEW w AS SELECT * FROM t",
		"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'INSERT INTO public.t (v) VALUES (2) RETURNING id'", "CREATE MATERIALIZED VIEW m AS SELECT 1 AS x")
	s := mustOpen(t, u)
	for _, sql := range []string{
		"INSERT INTO public.t (v) VALUES (2)", "UPDATE public.t SET v = 2", "DELETE FROM public.t", "TRUNCATE public.t", "SELECT * FROM public.t FOR UPDATE",
		"SELECT public.f()", "SELECT nextval('public.t_id_seq')", "SELECT setval('public.t_id_seq', 9)", "CREATE TABLE public.x (id int)", "DROP TABLE public.t",
		"ALTER TABLE public.t ADD COLUMN x int", "CREATE INDEX ON public.t (v)", "CREATE SCHEMA x", "CREATE ROLE nobody_at_all", "GRANT SELECT ON public.t TO PUBLIC",
		"COMMENT ON TABLE public.t IS 'x'", "REFRESH MATERIALIZED VIEW public.m", "INSERT INTO public.w (v) VALUES (3)",
		"MERGE INTO public.t USING (SELECT 1 AS a) q ON true WHEN MATCHED THEN DELETE", "DO 'BEGIN DELETE FROM public.t; END'",
	} {
		if err := s.begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		err := s.session.exec(t.Context(), sql)
		if state(err) != "25006" {
			t.Errorf("%s: error %v, want one of a read-only transaction (25006)", sql, err)
		}
		s.session.rollback()
	}
}

// While a large table is read in ranges, somebody's ALTER TABLE waits for one range at
// most, and the rows are those of the snapshot.
func TestCase44_ddlWaitsForOneRange(t *testing.T) {
	u := twoTables(t, 60000, 400)
	want := mustTake(t, u)
	s := mustOpen(t, u)
	s.chunk = 1 << 20
	sch, err := s.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stop, stopped := make(chan struct{}), make(chan time.Duration)
	alter := admin(t, u)
	go func() {
		longest, n := time.Duration(0), 0
		for {
			select {
			case <-stop:
				if n == 0 {
					longest = -1
				}
				stopped <- longest
				return
			default:
			}
			start := time.Now()
			mustExec(t, alter, fmt.Sprintf("ALTER TABLE big ADD COLUMN x%d int", n))
			longest = max(longest, time.Since(start))
			n++
			time.Sleep(20 * time.Millisecond)
		}
	}()
	b := ingest.NewBuilder(sch)
	err = s.Read(t.Context(), sch, b)
	close(stop)
	longest := <-stopped
	if err != nil {
		t.Fatal(err)
	}
	snap, err := b.Finish(sch, 0)
	if err != nil {
		t.Fatal(err)
	}
	if snap.ID != want.ID {
		t.Errorf("snapshot %s, want %s", snap.ID, want.ID)
	}
	if longest < 0 || longest > lockTimeout {
		t.Errorf("an ALTER TABLE waited %v, want at most %v", longest, lockTimeout)
	}
	t.Logf("longest ALTER TABLE: %v", longest)
}
