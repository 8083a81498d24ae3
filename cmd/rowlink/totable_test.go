package main

import (
	"context"
	"encoding/csv"
	"math"
	"os"
	"strconv"
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

// Features land in a table with the values of the CSV file; long names are comments.
func TestFeatures_toTable(t *testing.T) {
	inShop(t)
	url := pgtest.URL(t)
	out := rowlinkOK(t, "features churn.sql --db sqlite:shop.db --split val --table churn_features --to "+url)
	if !strings.Contains(out, "into [churn_features]") {
		t.Errorf("said %q", out)
	}
	rowlinkOK(t, "features churn.sql --split val --out val.csv")
	f, err := os.Open("val.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	long := 0
	for c, name := range lines[0] {
		column := columnName(name)
		if len(column) > 63 || (column == name) != (len(name) <= 63) {
			t.Fatalf("column %q of feature %q", column, name)
		}
		if column != name {
			long++
			var comment string
			if err := conn.QueryRow(t.Context(), "SELECT col_description('churn_features'::regclass, attnum) FROM pg_attribute WHERE attrelid = 'churn_features'::regclass AND attname = $1", column).Scan(&comment); err != nil || comment != name {
				t.Fatalf("column %q has the comment %q, error %v, want %q", column, comment, err, name)
			}
		}
		if c < 4 || c > 40 && c < len(lines[0])-5 {
			continue
		}
		want, present := 0.0, 0
		for _, line := range lines[1:] {
			if v, err := strconv.ParseFloat(line[c], 64); err == nil {
				want, present = want+v, present+1
			}
		}
		var have float64
		var rows, filled int
		if err := conn.QueryRow(t.Context(), "SELECT count(*), count("+pgx.Identifier{column}.Sanitize()+"), coalesce(sum("+pgx.Identifier{column}.Sanitize()+"), 0) FROM churn_features").Scan(&rows, &filled, &have); err != nil {
			t.Fatal(err)
		}
		if rows != len(lines)-1 || filled != present || math.Abs(have-want) > 1e-9*math.Abs(want)+1e-9 {
			t.Errorf("%s: %d rows, %d values of sum %v; in the CSV file %d, %d, %v", name, rows, filled, have, len(lines)-1, present, want)
		}
	}
	if long == 0 {
		t.Error("no name was too long")
	}
}
