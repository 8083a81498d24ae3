package main

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rowlink/rowlink/internal/pgtest"
)

// Predictions of everybody land in a table that a BI tool reads, the same as on the command
// line; a second run replaces them, an appended one stands beside them.
func TestPredict_toTable(t *testing.T) {
	inShop(t)
	url := pgtest.URL(t)
	copyTree(t, trained(t), ".rowlink")
	csv := strings.Split(strings.TrimSpace(rowlinkOK(t, "predict churn --all -q --json")), "\n")
	if len(csv) < 10 {
		t.Fatal("nobody is predicted")
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	count := func() (rows, runs int, mean float64) {
		t.Helper()
		if err := conn.QueryRow(t.Context(), "SELECT count(*), count(DISTINCT run), avg(probability) FROM churn_scores WHERE eligible AND version = 1 AND anchor = '2025-01-01Z'").Scan(&rows, &runs, &mean); err != nil {
			t.Fatal(err)
		}
		return rows, runs, mean
	}
	const command = "predict churn --all -q --table churn_scores --to "
	out := rowlinkOK(t, command+url)
	if !strings.Contains(out, "into table churn_scores, run ") {
		t.Errorf("said %q", out)
	}
	rows, runs, mean := count()
	if rows < 10 || runs != 1 || !(mean > 0 && mean < 1) {
		t.Errorf("%d rows of %d runs, mean %v", rows, runs, mean)
	}
	rowlinkOK(t, command+url)
	if again, runs, _ := count(); again != rows || runs != 1 {
		t.Errorf("after a second run %d rows of %d runs, want %d of one", again, runs, rows)
	}
	rowlinkOK(t, command+url+" --append")
	if again, runs, _ := count(); again != 2*rows || runs != 2 {
		t.Errorf("after an appended run %d rows of %d runs, want %d of two", again, runs, 2*rows)
	}
	for args, want := range map[string]string{"--table x": "--to", "--to " + url: "--table", "--to sqlite:x --table y": "another scheme"} {
		if r := rowlinkRun(t.Context(), words("predict churn --all "+args)); r.code == exitOK || !strings.Contains(r.err, want) {
			t.Errorf("%s: exit %d, %s", args, r.code, r.err)
		}
	}
}
