package postgres

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/pgtest"
)

// refreshed takes a snapshot that begins from an earlier one, in ranges of a few pages, and
// returns it with the mark and the ways.
func refreshed(t testing.TB, url string, old *ingest.Snapshot, mark []byte, schemas ...string) (*ingest.Snapshot, []byte, []ingest.Way) {
	t.Helper()
	s := mustOpen(t, url, schemas...)
	defer s.Close()
	s.chunk = 1 << 16
	snap, err := ingest.Take(t.Context(), s, ingest.TakeOptions{Old: old, OldMark: mark, Taken: 1})
	if err != nil {
		t.Fatal(err)
	}
	return snap, s.Mark(), s.Ways()
}

// sameSnapshot fails unless two snapshots are equal to the bit.
func sameSnapshot(t testing.TB, got, want *ingest.Snapshot) {
	t.Helper()
	var a, b bytes.Buffer
	dump(&a, got)
	dump(&b, want)
	if a.String() != b.String() || got.ID != want.ID {
		x, y := strings.Split(a.String(), "\n"), strings.Split(b.String(), "\n")
		for i := range min(len(x), len(y)) {
			if x[i] != y[i] {
				t.Fatalf("line %d is\n%s\nwant\n%s", i, x[i], y[i])
			}
		}
		t.Fatalf("snapshot %s of %d lines, want %s of %d", got.ID, len(x), want.ID, len(y))
	}
	if fmt.Sprint(got.Findings) != fmt.Sprint(want.Findings) {
		t.Fatalf("findings %v, want %v", got.Findings, want.Findings)
	}
}

// wayOf returns how a table was brought up to date.
func wayOf(t testing.TB, ways []ingest.Way, table string) ingest.Way {
	t.Helper()
	i := slices.IndexFunc(ways, func(w ingest.Way) bool { _, name, _ := strings.Cut(w.Table, "."); return name == table })
	if i < 0 {
		t.Fatalf("no way for table %s in %v", table, ways)
	}
	return ways[i]
}

var refreshTables = []string{
	"CREATE TYPE mood AS ENUM ('good', 'bad')",
	"CREATE TABLE customer (id int PRIMARY KEY, name text, mood mood, score numeric, born date)",
	"CREATE TABLE event (at timestamptz NOT NULL, customer int REFERENCES customer, n bigint, what text)", // no key
	"CREATE TABLE pair (a text, b int, v float8, ok bool, PRIMARY KEY (b, a))",
	"CREATE TABLE part (id bigint, region int, v text, PRIMARY KEY (id, region)) PARTITION BY LIST (region)",
	"CREATE TABLE part1 PARTITION OF part FOR VALUES IN (1)",
	"CREATE TABLE part2 PARTITION OF part FOR VALUES IN (2)",
	"INSERT INTO customer SELECT g, 'name ' || g, CASE WHEN g % 3 = 0 THEN 'bad'::mood END, g / 7.0, date '2000-01-01' + g FROM generate_series(1, 3000) g",
	"INSERT INTO event SELECT timestamptz '2020-01-01' + g * interval '1 minute', 1 + g % 3000, g, repeat('x', g % 50) FROM generate_series(1, 4000) g",
	"INSERT INTO pair SELECT 'k' || g % 7, g, CASE WHEN g % 5 <> 0 THEN sqrt(g) END, g % 2 = 0 FROM generate_series(1, 2000) g",
	"INSERT INTO part SELECT g, 1 + g % 2, 'v' || g FROM generate_series(1, 2000) g",
}

// somehow does something at random to the database.
func somehow(t *testing.T, conn *pgx.Conn, r *rand.Rand, step int) {
	t.Helper()
	id := 1 + r.IntN(3000)
	next := 10000 + step*100
	changes := []string{
		fmt.Sprintf("INSERT INTO customer SELECT g, 'new', NULL, 1.5, NULL FROM generate_series(%d, %d) g", next, next+20),
		fmt.Sprintf("INSERT INTO event SELECT timestamptz '2021-01-01' + g * interval '1 minute', 1, g, NULL FROM generate_series(1, %d) g", 1+r.IntN(50)),
		fmt.Sprintf("INSERT INTO pair VALUES ('a%d', -%d, 'NaN', NULL)", step, step),
		fmt.Sprintf("INSERT INTO part SELECT g, 1 + g %% 2, 'n' FROM generate_series(%d, %d) g", next, next+10),
		fmt.Sprintf("UPDATE customer SET name = 'again', score = -0.0 WHERE id BETWEEN %d AND %d", id, id+30),
		fmt.Sprintf("UPDATE customer SET id = id + 100000 WHERE id = %d", id),
		fmt.Sprintf("UPDATE event SET n = n + 1 WHERE n = %d", id),
		fmt.Sprintf("UPDATE pair SET v = v + 1, ok = NOT ok WHERE b BETWEEN %d AND %d", id, id+5),
		fmt.Sprintf("UPDATE part SET region = 3 - region WHERE id BETWEEN %d AND %d", id, id+3), // moves to the other file
		fmt.Sprintf("DELETE FROM event WHERE n BETWEEN %d AND %d", id, id+3),
		fmt.Sprintf("DELETE FROM pair WHERE b = %d", id),
		fmt.Sprintf("DELETE FROM pair WHERE b = %d; INSERT INTO pair VALUES ('again', %d, 1, true)", id, id),
		"BEGIN; SAVEPOINT s; UPDATE pair SET v = 1 WHERE b < 40; ROLLBACK TO s; INSERT INTO event (at) VALUES (now()); RELEASE s; COMMIT",
		"BEGIN; DELETE FROM customer WHERE id > 20000; DELETE FROM event WHERE customer IS NULL; ROLLBACK",
		"TRUNCATE pair", "VACUUM FULL part1", "VACUUM (FREEZE) event", "CLUSTER customer USING customer_pkey",
		"ALTER TABLE pair DROP COLUMN ok; ALTER TABLE pair ADD COLUMN ok bool DEFAULT true",
		fmt.Sprintf("ALTER TABLE customer ADD COLUMN extra%d int DEFAULT %d", step, step),
		"ALTER TABLE part DETACH PARTITION part2; UPDATE part2 SET v = 'alone' WHERE id < 20; ALTER TABLE part ATTACH PARTITION part2 FOR VALUES IN (2)",
		fmt.Sprintf("ALTER TYPE mood ADD VALUE 'm%d'", step),
		fmt.Sprintf("ALTER TYPE mood RENAME VALUE 'bad' TO 'bad%[1]d'; ALTER TYPE mood RENAME VALUE 'bad%[1]d' TO 'bad'", step),
		"ALTER TABLE event RENAME COLUMN n TO x; ALTER TABLE event RENAME COLUMN what TO n; ALTER TABLE event RENAME COLUMN x TO what;" +
			"ALTER TABLE event RENAME COLUMN n TO x; ALTER TABLE event RENAME COLUMN what TO n; ALTER TABLE event RENAME COLUMN x TO what",
		"SELECT 1",
	}
	for range 1 + r.IntN(3) {
		one := changes[r.IntN(len(changes))]
		for _, sql := range strings.Split(one, ";") {
			if _, err := conn.Exec(t.Context(), sql); err != nil && !strings.Contains(err.Error(), "23505") && !strings.Contains(err.Error(), "already exists") && !strings.Contains(err.Error(), "23503") {
				t.Fatalf("%s: %v", sql, err)
			}
		}
		t.Log(one)
	}
}

// Whatever happens to the tables, a refresh gives what a whole copy gives, from the snapshot
// before as well as from older ones, and with transactions open that end later.
func TestRefresh_random(t *testing.T) {
	seen := map[string]int{}
	seeds := uint64(pgtest.Times(2, 6))
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			u := pgtest.URL(t)
			conn := admin(t, u)
			mustExec(t, conn, refreshTables...)
			r := rand.New(rand.NewPCG(seed, 1))
			type version struct {
				snap *ingest.Snapshot
				mark []byte
			}
			snap, mark, _ := refreshed(t, u, nil, nil)
			history := []version{{snap, mark}}
			var open pgx.Tx
			for step := range pgtest.Times(9, 40) {
				if open == nil && r.IntN(3) == 0 {
					open = mustBegin(t, u)
					mustExecTx(t, open, fmt.Sprintf("INSERT INTO pair VALUES ('open', %d, 1, true)", 50000+step),
						"SAVEPOINT x", fmt.Sprintf("INSERT INTO event (at, n) VALUES (now(), %d)", step), "RELEASE x")
				} else if open != nil && r.IntN(2) == 0 {
					if err := open.Commit(t.Context()); err != nil {
						t.Fatal(err)
					}
					open = nil
				}
				if open == nil { // else DDL would wait for it
					somehow(t, conn, r, step)
				}
				from := history[max(0, len(history)-1-r.IntN(3))]
				got, mark, ways := refreshed(t, u, from.snap, from.mark)
				want, _, _ := refreshed(t, u, nil, nil)
				for _, w := range ways {
					seen[w.Way]++
					t.Log(w)
				}
				sameSnapshot(t, got, want)
				history = append(history, version{got, mark})
			}
			if open != nil {
				open.Rollback(context.WithoutCancel(t.Context()))
			}
		})
	}
	for _, way := range []string{ingest.WayUnchanged, ingest.WayAppended, ingest.WayUpdated, ingest.WayWhole} {
		if seen[way] < 2 {
			t.Errorf("%d tables were %s, want at least 2: %v", seen[way], way, seen)
		}
	}
}

func mustBegin(t *testing.T, url string) pgx.Tx {
	t.Helper()
	tx, err := admin(t, url).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

func mustExecTx(t *testing.T, tx pgx.Tx, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := tx.Exec(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// Each table is brought up to date in the way that fits, and copies no more rows than that.
func TestRefresh_ways(t *testing.T) {
	tests := []struct {
		name, sql, table string
		way              string
		copied           int64
		why              string // part of it
	}{
		{"nothing", "SELECT 1", "event", ingest.WayUnchanged, 0, "all 4000 rows"},
		{"append without key", "INSERT INTO event SELECT now(), 1, 1, 'x' FROM generate_series(1, 7)", "event", ingest.WayAppended, 7, "still stand"},
		{"append with key", "INSERT INTO customer SELECT g FROM generate_series(-9, 0) g", "customer", ingest.WayAppended, 10, "still stand"},
		{"update with key", "UPDATE customer SET name = 'x' WHERE id < 6", "customer", ingest.WayUpdated, 5, "5 were written again"},
		{"update without key", "UPDATE event SET what = 'x' WHERE n < 6", "event", ingest.WayWhole, 4000, "without a primary key"},
		{"delete", "DELETE FROM pair WHERE b = 3", "pair", ingest.WayWhole, 1999, "1 rows were deleted"},
		{"delete and as many inserted", "DELETE FROM pair WHERE b = 3; INSERT INTO pair VALUES ('n', 9999)", "pair", ingest.WayWhole, 2000, "1 rows were deleted"},
		{"key changed", "UPDATE pair SET a = 'z' WHERE b = 9", "pair", ingest.WayWhole, 2000, "or their keys changed"},
		{"truncate", "TRUNCATE pair", "pair", ingest.WayWhole, 0, "truncated or rewritten"},
		{"truncate and the same rows", "CREATE TABLE keep AS SELECT * FROM pair; TRUNCATE pair; INSERT INTO pair SELECT * FROM keep; DROP TABLE keep", "pair", ingest.WayWhole, 2000, "truncated or rewritten"},
		{"made anew", "ALTER TABLE pair RENAME TO was; CREATE TABLE pair (LIKE was INCLUDING ALL); DROP TABLE was", "pair", ingest.WayWhole, 0, "created anew"},
		{"column added", "ALTER TABLE pair ADD COLUMN z int DEFAULT 3", "pair", ingest.WayWhole, 2000, "not those of the earlier"},
		{"column dropped and added", "ALTER TABLE pair DROP COLUMN ok; ALTER TABLE pair ADD COLUMN ok bool", "pair", ingest.WayWhole, 2000, "another one"},
		{"key dropped", "ALTER TABLE pair DROP CONSTRAINT pair_pkey", "pair", ingest.WayWhole, 2000, "another one"},
		{"enum label renamed", "ALTER TYPE mood RENAME VALUE 'bad' TO 'sad'", "customer", ingest.WayWhole, 3000, "type of an enum"},
		{"partition moved", "UPDATE part SET region = 3 - region WHERE id = 4", "part", ingest.WayWhole, 2000, "keys changed"},
		{"partition attached", "CREATE TABLE part3 (LIKE part INCLUDING ALL); INSERT INTO part3 VALUES (1, 3, 'x'); ALTER TABLE part ATTACH PARTITION part3 FOR VALUES IN (3)", "part", ingest.WayWhole, 2001, "other partitions"},
		{"odd value added", "INSERT INTO pair VALUES ('odd', -1, 'NaN')", "pair", ingest.WayAppended, 1, "still stand"},
	}
	own := pgtest.Quiet(t) // which rows count as recent depends on the oldest transaction of the server
	u := own.New(t)
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ways := fmt.Sprintf("ways%d", i) // a schema of its own: cheaper than a database
			conn := admin(t, u)
			mustExec(t, conn, "CREATE SCHEMA "+ways, "SET search_path = "+ways)
			mustExec(t, conn, refreshTables...)
			old, mark, _ := refreshed(t, u, nil, nil, ways)
			mustExec(t, conn, strings.Split(test.sql, ";")...)
			got, _, took := refreshed(t, u, old, mark, ways)
			want, _, _ := refreshed(t, u, nil, nil, ways)
			sameSnapshot(t, got, want)
			w := wayOf(t, took, test.table)
			if w.Way != test.way || w.Copied != test.copied || !strings.Contains(w.Why, test.why) {
				t.Errorf("%+v, want %s, %d rows, because %s", w, test.way, test.copied, test.why)
			}
		})
	}
}

// A mark that is not of the earlier snapshot, or of a server that was restarted, is not used.
func TestRefresh_otherMark(t *testing.T) {
	u := pgtest.URL(t)
	mustExec(t, admin(t, u), refreshTables...)
	old, mark, _ := refreshed(t, u, nil, nil)
	for name, m := range map[string]string{
		"none": "", "garbage": "{", "another version": strings.Replace(string(mark), `"version":2`, `"version":0`, 1),
		"another server": strings.Replace(string(mark), `"server":"`, `"server":"x`, 1),
		"other rows":     strings.ReplaceAll(string(mark), `"rows":`, `"rows":1`),
	} {
		if m == string(mark) {
			t.Fatalf("%s: the mark was not altered", name)
		}
		got, _, ways := refreshed(t, u, old, []byte(m))
		sameSnapshot(t, got, old)
		for _, w := range ways {
			if w.Way != ingest.WayWhole {
				t.Errorf("mark with %s: %+v", name, w)
			}
		}
	}
}
