package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/internal/pgtest"
)

// rawTask is a task in two bodies over rel-f1.
const rawTask = `CREATE TASK dnf TYPE binary_classification FOR EACH drivers HORIZON '30 days'
  ENTITIES AS $$ SELECT driverid AS entity FROM drivers WHERE driverid <> 2 $$
  LABEL AS $$ SELECT e.entity, bool_or(r.statusid <> 1) AS label FROM entities e JOIN results r
    ON r.driverid = e.entity AND r.date > :anchor AND r.date <= :anchor + :horizon GROUP BY e.entity $$
  WITH (val_anchor = '2005-01-01', test_anchor = '2010-01-01', step = '90 days', eval_anchors = 8, train_anchors = 30);`

// TestSQL_rawTask creates, labels, trains, evaluates and asks a task in SQL on Postgres as
// any other, and asks again without the database.
func TestSQL_rawTask(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a Postgres server")
	}
	url := pgtest.LoadF1(t)
	t.Chdir(t.TempDir())
	t.Setenv("DATABASE_URL", "")
	db := " --db " + url + " --schema relf1 -q"
	script := rawTask + `
SHOW LABELS dnf SPLIT test LIMIT 3;
TRAIN dnf WITH (epochs = 1, fan_out = 4, model = 'decayed entity mean');
EVALUATE dnf WITH (split = test);
PREDICT TASK dnf FOR (1, 2) AT 2010-03-01;
EXPLAIN ANALYZE TASK dnf;
`
	out := rowlinkIn(t, "sql"+db, script)
	for _, want := range []string{"task dnf: binary_classification, because TYPE says so", "2010-04-01  test", "decayed entity mean", "by SQL", "1         2010-03-01"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	// the labels lie beside the task, so that a version answers without the database
	offline := rowlinkIn(t, "sql -q", "PREDICT TASK dnf FOR (1, 2) AT 2010-03-01;\nSHOW LABELS dnf SPLIT test LIMIT 3;")
	if !strings.Contains(offline, "1         2010-03-01") || !strings.Contains(offline, "2010-04-01  test") {
		t.Errorf("without the database\n%s", offline)
	}
	r := rowlinkRunIn(t.Context(), words("sql -q"), strings.Replace(rawTask, "TASK dnf", "TASK other", 1))
	if r.code != exitUsage || !strings.Contains(r.err, "TK180") {
		t.Errorf("without the database a new task gives exit %d\n%s", r.code, r.err)
	}
	r = rowlinkRunIn(t.Context(), words("sql"+db), strings.NewReplacer("TASK dnf", "TASK other", "JOIN results", "JOIN relf1.results").Replace(rawTask))
	if r.code != exitUsage || !strings.Contains(r.err, "TK181") || !strings.Contains(r.err, "relf1.results r\n") {
		t.Errorf("a body that reads past the censoring gives exit %d\n%s", r.code, r.err)
	}
}

// rowlinkRunIn runs a command with a text on stdin.
func rowlinkRunIn(ctx context.Context, args []string, text string) result {
	var out, stderr bytes.Buffer
	code := run(ctx, args, streams{strings.NewReader(text), &out, &stderr})
	return result{out.String(), stderr.String(), code}
}

// rowlinkIn runs a command that must succeed with a text on stdin.
func rowlinkIn(t *testing.T, command, text string) string {
	t.Helper()
	r := rowlinkRunIn(t.Context(), words(command), text)
	if r.code != exitOK {
		t.Fatalf("rowlink %s: exit %d\n%s", command, r.code, r.err)
	}
	return r.out
}

// TestLabels_executors computes label tables of rel-f1 in memory and by the database. Both
// print the same bytes: counts and conditions are exact, and the mean of small whole
// numbers is the same division.
func TestLabels_executors(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a Postgres server")
	}
	url := pgtest.LoadF1(t)
	t.Chdir(t.TempDir())
	t.Setenv("DATABASE_URL", "")
	for name, query := range map[string]string{
		"driver-position": "PREDICT AVG(results.positionOrder, 0, 60, days) FOR EACH drivers",
		"driver-dnf":      "PREDICT COUNT(results.* WHERE results.statusId <> 1, 0, 30, days) > 0 FOR EACH drivers ASSUMING COUNT(results.*, 0, 30, days) > 0",
		"driver-top3":     "PREDICT MIN(qualifying.position, 0, 30, days) <= 3 FOR EACH drivers",
		"circuits":        "PREDICT LIST_DISTINCT(results.raceId->circuitId, 0, 365, days) RANK TOP 10 FOR EACH drivers",
		"nationality":     "PREDICT FIRST(qualifying.constructorId->nationality, 0, 90, days) FOR EACH drivers",
	} {
		text := "CREATE TASK x AS " + query + " WITH (val_anchor = '2005-01-01', test_anchor = '2010-01-01', step = '60 days', eval_anchors = 12)"
		args := words("labels - -q --schema relf1 --db " + url)
		memory := rowlinkRunIn(t.Context(), args, text)
		bySQL := rowlinkRunIn(t.Context(), append(args, "--executor", "sql"), text)
		if memory.code != exitOK || bySQL.code != exitOK {
			t.Fatalf("%s: exit %d and %d\n%s%s", name, memory.code, bySQL.code, memory.err, bySQL.err)
		}
		if memory.out != bySQL.out || strings.Count(memory.out, "\n") < 100 {
			t.Errorf("%s: %d bytes in memory, %d by SQL", name, len(memory.out), len(bySQL.out))
		}
	}
}
