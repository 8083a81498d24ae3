package tql

import (
	"testing"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/pgtest"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

// typesDDL has a column of every type that is read in a form of its own, in a namespace
// and with names that need quotes.
const typesDDL = `
CREATE SCHEMA "odd ""one""";
SET search_path = "odd ""one""";
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN email AS text;
CREATE TABLE "the Users" (id uuid PRIMARY KEY, code char(4) NOT NULL, born timestamptz NOT NULL);
CREATE TABLE "Events" (id bigint PRIMARY KEY, "who?" uuid REFERENCES "the Users", at timestamp(3) NOT NULL,
  small smallint, num numeric(8,2), f4 real, f8 double precision, cash money, clock time, span interval, day date,
  vc varchar(9), padded char(5), feeling mood, js json, jb jsonb, addr inet, mail email, obj oid, flag boolean, pattern text);
INSERT INTO "the Users" SELECT ('00000000-0000-0000-0000-00000000000' || i)::uuid, 'c' || i, '2020-01-01' FROM generate_series(1, 4) i;
INSERT INTO "Events" SELECT i, ('00000000-0000-0000-0000-00000000000' || 1 + i % 4)::uuid, timestamp '2020-01-01' + i * interval '1 day',
  i % 5, i / 4.0, CASE WHEN i % 7 = 0 THEN 'NaN' ELSE i / 4.0 END, CASE WHEN i % 5 = 0 THEN 'NaN' ELSE i / 8.0 END, i::numeric::money,
  time '10:00' + i * interval '1 minute', i * interval '1 hour', date '2020-01-01' + i, 'v' || i % 3, 'p' || i % 3,
  (ARRAY['sad', 'ok', 'happy'])[1 + i % 3]::mood, '{"a": 1}', '{"b": 2}', '10.0.0.1', 'm' || i % 2, i, i % 2 = 0, CASE i % 3 WHEN 0 THEN 'v%' WHEN 1 THEN 'v\' ELSE 'v1\\' END
  FROM generate_series(1, 100) i;`

// TestSQL_types compares targets over columns of many types with the executor in memory.
func TestSQL_types(t *testing.T) {
	url := pgtest.URL(t)
	conn := connect(t, url)
	if _, err := conn.Exec(t.Context(), typesDDL); err != nil {
		t.Fatal(err)
	}
	src, err := ingest.Open(t.Context(), url, ingest.OpenOptions{Schemas: []string{`odd "one"`}})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	snap, err := ingest.Take(t.Context(), src, ingest.TakeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	sc := snap.Schema.Clone()
	for name, column := range map[string]string{"the Users": "born", "Events": "at"} {
		def := sc.Tables[sc.Table(name)]
		def.Time = &schema.RowTime{Column: def.Column(column), Via: -1, Until: -1}
	}
	if snap, err = snap.Derive(sc); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{
		"SUM(small, 0, 9)", "SUM(num, 0, 9)", "SUM(f4, 0, 9)", "AVG(f8, 0, 9)", "MAX(cash, 0, 9)", "MIN(clock, 0, 9)", "SUM(span, 0, 9)",
		"COUNT(f4, 0, 9)", "COUNT_DISTINCT(f8, 0, 9)", "MAX(day, 0, 9) - MIN(at, 0, 9)", "SUM(obj, 0, 9)",
		"LAST(vc, 0, 9)", "FIRST(padded, 0, 9)", "MAX(feeling, 0, 9)", "LAST(js, 0, 9)", "LAST(jb, 0, 9)", "LAST(addr, 0, 9)", "MIN(mail, 0, 9)",
		"COUNT_DISTINCT(js, 0, 9)", "COUNT(* WHERE padded = 'p1', 0, 9)", "COUNT(* WHERE feeling = 'ok' OR flag = 1, 0, 9)",
		"COUNT(* WHERE vc LIKE pattern, 0, 9)", "COUNT(* WHERE vc > mail AND NOT vc = padded, 0, 9)", "SUM(flag, 0, 9) + SUM(length(padded), 0, 9)",
		"AVG(flag, 0, 9)", "LIST_DISTINCT(feeling, 0, 9) CONTAINS 'ok'", "COUNT(* WHERE `who?`->code = 'c2', 0, 9)", "LAST(day, 0, 9) > '2020-02-20'",
	} {
		t.Run(target, func(t *testing.T) {
			text := "PREDICT " + withFrom(t, target) + ` FOR EACH "the Users"`
			task := mustBind(t, "CREATE TASK t AS "+text+" WITH (val_anchor = '2020-03-01', test_anchor = '2020-03-15')", sc)
			labels, err := tasks.Label(t.Context(), snap, task, 1)
			if err != nil {
				t.Fatal(err)
			}
			grid, err := task.Grid()
			if err != nil {
				t.Fatal(err)
			}
			sql, err := SQL(task, sc, grid)
			if err != nil {
				t.Fatal(err)
			}
			want := labelRows(labels, snap.Tables[task.Entity])
			if msg := sameRows(query(t, conn, sql), want); msg != "" || len(want) == 0 {
				t.Errorf("%s\n%s", msg, sql)
			}
		})
	}
}

// withFrom adds the aggregated table to each aggregate of a target.
func withFrom(t *testing.T, target string) string {
	t.Helper()
	out := ""
	depth := 0
	for i, r := range target {
		out += string(r)
		switch r {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 && i > 0 {
				out += ` FROM "Events"`
			}
		}
	}
	return out
}
