package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rowlink/rowlink/internal/pgtest"
)

// A batch over REST writes a table in the server's own database for predictions: only the rows
// of which a condition holds, by a role that the request does not name. A second one replaces
// them, an appended one stands beside them, and without such a database it is refused.
func TestServe_sink(t *testing.T) {
	inShop(t)
	url := pgtest.URL(t)
	dir, err := filepath.Abs("served")
	if err != nil {
		t.Fatal(err)
	}
	copyTree(t, trained(t), dir)
	copyTree(t, dir, "without")
	const sink = `{"task":"churn","sink":{"table":"scores"}`
	if status, text, _ := startServer(t, "without").ask("/v1/batches", sink+"}"); status != http.StatusUnprocessableEntity || !strings.Contains(text, "no_sink") {
		t.Errorf("without a database for predictions: %d %s", status, text)
	}
	t.Setenv(sinkEnv, url)
	r := startServer(t, dir)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	count := func() (rows, runs int) {
		t.Helper()
		if err := conn.QueryRow(t.Context(), "SELECT count(*), count(DISTINCT run) FROM scores WHERE version = 1 AND probability BETWEEN 0 AND 1").Scan(&rows, &runs); err != nil {
			t.Fatal(err)
		}
		return rows, runs
	}
	batch := func(body string) (answered int) {
		t.Helper()
		id := r.submitted(t, "/v1/batches", body)
		if j := r.job(t, id, ended); j.State != "succeeded" {
			t.Fatalf("%s: %+v", body, j)
		}
		_, text, err := r.ask("/v1/jobs/"+id, "")
		if err != nil || strings.Contains(text, url) {
			t.Fatalf("the job tells the URL: %s %v", text, err)
		}
		var done struct {
			Result struct{ Rows int }
		}
		if err := json.Unmarshal([]byte(text), &done); err != nil {
			t.Fatal(err)
		}
		return done.Result.Rows
	}
	all := batch(sink + "}")
	if rows, runs := count(); rows != all || rows < 10 || runs != 1 {
		t.Fatalf("%d rows of %d runs, %d were answered", rows, runs, all)
	}
	few := batch(sink + `,"where":"COUNT(orders.*, -30, 0, days) > 1"}`)
	if rows, runs := count(); rows != few || few == 0 || few >= all || runs != 1 {
		t.Errorf("%d rows of %d runs after a batch of %d, before %d", rows, runs, few, all)
	}
	if more := batch(`{"task":"churn","sink":{"table":"scores","append":true}}`); more != all {
		t.Errorf("%d appended, want %d", more, all)
	}
	if rows, runs := count(); rows != few+all || runs != 2 {
		t.Errorf("%d rows of %d runs, want %d of two", rows, runs, few+all)
	}
	for body, want := range map[string]string{
		`{"task":"churn","where":"regoin = 'x'"}`:                                          `"pointer":"/where"`,
		`{"task":"churn","format":"csv","sink":{"table":"scores"}}`:                        "/format",
		fmt.Sprintf(`{"task":"churn","sink":{"table":"scores","url":%q}}`, "postgres://x"): "url",
	} {
		if status, text, _ := r.ask("/v1/batches", body); status != http.StatusUnprocessableEntity || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", body, status, text)
		}
	}
	id := r.submitted(t, "/v1/batches", `{"task":"churn","version":"1","format":"csv","where":"COUNT(orders.*, -30, 0, days) > 1"}`)
	if j := r.job(t, id, ended); j.State != "succeeded" || j.Result.Answered != few {
		t.Errorf("a file of the same condition: %+v, want %d", j, few)
	}
}
