package main

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rowlink/rowlink/internal/pgtest"
)

// The database copies its labels into a folder, as many as the executor in memory finds.
func TestLabels_shards(t *testing.T) {
	t.Chdir(t.TempDir())
	url := pgtest.URL(t)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), `CREATE TABLE shops (id int PRIMARY KEY);
		CREATE TABLE sales (id int PRIMARY KEY, shop int REFERENCES shops, at timestamptz);
		INSERT INTO shops SELECT generate_series(1, 20);
		INSERT INTO sales SELECT i, 1 + i % 20, timestamptz '2024-01-01Z' + i * interval '1 day' FROM generate_series(1, 400) i`); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DATABASE_URL", url)
	file := "CREATE TASK quiet AS PREDICT COUNT(sales.*, 0, 20, days) = 0 FOR EACH shops"
	labels := func(more string) result {
		return rowlinkRunIn(t.Context(), words("labels - --quiet "+more), file)
	}
	want := strings.Count(labels("").out, "\n") - 1
	if r := labels("--executor sql --shards 3 --out labels"); r.code != exitOK || want < 100 || folderRows(t, "labels") != want {
		t.Errorf("exit %d: %s%s; want %d labels", r.code, r.out, r.err, want)
	}
	for args, hint := range map[string]string{"--shards 2": "--executor sql", "--executor sql --shards 0 --out x": "1 or more", "--executor sql --shards 2": "folder", "--executor sql --shards 2 --out labels": "exists"} {
		if r := labels(args); r.code != exitUsage || !strings.Contains(r.err, hint) {
			t.Errorf("%s: exit %d, %s", args, r.code, r.err)
		}
	}
	if left := glob("labels.*"); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}
