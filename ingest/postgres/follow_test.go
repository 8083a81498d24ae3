package postgres

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/pgtest"
)

// followedBase is a follower with the snapshot that it stands at.
type followedBase struct {
	f    *Follower
	snap *ingest.Snapshot
	mark []byte
}

func mustFollow(t testing.TB, url string) *followedBase {
	t.Helper()
	s := mustOpen(t, url)
	f, err := s.Follow(t.Context(), "rowlink")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	b := &followedBase{f: f.(*Follower)}
	b.f.every = 20 * time.Millisecond // caughtUp waits for what the server is told
	b.version(t)
	return b
}

// version takes the next version.
func (b *followedBase) version(t testing.TB) {
	t.Helper()
	snap, err := ingest.Take(t.Context(), b.f, ingest.TakeOptions{Old: b.snap, OldMark: b.mark, Taken: 1})
	if err != nil {
		t.Fatal(err)
	}
	b.snap, b.mark = snap, b.f.Mark()
	b.f.Stored(snap.ID)
}

// caughtUp waits until everything that was committed has come.
func (b *followedBase) caughtUp(t testing.TB, conn *pgx.Conn) {
	t.Helper()
	var text string
	// A message of its own, so that the stream passes the position.
	if err := conn.QueryRow(t.Context(), "SELECT pg_logical_emit_message(true, 'rowlink', 'x')::text").Scan(&text); err != nil {
		t.Fatal(err)
	}
	mustExec(t, conn, "CREATE TABLE IF NOT EXISTS unread.beat (n int)", "INSERT INTO unread.beat VALUES (1)")
	if err := conn.QueryRow(t.Context(), "SELECT pg_current_wal_insert_lsn()::text").Scan(&text); err != nil {
		t.Fatal(err)
	}
	want, err := parseLSN(text)
	if err != nil {
		t.Fatal(err)
	}
	for range 600 {
		var done bool
		b.f.mu.Lock()
		stale := b.f.stale != ""
		b.f.mu.Unlock()
		err := conn.QueryRow(t.Context(), "SELECT COALESCE(bool_or(confirmed_flush_lsn >= $1::pg_lsn), false) FROM pg_replication_slots WHERE database = current_database() AND temporary", textLSN(want)).Scan(&done)
		if err != nil {
			t.Fatal(err)
		}
		if done || stale {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("the stream did not catch up")
}

// toFollow prepares the tables of the refresh tests for being followed.
func toFollow(t testing.TB, conn *pgx.Conn) {
	t.Helper()
	mustExec(t, conn, refreshTables...)
	mustExec(t, conn, "CREATE SCHEMA unread", "ALTER TABLE event REPLICA IDENTITY FULL", "CREATE PUBLICATION rowlink FOR ALL TABLES")
}

// Whatever happens to the tables, what is followed is what a whole copy gives.
func TestFollow_random(t *testing.T) {
	u := pgtest.URL(t)
	conn := admin(t, u)
	toFollow(t, conn)
	b := mustFollow(t, u)
	r := rand.New(rand.NewPCG(7, 1))
	streamed := 0
	steps := pgtest.Times(16, 60)
	for step := range steps {
		somehow(t, conn, r, step)
		b.caughtUp(t, conn)
		b.version(t)
		want, _, _ := refreshed(t, u, nil, nil)
		sameSnapshot(t, b.snap, want)
		for _, w := range b.f.Ways() {
			t.Log(w)
			if strings.HasPrefix(w.Why, "the stream brought") {
				streamed++
			}
		}
	}
	if streamed < steps/4 {
		t.Errorf("%d tables were changed by the stream alone in %d steps, want at least %d", streamed, steps, steps/4)
	}
}

const followValues = `CREATE TABLE v (id int PRIMARY KEY, b bool, i2 int2, i8 int8, o oid, f4 float4, f8 float8, n numeric, m money,
 t text, c char(5), nm name, u uuid, d date, ts timestamp, tz timestamptz, ti time, tt timetz, iv interval, j jsonb, x inet, ci cidr, bi bit(3), a int[], r int4range, big text)`

// Values of the stream become what a COPY gives; placeholders of long values that an update
// left alone become those values (cases 56, 57 and more).
func TestCase56_values(t *testing.T) {
	u := pgtest.URL(t)
	conn := admin(t, u)
	mustExec(t, conn, "CREATE SCHEMA unread", strings.Replace(strings.Replace(followValues, " m money,", "", 1), " iv interval,", "", 1),
		"ALTER TABLE v ALTER COLUMN big SET STORAGE EXTERNAL", "CREATE PUBLICATION rowlink FOR ALL TABLES")
	rows := []string{
		`true, -1, 9223372036854775807, 4294967295, 1.1, 0.1, 1234567890.0123456789012345, 'a', 'ab', 'n', '00000000-0000-0000-0000-00000000000a', '2020-02-29', '1999-12-31 23:59:59.999999', '2020-01-01 12:00+05', '24:00', '12:30:15.5+02', '{"b":1,"a":[1.50]}', '10.0.0.1', '10.0.0.0/8', '101', '{1,NULL}', '[1,5)'`,
		`false, 0, 0, 0, 'NaN', '-Infinity', 'NaN', '', '', '', '00000000-0000-0000-0000-00000000000b', 'infinity', '-infinity', 'infinity', '00:00', '00:00-11:30', 'null', '::1', '::/0', '000', '{}', 'empty'`,
		`NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL`,
		`true, 1, 1, 1, 3.4e38, 5e-324, 1e-300, E'x\ty', 'abcde', 'q', '00000000-0000-0000-0000-00000000000c', '4713-01-01 BC', '0044-03-15 01:02:03 BC', '0001-01-01 00:00:00 BC', '12:00:00.000001', '01:00+00', '"x"', '10.1.2.3/24', '1.2.3.4', '111', '[0:1]={1,2}', '(,)'`,
		`true, 1, 1, 1, 1e-40, 1e308, -1e400, 'z', 'z', 'z', NULL, '294276-12-31', '294276-12-31 23:59:59', '15000-01-01', '1:1:1', '1:1:1+1', '1', '1.1.1.1', '1.0.0.0/8', '100', '{{1},{2}}', '[2,3]'`,
	}
	b := mustFollow(t, u)
	for i, r := range rows {
		mustExec(t, conn, fmt.Sprintf("INSERT INTO v VALUES (%d, %s, repeat('long%d', 3000))", i, r, i))
	}
	check := func() {
		t.Helper()
		b.caughtUp(t, conn)
		b.version(t)
		want, _, _ := refreshed(t, u, nil, nil)
		sameSnapshot(t, b.snap, want)
		if w := wayOf(t, b.f.Ways(), "v"); !strings.HasPrefix(w.Why, "the stream brought") {
			t.Errorf("not by the stream: %+v", w)
		}
	}
	check()
	mustExec(t, conn, "DELETE FROM v WHERE NOT b OR i8 > 1 OR n < 0 OR b IS NULL")
	b.caughtUp(t, conn)
	b.version(t) // values that are counted went: read again
	want, _, _ := refreshed(t, u, nil, nil)
	sameSnapshot(t, b.snap, want)
	mustExec(t, conn, "UPDATE v SET i2 = i2 + 1") // of an earlier row
	check()
	mustExec(t, conn, "UPDATE v SET id = id + 100", "UPDATE v SET t = 'again'", "UPDATE v SET id = id + 100")
	check()
	mustExec(t, conn, "INSERT INTO v (id, big) VALUES (1, repeat('new', 5000))", "UPDATE v SET i2 = 5 WHERE id = 1", "UPDATE v SET id = 2 WHERE id = 1")
	check()
	mustExec(t, conn, "BEGIN", "DELETE FROM v WHERE id = 2", "INSERT INTO v (id) VALUES (2)", "DELETE FROM v WHERE id = 2", "COMMIT")
	check()
	mustExec(t, conn, "ALTER TABLE v REPLICA IDENTITY FULL", "UPDATE v SET i2 = 9", "UPDATE v SET id = 7 WHERE id > 200")
	check()
}

// What each replica identity and message leads to (cases 57, 58, 59, 63).
func TestCase57_identities(t *testing.T) {
	tests := []struct {
		name, make, sql, why string // why: beginning of the reason, or part of it
	}{
		{"default", "CREATE TABLE t (id int PRIMARY KEY, v text)", "UPDATE t SET id = 9 WHERE id = 1; DELETE FROM t WHERE id = 2", "the stream brought 1 rows, and took 2 away"},
		{"full with key", "CREATE TABLE t (id int PRIMARY KEY, v text); ALTER TABLE t REPLICA IDENTITY FULL", "UPDATE t SET id = 9 WHERE id = 1; DELETE FROM t WHERE id = 2", "the stream brought 1 rows, and took 2 away"},
		{"full without key", "CREATE TABLE t (id int, v text); ALTER TABLE t REPLICA IDENTITY FULL", "UPDATE t SET id = 9 WHERE id = 1; DELETE FROM t WHERE id = 2; INSERT INTO t VALUES (3, 'x'), (3, 'x')", "the stream brought 3 rows, and took 2 away"},
		{"full without key, equal rows", "CREATE TABLE t (id int, v text); ALTER TABLE t REPLICA IDENTITY FULL; INSERT INTO t VALUES (3, 'x'), (3, 'x'), (3, 'x')",
			"DELETE FROM t WHERE ctid IN (SELECT ctid FROM t WHERE id = 3 LIMIT 2); INSERT INTO t VALUES (3, 'x')", "the stream brought 0 rows, and took 1 away"},
		{"index", "CREATE TABLE t (id int PRIMARY KEY, v text NOT NULL UNIQUE); ALTER TABLE t REPLICA IDENTITY USING INDEX t_v_key", "INSERT INTO t VALUES (3, 'c')", "the stream brought 1 rows, and took none"},
		{"index, changed", "CREATE TABLE t (id int PRIMARY KEY, v text NOT NULL UNIQUE); ALTER TABLE t REPLICA IDENTITY USING INDEX t_v_key", "UPDATE t SET id = 9 WHERE id = 1", "does not tell the primary key"},
		{"nothing", "CREATE TABLE t (id int PRIMARY KEY, v text); ALTER TABLE t REPLICA IDENTITY NOTHING", "INSERT INTO t VALUES (3, 'c')", "the stream brought 1 rows, and took none"},
		{"truncate", "CREATE TABLE t (id int PRIMARY KEY, v text)", "TRUNCATE t; INSERT INTO t VALUES (5, 'x')", "truncated"},
		{"generated column", "CREATE TABLE t (id int PRIMARY KEY, v text, g int GENERATED ALWAYS AS (id * 2) STORED)", "UPDATE t SET v = 'x' WHERE id = 1", `column "g" is not sent`},
		{"column added", "CREATE TABLE t (id int PRIMARY KEY, v text)", "ALTER TABLE t ADD COLUMN w int DEFAULT 4; INSERT INTO t VALUES (8, 'x', 1)", "not those of the earlier snapshot"},
		{"column added, no change", "CREATE TABLE t (id int PRIMARY KEY, v text)", "ALTER TABLE t ADD COLUMN w int DEFAULT 4", "not those of the earlier snapshot"},
		{"column retyped in place", "CREATE TABLE t (id int PRIMARY KEY, v varchar(10))", "ALTER TABLE t ALTER COLUMN v TYPE text; INSERT INTO t VALUES (8, 'x')", "another type"},
		{"rewritten", "CREATE TABLE t (id int PRIMARY KEY, v text)", "ALTER TABLE t ALTER COLUMN v TYPE text USING upper(v)", "truncated or rewritten"},
		{"interval", "CREATE TABLE t (id int PRIMARY KEY, v text, i interval)", "INSERT INTO t VALUES (8, 'x', '1 month 2 days')", "prints otherwise"},
		{"partitions", "CREATE TABLE t (id int PRIMARY KEY, v text) PARTITION BY RANGE (id); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (5); CREATE TABLE t2 (v text, id int NOT NULL); ALTER TABLE t ATTACH PARTITION t2 FOR VALUES FROM (5) TO (99)",
			"UPDATE t SET id = 9 WHERE id = 1; DELETE FROM t WHERE id = 2", "the stream brought 1 rows, and took 2 away"},
		{"partitions by root", "CREATE TABLE t (id int PRIMARY KEY, v text) PARTITION BY RANGE (id); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (5); CREATE TABLE t2 (v text, id int NOT NULL); ALTER TABLE t ATTACH PARTITION t2 FOR VALUES FROM (5) TO (99); ALTER PUBLICATION rowlink SET (publish_via_partition_root = true)",
			"UPDATE t SET id = 9 WHERE id = 1; DELETE FROM t WHERE id = 2", "the stream brought 1 rows, and took 2 away"},
		{"rolled back", "CREATE TABLE t (id int PRIMARY KEY, v text)", "BEGIN; DELETE FROM t; ROLLBACK", "no change came"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			u := pgtest.URL(t)
			conn := admin(t, u)
			mustExec(t, conn, "CREATE SCHEMA unread", "CREATE PUBLICATION rowlink FOR ALL TABLES")
			mustExec(t, conn, strings.Split(test.make, ";")...)
			mustExec(t, conn, "INSERT INTO t (id, v) VALUES (1, 'a'), (2, 'b')")
			b := mustFollow(t, u)
			mustExec(t, conn, strings.Split(test.sql, ";")...)
			b.caughtUp(t, conn)
			b.version(t)
			want, _, _ := refreshed(t, u, nil, nil)
			sameSnapshot(t, b.snap, want)
			if w := wayOf(t, b.f.Ways(), "t"); !strings.Contains(w.Why, test.why) {
				t.Errorf("%+v, want it to say %q", w, test.why)
			}
			mustExec(t, conn, "INSERT INTO t (id, v) VALUES (77, 'later')") // and it goes on
			b.caughtUp(t, conn)
			b.version(t)
			want, _, _ = refreshed(t, u, nil, nil)
			sameSnapshot(t, b.snap, want)
		})
	}
}

// A transaction that is too large for memory, and a stream that is cut, lead to a refresh.
func TestFollow_cutAndLarge(t *testing.T) {
	u := pgtest.URL(t)
	conn := admin(t, u)
	toFollow(t, conn)
	b := mustFollow(t, u)
	b.f.limit = 20 << 10
	mustExec(t, conn, "UPDATE pair SET v = v + 1")
	b.caughtUp(t, conn)
	b.version(t)
	want, _, _ := refreshed(t, u, nil, nil)
	sameSnapshot(t, b.snap, want)
	if w := wayOf(t, b.f.Ways(), "pair"); !strings.Contains(w.Why, "larger than") {
		t.Errorf("%+v", w)
	}
	mustExec(t, conn, "INSERT INTO pair VALUES ('x', -1, 1, true)",
		"SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = current_database()", "INSERT INTO pair VALUES ('x', -2, 1, true)")
	b.caughtUp(t, conn)
	b.version(t)
	want, _, _ = refreshed(t, u, nil, nil)
	sameSnapshot(t, b.snap, want)
	if w := wayOf(t, b.f.Ways(), "pair"); !strings.Contains(w.Why, "the stream ended") || w.Copied > 2000 {
		t.Errorf("%+v", w)
	}
	if err := b.f.Close(); err != nil {
		t.Fatal(err)
	}
	var slots int
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()").Scan(&slots); err != nil || slots != 0 {
		t.Errorf("%d slots are left (case 60), %v", slots, err)
	}
}

// What is missing is told with the SQL for the owner, which works; a role with the right to
// replicate and to read is enough.
func TestFollow_asksTheOwner(t *testing.T) {
	u := pgtest.URL(t)
	conn := admin(t, u)
	mustExec(t, conn, "CREATE TABLE a (id int PRIMARY KEY)", "CREATE TABLE b (id int)")
	name, ru := role(t, conn, u)
	mustExec(t, conn, "GRANT SELECT ON a, b TO "+name)
	s := mustOpen(t, ru)
	for i, want := range []string{"REPLICATION", "CREATE PUBLICATION", "ALTER PUBLICATION", ""} {
		f, err := s.Follow(t.Context(), "rowlink")
		if want == "" {
			if err != nil {
				t.Fatal(err)
			}
			if _, err := ingest.Take(t.Context(), f, ingest.TakeOptions{}); err != nil {
				t.Fatal(err)
			}
			f.Close()
			break
		}
		var user *ingest.UserError
		if !errors.As(err, &user) || !strings.Contains(user.Hint, want) {
			t.Fatalf("step %d: %v, want a hint with %s", i, err, want)
		}
		_, sql, _ := strings.Cut(user.Hint, "may run: ")
		if want == "CREATE PUBLICATION" {
			if !strings.Contains(sql, `ALTER TABLE "public"."b" REPLICA IDENTITY FULL`) {
				t.Errorf("hint %q leaves b, whose updates would fail once published, as it is", sql)
			}
			sql = strings.Replace(sql, `"public"."a", `, "", 1) // so that one is left out
		}
		mustExec(t, conn, strings.Split(sql, ";")...)
	}
}
