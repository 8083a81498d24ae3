package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
)

// databases measures where the rows lie in a database.
func (o *options) databases(ctx context.Context, snap *ingest.Snapshot, task *tasks.Task, want []result) error {
	dir, err := os.MkdirTemp("", "rowlink-labels-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "events.csv")
	if err := o.write(file); err != nil {
		return err
	}
	if o.python != "" {
		if err := o.duckDB(ctx, file, want); err != nil {
			return err
		}
	}
	if o.db == "" {
		return nil
	}
	conn, err := pgx.Connect(ctx, o.db)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	defer conn.Exec(ctx, "DROP SCHEMA IF EXISTS rowlink_labels CASCADE")
	if err := o.fill(ctx, conn, file); err != nil {
		return err
	}
	for i, n := range anchorCounts {
		g := &tasks.Grid{}
		g.Anchors[tasks.Test] = grid(n)
		lowered, err := tql.SQL(task, snap.Schema, g)
		if err != nil {
			return err
		}
		for _, way := range []struct{ name, sql string }{{"Postgres, lowered SQL", lowered}, {"Postgres, plain SQL", plain(n)}} {
			r, err := o.median(func() (result, error) { return onPostgres(ctx, conn, way.sql) })
			if err != nil {
				return err
			}
			r.print(way.name, n)
			if err := r.agrees(way.name, want[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r result) agrees(way string, want result) error {
	if r.labels != want.labels || r.sum != want.sum {
		return fmt.Errorf("%s gives %d labels with the sum %d, in memory it is %d and %d", way, r.labels, r.sum, want.labels, want.sum)
	}
	return nil
}

// plain is the label table as one would write it by hand, for any engine.
func plain(n int) string {
	var values []string
	for _, a := range grid(n) {
		at := time.UnixMicro(a).UTC()
		values = append(values, fmt.Sprintf("(TIMESTAMPTZ '%s+00', TIMESTAMPTZ '%s+00')", at.Format(time.DateTime), at.AddDate(0, 0, 30).Format(time.DateTime)))
	}
	return `WITH grid(a, b) AS (VALUES ` + strings.Join(values, ", ") + `),
x AS (SELECT g.a, e.customer_id, count(*) AS n FROM grid g JOIN events e ON e.at > g.a AND e.at <= g.b GROUP BY g.a, e.customer_id)
SELECT g.a, c.id, coalesce(x.n, 0) AS label FROM grid g CROSS JOIN customers c LEFT JOIN x ON x.a = g.a AND x.customer_id = c.id`
}

func counted(sql string) string {
	return "SELECT count(*), coalesce(sum(label), 0)::bigint FROM (" + sql + ") q"
}

func onPostgres(ctx context.Context, conn *pgx.Conn, sql string) (r result, err error) {
	start := time.Now()
	err = conn.QueryRow(ctx, counted(sql)).Scan(&r.labels, &r.sum)
	r.seconds = time.Since(start).Seconds()
	return r, err
}

// write writes the events as CSV.
func (o *options) write(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	var line []byte
	for i := range o.facts {
		customer, at := event(i, o.facts, o.entities)
		line = append(strconv.AppendInt(line[:0], customer, 10), ',')
		line = append(time.UnixMicro(at).UTC().AppendFormat(line, "2006-01-02 15:04:05.999999"), "+00\n"...)
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

func (o *options) fill(ctx context.Context, conn *pgx.Conn, file string) error {
	setup := fmt.Sprintf("CREATE SCHEMA rowlink_labels; SET search_path = rowlink_labels; CREATE TABLE customers AS SELECT id::bigint FROM generate_series(1, %d) id; ALTER TABLE customers ADD PRIMARY KEY (id); CREATE TABLE events (customer_id bigint NOT NULL, at timestamptz NOT NULL)", o.entities)
	if _, err := conn.Exec(ctx, setup); err != nil {
		return err
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := conn.PgConn().CopyFrom(ctx, f, "COPY events FROM STDIN (FORMAT csv)"); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "CREATE INDEX ON events (at); ANALYZE; SET work_mem = '1GB'; SET max_parallel_workers_per_gather = 2")
	return err
}

// duckScript reads the events into a table and times SQL texts from stdin, one JSON line each.
const duckScript = `
import duckdb, json, sys, time
spec = json.load(sys.stdin)
con = duckdb.connect()
con.execute("SET threads = %d; SET TimeZone = 'UTC'; SET enable_progress_bar = false" % spec["threads"])
con.execute("CREATE TABLE customers AS SELECT range + 1 AS id FROM range(%d)" % spec["entities"])
con.execute("CREATE TABLE events AS SELECT * FROM read_csv(?, header = false, columns = {'customer_id': 'BIGINT', 'at': 'TIMESTAMPTZ'})", [spec["file"]])
for sql in spec["sql"]:
    start = time.perf_counter()
    n, total = con.execute(sql).fetchone()
    print(json.dumps({"seconds": time.perf_counter() - start, "labels": n, "sum": total, "version": duckdb.__version__}), flush=True)
`

func (o *options) duckDB(ctx context.Context, file string, want []result) error {
	var texts []string
	for _, n := range anchorCounts {
		for range o.reps {
			texts = append(texts, counted(plain(n)))
		}
	}
	spec, err := json.Marshal(map[string]any{"threads": 2, "entities": o.entities, "file": file, "sql": texts})
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, o.python, "-c", duckScript)
	cmd.Stdin, cmd.Stderr = strings.NewReader(string(spec)), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("DuckDB: %w", err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	for i, n := range anchorCounts {
		at := i * o.reps
		version := ""
		r, err := o.median(func() (result, error) {
			var have struct {
				Seconds float64
				Labels  int
				Sum     int64
				Version string
			}
			if at >= len(lines) {
				return result{}, fmt.Errorf("DuckDB answered %d texts, want %d", len(lines), len(texts))
			}
			err := json.Unmarshal([]byte(lines[at]), &have)
			at, version = at+1, have.Version
			return result{have.Seconds, have.Labels, have.Sum}, err
		})
		if err != nil {
			return err
		}
		r.print("DuckDB "+version+", plain SQL", n)
		if err := r.agrees("DuckDB", want[i]); err != nil {
			return err
		}
	}
	return nil
}
