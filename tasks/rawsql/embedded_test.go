package rawsql_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/rowlink/rowlink/internal/pgtest"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/rawsql"
	"github.com/rowlink/rowlink/tasks/tql"
)

// embedded answers a task's questions for labels from the snapshot.
type embedded struct{ d *database }

func (s embedded) Entities(ctx context.Context, task *tasks.Task, anchor int64) ([]int32, error) {
	e, err := rawsql.OpenEmbedded(ctx, task, s.d.Snapshot)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	return e.Entities(ctx, anchor)
}

func (s embedded) Labels(ctx context.Context, task *tasks.Task, anchors []int64, apart bool) (*tasks.Given, error) {
	e, err := rawsql.OpenEmbedded(ctx, task, s.d.Snapshot)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	return e.Labels(ctx, anchors, apart)
}

// TestEmbedded_relf1 runs the reference tasks as SQLite has them, by both forms.
func TestEmbedded_relf1(t *testing.T) {
	d := take(t, pgtest.LoadF1(t), "relf1")
	const with = " WITH (val_anchor = '2005-01-01', test_anchor = '2010-01-01', step = '%d days', eval_anchors = 40)"
	for _, c := range []struct{ name, text string }{
		{"driver-position", "CREATE TASK p TYPE regression FOR EACH drivers HORIZON '60 days' AS SQL $$ SELECT r.driverid AS entity, g.anchor, avg(r.positionorder) AS label FROM grid g JOIN results r ON r.date > g.anchor AND r.date <= g.anchor_end GROUP BY 1, 2 $$" + fmt.Sprintf(with, 60)},
		{"driver-dnf", "CREATE TASK p TYPE binary_classification FOR EACH drivers HORIZON '30 days' LABEL AS $$ SELECT e.entity, max(r.statusid <> 1) AS label FROM entities e JOIN results r ON r.driverid = e.entity AND r.date > :anchor AND r.date <= :anchor_end GROUP BY 1 $$" + fmt.Sprintf(with, 30)},
		{"driver-top3", "CREATE TASK p TYPE binary_classification FOR EACH drivers HORIZON '30 days' AS SQL $$ SELECT q.driverid AS entity, g.anchor, min(q.position) <= 3 AS label FROM grid g JOIN qualifying q ON q.date > g.anchor AND q.date <= g.anchor_end GROUP BY 1, 2 $$" + fmt.Sprintf(with, 30)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if testing.Short() && c.name != "driver-top3" {
				t.Skip("short")
			}
			task, err := d.bind(t, c.text)
			if err != nil {
				t.Fatal(err)
			}
			task.Raw.Source = embedded{d}
			l, err := tasks.Label(t.Context(), d.Snapshot, task, 0)
			if err != nil {
				t.Fatal(err)
			}
			same(t, l, d, golden(t, c.name))
		})
	}
}

// refusedHere are bodies that SQLite must not get.
var refusedHere = []struct{ name, body, code, at string }{
	{"schema", "SELECT driverid AS entity, 1 AS label FROM main.results", "TK181", "main"},
	{"temp schema", "SELECT driverid AS entity, 1 AS label FROM temp.results", "TK181", "temp"},
	{"schema table", "SELECT 1 AS entity, count(*) AS label FROM sqlite_master", "TK181", "sqlite_master"},
	{"quoted schema table", `SELECT 1 AS entity, count(*) AS label FROM "sqlite_schema"`, "TK181", `"sqlite_schema"`},
	{"pragma", "SELECT 1 AS entity, count(*) AS label FROM pragma_table_list", "TK181", "pragma_table_list"},
	{"unmapped table", "SELECT 1 AS entity, count(*) AS label FROM secrets", "TK181", "secrets"},
	{"bracket", "SELECT driverid AS entity, 1 AS label FROM [main].results", "TK180", "["},
	{"block comment", "SELECT 1 AS entity, 1 AS label /* /* */ ) q UNION SELECT 1, 1 FROM (SELECT 1 */", "TK180", ""},
	{"escape string", `SELECT 1 AS entity, E'\' AS label`, "TK180", ""},
	{"break out", "SELECT 1 AS entity, 1 AS label) q UNION ALL SELECT 1, 1 FROM (SELECT 1", "TK180", ")"},
	{"second statement", "SELECT 1 AS entity, 1 AS label; SELECT 1", "TK180", ";"},
	{"random", "SELECT driverid AS entity, random() AS label FROM drivers", "TK183", "random"},
	{"now", "SELECT driverid AS entity, julianday('now') AS label FROM drivers", "TK183", "'now'"},
	{"now in double quotes", `SELECT driverid AS entity, julianday("now") AS label FROM drivers`, "TK183", `"now"`},
	{"now by default", "SELECT driverid AS entity, julianday() AS label FROM drivers", "TK183", "julianday"},
	{"now by strftime", "SELECT driverid AS entity, strftime('%s') AS label FROM drivers", "TK183", "strftime"},
	{"current", "SELECT driverid AS entity, current_timestamp AS label FROM drivers", "TK183", "current_timestamp"},
	{"load_extension", "SELECT 1 AS entity, load_extension('x') AS label", "TK183", "load_extension"},
	{"delete", "WITH x AS (SELECT 1) DELETE FROM results", "TK183", "DELETE"},
	{"horizon", "SELECT e.entity, 1 AS label FROM entities e WHERE :horizon IS NOT NULL", "TK185", ":horizon"},
	{"fault", "SELECT e.entity, r.pionts AS label FROM entities e JOIN results r ON r.driverid = e.entity", "TK180", "r.pionts"},
	{"columns", "SELECT driverid AS who, 1 AS label FROM drivers", "TK182", ""},
	{"twice", "SELECT driverid AS entity, 1 AS label FROM drivers UNION ALL SELECT driverid, 1 FROM drivers", "TK184", ""},
}

// TestEmbedded_refused lets nothing past the shadows, and a body that counts all it can
// see counts the rows up to its window's end.
func TestEmbedded_refused(t *testing.T) {
	d := take(t, pgtest.LoadF1(t), "relf1")
	for _, c := range refusedHere {
		t.Run(c.name, func(t *testing.T) {
			task, err := d.bind(t, f1Body("", c.body))
			if err == nil {
				task.Raw.Source = embedded{d}
				_, err = tasks.Label(t.Context(), d.Snapshot, task, 0)
			}
			var list tql.Errors
			if !errors.As(err, &list) {
				t.Fatalf("got %v, want %s", err, c.code)
			}
			if e := list[0]; e.Code != c.code || c.at != "" && e.Text[e.Pos:e.End] != c.at {
				t.Errorf("got %s at %q, want %s at %q\n%s", e.Code, e.Text[e.Pos:e.End], c.code, c.at, e.Pretty())
			}
		})
	}
	anchor := time.Date(2005, 1, 1, 0, 0, 0, 0, time.UTC)
	end, count := anchor.AddDate(0, 0, 30), 0
	for _, at := range d.Tables[d.Schema.Table("results")].Times {
		if at <= end.UnixMicro() {
			count++
		}
	}
	for _, body := range []string{
		"SELECT e.entity, (SELECT count(*) FROM results) AS label FROM entities e",
		"WITH RECURSIVE w(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM w WHERE n < 3) SELECT e.entity, (SELECT count(*) FROM results) + (SELECT max(n) FROM w) - 3 AS label FROM entities e",
		"WITH a AS (WITH b AS (SELECT * FROM results) SELECT * FROM b) SELECT e.entity, (SELECT count(*) FROM a) AS label FROM entities e -- ( '",
	} {
		task, err := d.bind(t, f1Body("", body))
		if err != nil {
			t.Fatal(err)
		}
		g, err := embedded{d}.Labels(t.Context(), task, []int64{anchor.UnixMicro()}, true)
		if err != nil {
			t.Fatal(err)
		}
		if len(g.Label) == 0 || g.Label[0] != float64(count) {
			t.Errorf("%s\ngave %d labels, the first %v, want %d rows", body, len(g.Label), g.Label, count)
		}
	}
}
