package rawsql_test

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/ingest/postgres"
	"github.com/rowlink/rowlink/internal/pgtest"
	"github.com/rowlink/rowlink/internal/testdata"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/rawsql"
	"github.com/rowlink/rowlink/tasks/tql"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// database is a snapshot and the database that it was taken of.
type database struct {
	*ingest.Snapshot
	src *postgres.Source
	url string
}

func take(t *testing.T, url string, namespaces ...string) *database {
	t.Helper()
	src, err := postgres.Open(t.Context(), url, ingest.OpenOptions{Schemas: namespaces})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	snap, err := ingest.Take(t.Context(), src, ingest.TakeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	sc := snap.Schema.Clone()
	schema.Infer(sc, snap.Stats())
	if snap, err = snap.Derive(sc); err != nil {
		t.Fatal(err)
	}
	return &database{snap, src, url}
}

// source answers a task's questions for labels.
type source struct{ d *database }

func (s source) Entities(ctx context.Context, task *tasks.Task, anchor int64) ([]int32, error) {
	db, err := s.d.src.OpenSQL(ctx, task.Options.Zone)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if err := rawsql.Check(ctx, db, task, s.d.Schema); err != nil {
		return nil, err
	}
	return rawsql.Entities(ctx, db, task, s.d.Snapshot, anchor)
}

func (s source) Labels(ctx context.Context, task *tasks.Task, anchors []int64, apart bool) (*tasks.Given, error) {
	db, err := s.d.src.OpenSQL(ctx, task.Options.Zone)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if err := rawsql.Check(ctx, db, task, s.d.Schema); err != nil {
		return nil, err
	}
	return rawsql.Labels(ctx, db, task, s.d.Snapshot, anchors, apart)
}

func (d *database) bind(t *testing.T, text string) (*tasks.Task, error) {
	t.Helper()
	task, err := tql.Bind(text, d.Schema)
	if err != nil {
		return nil, err
	}
	task.Raw.Source = source{d}
	return task, tasks.Resolve(task, d.Snapshot)
}

// goldenTasks reads sql_labels.txt: the text of each task and form.
func goldenTasks(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile(testdata.Path(t, "golden", "queries", "sql_labels.txt"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, part := range strings.Split(string(data), "\ntask: ")[1:] {
		name, rest, _ := strings.Cut(part, "\n")
		_, form, _ := strings.Cut(rest, "form: ")
		_, text, _ := strings.Cut(rest, "query: ")
		out[name+" "+form[:1]] = strings.TrimSpace(text)
	}
	return out
}

// TestLabels_relf1 runs the raw texts of the reference by both forms and compares every
// example with the reference label tables.
func TestLabels_relf1(t *testing.T) {
	d := take(t, pgtest.LoadF1(t), "relf1")
	texts := goldenTasks(t)
	for _, name := range []string{"driver-position", "driver-dnf", "driver-top3"} {
		for _, form := range []string{"1", "2"} {
			t.Run(name+" "+form, func(t *testing.T) {
				if testing.Short() && name == "driver-position" {
					t.Skip("short")
				}
				task, err := d.bind(t, texts[name+" "+form])
				if err != nil {
					t.Fatal(err)
				}
				l, err := tasks.Label(t.Context(), d.Snapshot, task, 0)
				if err != nil {
					t.Fatal(err)
				}
				same(t, l, d, golden(t, name))
				if name == "driver-dnf" {
					shares(t, l)
				}
			})
		}
	}
}

// TestLabels_ranking runs the raw texts of the ranking task, with the table that is ranked
// named, and compares the sets with the reference.
func TestLabels_ranking(t *testing.T) {
	d := take(t, pgtest.LoadF1(t), "relf1")
	texts := goldenTasks(t)
	for _, form := range []string{"1", "2"} {
		task, err := d.bind(t, strings.Replace(texts["driver-circuit-compete "+form], "FOR EACH drivers", "FOR EACH drivers TO circuits RANK TOP 10", 1))
		if err != nil {
			t.Fatal(err)
		}
		l, err := tasks.Label(t.Context(), d.Snapshot, task, 0)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{}
		for _, split := range []string{"train", "val", "test"} {
			f, err := os.Open(testdata.Path(t, "golden", "labels", "rel-f1", "driver-circuit-compete."+split+".csv"))
			if err != nil {
				t.Fatal(err)
			}
			records, err := csv.NewReader(f).ReadAll()
			f.Close()
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range records[1:] {
				want[split+" "+r[1]+" "+r[0]] = strings.Join(strings.FieldsFunc(r[2], func(c rune) bool { return c < '0' || c > '9' }), "|")
			}
		}
		if len(l.Label) != len(want) {
			t.Errorf("form %s: %d examples, want %d", form, len(l.Label), len(want))
		}
		for i := range l.Label {
			key := fmt.Sprintf("%s %s %s", l.Split[i], d.Tables[task.Entity].KeyText(l.Entity[i]), time.UnixMicro(l.Anchor[i]).UTC().Format(time.DateTime))
			if l.Text(i) != want[key] {
				t.Fatalf("form %s: %s is %s, want %s", form, key, l.Text(i), want[key])
			}
		}
	}
}

// shares holds TK210 to the shares of the reference.
func shares(t *testing.T, l *tasks.LabelTable) {
	t.Helper()
	all := strings.Join(l.Report.Warnings, "\n")
	if !strings.Contains(all, "TK210") || !strings.Contains(all, "6.7 % of train, 3.5 % of val, 2.4 % of test") {
		t.Errorf("warnings are\n%s\nwant TK210 with 6.7 %%, 3.5 %%, 2.4 %%", all)
	}
}

// golden reads a reference label table: "split key anchor" -> label.
func golden(t *testing.T, name string) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	for _, split := range []string{"train", "val", "test"} {
		f, err := os.Open(testdata.Path(t, "golden", "labels", "rel-f1", name+"."+split+".csv"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		records, err := csv.NewReader(f).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records[1:] {
			v, err := strconv.ParseFloat(r[2], 64)
			if err != nil {
				t.Fatal(err)
			}
			out[split+" "+r[1]+" "+r[0]] = v
		}
	}
	return out
}

func same(t *testing.T, l *tasks.LabelTable, d *database, want map[string]float64) {
	t.Helper()
	if len(l.Label) != len(want) {
		t.Errorf("%d examples, want %d", len(l.Label), len(want))
	}
	for i, v := range l.Label {
		key := fmt.Sprintf("%s %s %s", l.Split[i], d.Tables[l.Task.Entity].KeyText(l.Entity[i]), time.UnixMicro(l.Anchor[i]).UTC().Format(time.DateTime))
		if w, ok := want[key]; !ok || math.Abs(v-w) > 1e-9*math.Abs(w) {
			t.Fatalf("%s is %v, want %v (there: %t)", key, v, w, ok)
		}
	}
}

// f1Body wraps the bodies of a task over rel-f1.
func f1Body(entities, label string) string {
	text := "CREATE TASK x TYPE regression FOR EACH drivers HORIZON '30 days' "
	if entities != "" {
		text += "ENTITIES AS $$ " + entities + " $$ "
	}
	return text + "LABEL AS $$ " + label + " $$ WITH (val_anchor = '2005-01-01', test_anchor = '2010-01-01')"
}

const plainLabel = "SELECT e.entity, 1 AS label FROM entities e"

// refused are bodies that try to read past the censoring, or that are faulty, with the
// code of the answer and the text that it points at.
var refused = []struct{ name, entities, label, code, at string }{
	{"schema-qualified", "", "SELECT driverid AS entity, max(points) AS label FROM relf1.results GROUP BY 1", "TK181", "relf1"},
	{"quoted schema", "", `SELECT driverid AS entity, max(points) AS label FROM "relf1"."results" GROUP BY 1`, "TK181", `"relf1"`},
	{"schema in entities", "SELECT driverid AS entity FROM relf1.results", plainLabel, "TK181", "relf1"},
	{"unmapped table", "", "SELECT 1 AS entity, count(*) AS label FROM secrets", "TK181", "secrets"},
	{"view over results", "", "SELECT driverid AS entity, 1 AS label FROM allresults", "TK181", "allresults"},
	{"view with schema", "", "SELECT driverid AS entity, 1 AS label FROM other.allresults", "TK181", "other"},
	{"system catalog", "", "SELECT 1 AS entity, count(*) AS label FROM pg_class", "TK181", "pg_class"},
	{"system catalog with schema", "", "SELECT 1 AS entity, count(*) AS label FROM pg_catalog.pg_class", "TK181", "pg_catalog"},
	{"statistics view", "", "SELECT 1 AS entity, 1 AS label FROM pg_stats", "TK181", "pg_stats"},
	{"information schema", "", "SELECT 1 AS entity, 1 AS label FROM information_schema.tables", "TK181", "information_schema"},
	{"query_to_xml", "", "SELECT 1 AS entity, length(query_to_xml('select * from relf1.results', true, true, '')::text) AS label", "TK183", "query_to_xml"},
	{"table_to_xml", "", "SELECT 1 AS entity, length(table_to_xml('relf1.results', true, true, '')::text) AS label", "TK183", "table_to_xml"},
	{"ts_stat", "", "SELECT 1 AS entity, count(*) AS label FROM ts_stat('select to_tsvector(surname) from relf1.drivers')", "TK183", "ts_stat"},
	{"quoted function", "", `SELECT 1 AS entity, length("query_to_xml"('select 1', true, true, '')::text) AS label`, "TK183", `"query_to_xml"`},
	{"unicode name", "", `SELECT 1 AS entity, 1 AS label FROM U&"relf1".results`, "TK180", `U`},
	{"user function", "", "SELECT 1 AS entity, other.peek() AS label", "TK181", "other"},
	{"user function by bare name", "", "SELECT 1 AS entity, peek() AS label", "TK180", "peek"},
	{"function of a schema named like a table", "", "SELECT driverid AS entity, results.peek() AS label FROM results", "TK181", "results"},
	{"type of a schema named like a table", "", "SELECT driverid AS entity, '1'::results.peeked AS label FROM results", "TK181", "results"},
	{"call through an alias", "", "SELECT driverid AS entity, r.peek(1) AS label FROM results r", "TK183", "peek"},
	{"operator of a schema", "", "SELECT 1 AS entity, 1 OPERATOR(other.@#@) 2 AS label", "TK183", "OPERATOR"},
	{"type of a schema", "", "SELECT 1 AS entity, '1'::other.peeked AS label", "TK181", "other"},
	{"recursive", "", "WITH RECURSIVE w AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM w, relf1.results WHERE n < 3) SELECT 1 AS entity, max(n) AS label FROM w", "TK181", "relf1"},
	{"nested with", "", "WITH a AS (WITH b AS (TABLE relf1.results) SELECT * FROM b) SELECT driverid AS entity, 1 AS label FROM a", "TK181", "relf1"},
	{"break out of the parenthesis", "SELECT driverid AS entity FROM drivers) q UNION ALL SELECT * FROM (SELECT driverid FROM results", plainLabel, "TK180", ")"},
	{"second statement", "", plainLabel + "; SELECT 1", "TK180", ";"},
	{"now", "", "SELECT e.entity, extract(epoch FROM now()) AS label FROM entities e", "TK183", "now"},
	{"current_date", "", "SELECT e.entity, extract(epoch FROM CURRENT_DATE) AS label FROM entities e", "TK183", "CURRENT_DATE"},
	{"now as text", "", "SELECT e.entity, extract(epoch FROM 'now'::timestamptz) AS label FROM entities e", "TK183", "'now'"},
	{"random", "", "SELECT e.entity, random() AS label FROM entities e", "TK183", "random"},
	{"nextval", "", "SELECT e.entity, nextval('relf1.s') AS label FROM entities e", "TK183", "nextval"},
	{"insert", "", "WITH w AS (INSERT INTO results VALUES (1) RETURNING 1) SELECT 1 AS entity, 1 AS label", "TK183", "INSERT"},
	{"set_config", "", "SELECT 1 AS entity, set_config('search_path', 'relf1', true)::float8 AS label", "TK183", "set_config"},
	{"fault of the database", "", "SELECT e.entity, avg(r.pionts) AS label FROM entities e JOIN results r ON r.driverid = e.entity AND r.date > :anchor AND r.date <= :anchor + :horizon GROUP BY 1", "TK180", "r"},
	{"fault in entities", "SELECT driverid AS entity FROM drivers WHERE nomen = 'x'", plainLabel, "TK180", "nomen"},
	{"column missing", "", "SELECT driverid AS who, 1 AS label FROM drivers", "TK182", ""},
	{"label missing", "", "SELECT driverid AS entity, 1 AS y FROM drivers", "TK182", ""},
	{"text as label", "", "SELECT driverid AS entity, surname AS label FROM drivers", "TK182", ""},
	{"twice", "", "SELECT driverid AS entity, 1 AS label FROM drivers UNION ALL SELECT driverid, 1 FROM drivers", "TK184", ""},
	{"null entity", "", "SELECT NULL::int AS entity, 1 AS label", "TK184", ""},
	{"outside entities", "SELECT driverid AS entity FROM drivers WHERE driverid = 1", "SELECT driverid AS entity, 1 AS label FROM drivers WHERE driverid = 2", "TK184", ""},
	{"unknown parameter", "", "SELECT e.entity, 1 AS label FROM entities e WHERE :ancor IS NOT NULL", "TK185", ":ancor"},
	{"numbered parameter", "", "SELECT e.entity, 1 AS label FROM entities e WHERE $1 IS NOT NULL", "TK180", "$"},
}

// TestCheck refuses every text that could read rows later than its cut.
func TestCheck(t *testing.T) {
	url := pgtest.LoadF1(t)
	prepare(t, url)
	d := take(t, url, "relf1")
	for _, c := range refused {
		t.Run(c.name, func(t *testing.T) {
			task, err := d.bind(t, f1Body(c.entities, c.label))
			if err == nil {
				_, err = tasks.Label(t.Context(), d.Snapshot, task, 0)
			}
			var list tql.Errors
			if !errors.As(err, &list) {
				t.Fatalf("got %v, want %s", err, c.code)
			}
			e := list[0]
			if e.Code != c.code || c.at != "" && e.Text[e.Pos:e.End] != c.at {
				t.Errorf("got %s at %q, want %s at %q\n%s", e.Code, e.Text[e.Pos:e.End], c.code, c.at, e.Pretty())
			}
		})
	}
}

// prepare adds what bodies might try to read: a table that is not mapped, a view, a
// function, an operator and a type of another schema.
func prepare(t *testing.T, url string) {
	t.Helper()
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, `CREATE SCHEMA other;
CREATE TABLE other.secrets AS SELECT 1 AS x;
CREATE VIEW other.allresults AS SELECT * FROM relf1.results;
CREATE FUNCTION other.peek() RETURNS float8 IMMUTABLE LANGUAGE sql AS 'SELECT max(points)::float8 FROM relf1.results';
CREATE FUNCTION other.add(int, int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT max(points)::int FROM relf1.results';
CREATE OPERATOR other.@#@ (LEFTARG = int, RIGHTARG = int, FUNCTION = other.add);
CREATE DOMAIN other.peeked AS float8 CHECK (other.peek() > 0);
CREATE SCHEMA results;
CREATE FUNCTION results.peek() RETURNS float8 IMMUTABLE LANGUAGE sql AS 'SELECT max(points)::float8 FROM relf1.results';
CREATE DOMAIN results.peeked AS float8 CHECK (results.peek() > 0);
CREATE SEQUENCE relf1.s`); err != nil {
		t.Fatal(err)
	}
}

// legal are bodies that read tables in odd but harmless ways: what they see is censored.
var legal = []string{
	"SELECT e.entity, (SELECT count(*) FROM results) AS label FROM entities e",
	"SELECT e.entity, (SELECT count(*) FROM ONLY results) AS label FROM entities e",
	"WITH r AS (TABLE results) SELECT e.entity, (SELECT count(*) FROM r) AS label FROM entities e",
	"WITH RECURSIVE w AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM w WHERE n < 3) SELECT e.entity, (SELECT count(*) FROM results) + (SELECT max(n) FROM w) - 3 AS label FROM entities e",
	"WITH results AS (SELECT * FROM results) SELECT e.entity, (SELECT count(*) FROM results) AS label FROM entities e",
	"SELECT e.entity, (SELECT count(*) FROM (WITH a AS (SELECT * FROM results) SELECT * FROM a) q) AS label FROM entities e -- 'a comment' (",
	"SELECT e.entity, (SELECT count(results.date) FROM results) AS label FROM entities e",
	"SELECT e.entity, (SELECT count(*) FROM results relf1 WHERE 'relf1.results' <> '') AS label FROM entities e",
}

// TestLabels_censored changes, adds and deletes rows after a window and demands the same
// labels of every legal body; the counts are those of the rows up to the window's end.
func TestLabels_censored(t *testing.T) {
	url := pgtest.LoadF1(t)
	prepare(t, url)
	d := take(t, url, "relf1")
	anchor, err := time.Parse(time.DateOnly, "2005-01-01")
	if err != nil {
		t.Fatal(err)
	}
	end := anchor.AddDate(0, 0, 30)
	count := 0
	for r, at := range d.Tables[d.Schema.Table("results")].Times {
		if at <= end.UnixMicro() && r >= 0 {
			count++
		}
	}
	run := func(text string) *tasks.Given {
		task, err := d.bind(t, text)
		if err != nil {
			t.Fatal(err)
		}
		g, err := task.Raw.Source.Labels(t.Context(), task, []int64{anchor.UnixMicro()}, true)
		if err != nil {
			t.Fatalf("%s\n%v", text, err)
		}
		return g
	}
	var texts []string
	for _, body := range legal {
		texts = append(texts, f1Body("", body))
	}
	// whom ENTITIES names when the task is asked: counted by the rows up to the anchor
	past := 0
	for _, at := range d.Tables[d.Schema.Table("results")].Times {
		if at <= anchor.UnixMicro() {
			past++
		}
	}
	entities, err := d.bind(t, f1Body(fmt.Sprintf("SELECT DISTINCT driverid AS entity FROM results WHERE (SELECT count(*) FROM results) = %d AND points < 99", past), "SELECT e.entity, 1 AS label FROM entities e"))
	if err != nil {
		t.Fatal(err)
	}
	named := map[string][]int32{}
	for name, s := range map[string]tasks.LabelSource{"postgres": source{d}, "embedded": embedded{d}} {
		if named[name], err = s.Entities(t.Context(), entities, anchor.UnixMicro()); err != nil || len(named[name]) < 100 {
			t.Fatalf("%s: %d entities, %v", name, len(named[name]), err)
		}
		slices.Sort(named[name])
	}
	if !slices.Equal(named["postgres"], named["embedded"]) {
		t.Error("ENTITIES names others on Postgres than over the snapshot")
	}
	texts = append(texts,
		f1Body("SELECT driverid AS entity FROM drivers WHERE (SELECT count(*) FROM results WHERE date > :anchor) = 0", "SELECT e.entity, (SELECT count(*) FROM results) AS label FROM entities e"),
		"CREATE TASK x TYPE regression FOR EACH drivers HORIZON '30 days' AS SQL $$ SELECT d.driverid AS entity, g.anchor, (SELECT count(*) FROM results) AS label FROM grid g CROSS JOIN drivers d $$ WITH (val_anchor = '2005-01-01', test_anchor = '2010-01-01')")
	before := map[string]*tasks.Given{}
	for _, text := range texts {
		g := run(text)
		before[text] = g
		if len(g.Label) == 0 || g.Label[0] != float64(count) {
			t.Errorf("%s\ngave %d labels, the first %v, want %d rows", text, len(g.Label), g.Label, count)
		}
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), `UPDATE relf1.results SET points = 99 WHERE date > '2005-01-31';
DELETE FROM relf1.results WHERE date > '2008-01-01';
INSERT INTO relf1.results (resultid, raceid, driverid, constructorid, statusid, date, position, points) SELECT 900000 + resultid, raceid, driverid, constructorid, statusid, '2007-07-07', 1, 50 FROM relf1.results WHERE date > '2006-01-01'`); err != nil {
		t.Fatal(err)
	}
	again, err := source{d}.Entities(t.Context(), entities, anchor.UnixMicro())
	if slices.Sort(again); err != nil || !slices.Equal(again, named["postgres"]) {
		t.Errorf("ENTITIES changed with rows after its anchor: %d and %d, %v", len(named["postgres"]), len(again), err)
	}
	task := *entities
	task.Raw.Source = source{d}
	rows := []int32{named["postgres"][0], named["postgres"][1]}
	if ok, err := tasks.Eligible(t.Context(), d.Snapshot, &task, rows, anchor.UnixMicro()); err != nil || !ok[0] || !ok[1] {
		t.Errorf("eligible %v, %v", ok, err)
	}
	if ok, err := tasks.Eligible(t.Context(), d.Snapshot, &task, rows, 0); err != nil || ok[0] || ok[1] {
		t.Errorf("in 1970 eligible %v, %v", ok, err)
	}
	for _, text := range texts {
		g := run(text)
		if fmt.Sprint(g.Label) != fmt.Sprint(before[text].Label) || fmt.Sprint(g.Entity) != fmt.Sprint(before[text].Entity) {
			t.Errorf("%s\nchanged with rows after its window", text)
		}
	}
}
