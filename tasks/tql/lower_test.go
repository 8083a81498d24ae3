package tql

import (
	"context"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rowlink/rowlink/ingest"
	_ "github.com/rowlink/rowlink/ingest/postgres"
	"github.com/rowlink/rowlink/internal/pgtest"
	"github.com/rowlink/rowlink/internal/testdata"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// row is one example with the text of its key.
type row struct {
	split, entity string
	anchor        int64
	label         string
}

// failer is what tests and random tests have in common.
type failer interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

// connect opens a session whose settings must not matter.
func connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(ctx) })
	if _, err := conn.Exec(ctx, "SET TimeZone = 'America/New_York'; SET search_path = pg_catalog; SET jit = off"); err != nil {
		t.Fatal(err)
	}
	return conn
}

// query runs a lowered SELECT.
func query(t failer, conn *pgx.Conn, sql string, args ...any) []row {
	t.Helper()
	ctx := context.Background()
	rows, err := conn.Query(ctx, sql, args...)
	if err != nil {
		t.Fatalf("%v\n%s", err, sql)
	}
	var out []row
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			t.Fatal(err)
		}
		r := row{split: values[0].(string), anchor: values[1].(time.Time).UnixMicro(), label: printed(values[len(values)-1])}
		for i, k := range values[2 : len(values)-1] {
			if i > 0 {
				r.entity += ","
			}
			r.entity += printed(k)
		}
		out = append(out, r)
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%v\n%s", err, sql)
	}
	return out
}

// printed prints a value as the label table and its keys do.
func printed(v any) string {
	switch v := v.(type) {
	case bool:
		if v {
			return "1"
		}
		return "0"
	case int16:
		return strconv.Itoa(int(v))
	case int32:
		return strconv.Itoa(int(v))
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case [16]byte: // uuid
		return fmt.Sprintf("%x-%x-%x-%x-%x", v[:4], v[4:6], v[6:8], v[8:10], v[10:])
	case string:
		return v
	case []any:
		parts := make([]string, len(v))
		for i, x := range v {
			parts[i] = printed(x)
		}
		return strings.Join(parts, "|")
	}
	return "?"
}

// labelRows prints a label table in the same form.
func labelRows(l *tasks.LabelTable, entity *ingest.Table) []row {
	out := make([]row, len(l.Label))
	for i := range out {
		out[i] = row{l.Split[i].String(), entity.KeyText(l.Entity[i]), l.Anchor[i], l.Text(i)}
	}
	return out
}

// sameRows compares two label tables; floats by the tolerance of the language reference.
func sameRows(have, want []row) string {
	if len(have) != len(want) {
		for i := range min(len(have), len(want)) {
			if have[i].entity != want[i].entity || have[i].anchor != want[i].anchor {
				return strconv.Itoa(len(have)) + " rows, want " + strconv.Itoa(len(want)) + "; the first difference: " + have[i].String() + ", want " + want[i].String()
			}
		}
		return strconv.Itoa(len(have)) + " rows, want " + strconv.Itoa(len(want))
	}
	for i, h := range have {
		w := want[i]
		x, errX := strconv.ParseFloat(h.label, 64)
		y, errY := strconv.ParseFloat(w.label, 64)
		if errX == nil && errY == nil && math.Abs(x-y) <= 1e-12+1e-9*math.Abs(y) {
			h.label = w.label
		}
		if h != w {
			return "row " + strconv.Itoa(i) + " is " + h.String() + ", want " + w.String()
		}
	}
	return ""
}

func (r row) String() string {
	return strings.Join([]string{r.split, r.entity, time.UnixMicro(r.anchor).UTC().Format(time.DateTime), r.label}, " | ")
}

// f1Tasks are the tasks of RelBench's rel-f1 with the counts of their rows.
var f1Tasks = []struct {
	file, query string
	rows        [3]int
}{
	{"driver-position", "PREDICT AVG(results.positionOrder, 0, 60, days) FOR EACH drivers", [3]int{7453, 499, 760}},
	{"driver-dnf", "PREDICT COUNT(results.* WHERE results.statusId <> 1, 0, 30, days) > 0 FOR EACH drivers ASSUMING COUNT(results.*, 0, 30, days) > 0", [3]int{11411, 566, 702}},
	{"driver-top3", "PREDICT MIN(qualifying.position, 0, 30, days) <= 3 FOR EACH drivers", [3]int{1353, 588, 726}},
	{"driver-circuit-compete", "PREDICT LIST_DISTINCT(results.raceId->circuitId, 0, 365, days) RANK TOP 10 FOR EACH drivers", [3]int{2649, 27, 27}},
}

// TestSQL_relf1 runs the lowered rel-f1 tasks and compares rows and labels with the
// reference label tables and with the executor in memory.
func TestSQL_relf1(t *testing.T) {
	url := pgtest.LoadF1(t)
	snap := take(t, url, "relf1")
	sc, conn := snap.Schema, connect(t, url)
	for _, f := range f1Tasks {
		t.Run(f.file, func(t *testing.T) {
			step, ok := map[string]string{"driver-position": "60 days, eval_anchors = 40", "driver-circuit-compete": "365 days"}[f.file]
			if !ok {
				step = "30 days, eval_anchors = 40"
			}
			task := mustBind(t, "CREATE TASK f1 AS "+f.query+" WITH (val_anchor = '2005-01-01', test_anchor = '2010-01-01', step = "+step+")", sc)
			labels, err := tasks.Label(t.Context(), snap, task, 0)
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
			have := query(t, conn, sql)
			if msg := sameRows(have, labelRows(labels, snap.Tables[task.Entity])); msg != "" {
				t.Errorf("SQL against memory: %s", msg)
			}
			want := goldenLabels(t, f.file)
			if msg := sameRows(have, want); msg != "" {
				t.Errorf("SQL against the reference: %s", msg)
			}
			var n [3]int
			for _, r := range have {
				n[map[string]int{"train": 0, "val": 1, "test": 2}[r.split]]++
			}
			if n != f.rows {
				t.Errorf("%v rows, want %v", n, f.rows)
			}
			if text := body(sql); task.Ranking == nil && (!strings.Contains(text, "\n  JOIN x1 ON") || !strings.Contains(text, "width_bucket")) {
				t.Errorf("not by the fast way:\n%s", text)
			}
			if f.file != "driver-top3" { // the smallest one tries all anchors for each row
				return
			}
			var splits []string
			var anchors []time.Time
			for s, list := range grid.Anchors {
				for _, a := range list {
					splits, anchors = append(splits, tasks.Split(s).String()), append(anchors, time.UnixMicro(a))
				}
			}
			if sql, err = SQL(task, sc, nil); err != nil {
				t.Fatal(err)
			}
			if msg := sameRows(query(t, conn, sql, splits, anchors), have); msg != "" {
				t.Errorf("SQL with parameters against literals: %s", msg)
			}
		})
	}
}

// TestSQL_static runs the lowered autocompletion tasks of rel-f1 and compares them with
// the reference label tables and with the executor in memory.
func TestSQL_static(t *testing.T) {
	url := pgtest.LoadF1(t)
	snap := take(t, url, "relf1")
	sc, conn := snap.Schema, connect(t, url)
	for _, f := range []struct {
		file, query string
		rows        [3]int
	}{
		{"results-position", "PREDICT results.position FOR EACH results AT ENTITY TIME", [3]int{9009, 1400, 4798}},
		{"qualifying-position", "PREDICT position FOR EACH qualifying", [3]int{2228, 1854, 5733}},
	} {
		task := mustBind(t, "CREATE TASK f1 AS "+f.query+" WITH (val_anchor = '2005-01-01', test_anchor = '2010-01-01')", sc)
		labels, err := tasks.Label(t.Context(), snap, task, 0)
		if err != nil {
			t.Fatal(err)
		}
		if labels.Report.Examples != f.rows {
			t.Errorf("%s: %v examples, want %v", f.file, labels.Report.Examples, f.rows)
		}
		sql, err := SQL(task, sc, nil)
		if err != nil {
			t.Fatal(err)
		}
		have := query(t, conn, sql)
		if msg := sameRows(have, labelRows(labels, snap.Tables[task.Entity])); msg != "" {
			t.Errorf("%s: SQL against memory: %s", f.file, msg)
		}
		want := goldenLabels(t, f.file)
		if msg := sameRows(have, want); msg != "" {
			t.Errorf("%s: SQL against the reference: %s", f.file, msg)
		}
	}
}

// body is a statement without its grid.
func body(sql string) string { return sql[strings.Index(sql, "g),\n"):] }

// take reads a schema of a database as rowlink does, with all that is inferred.
func take(t testing.TB, url, namespace string) *ingest.Snapshot {
	t.Helper()
	src, err := ingest.Open(t.Context(), url, ingest.OpenOptions{Schemas: []string{namespace}})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	snap, err := ingest.Take(t.Context(), src, ingest.TakeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	sc := snap.Schema.Clone()
	schema.Infer(sc, snap.Stats())
	if snap, err = snap.Derive(sc); err != nil {
		t.Fatal(err)
	}
	return snap
}

// goldenLabels reads the reference label table of a rel-f1 task: timestamp,
// key, in autocompletion tasks the driver, label.
func goldenLabels(t testing.TB, name string) []row {
	t.Helper()
	var out []row
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
			at, err := time.Parse(time.DateTime, r[0])
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, row{split, r[1], at.UnixMicro(), r[len(r)-1]})
		}
	}
	return out
}
