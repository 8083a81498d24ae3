// Labels measures one label table over a generated database, in memory, by the SQL that
// the task is lowered to on Postgres, and by plain SQL on Postgres and DuckDB:
//
//	go run ./bench/labels                                  20 M rows, 10^6 entities, in memory
//	go run ./bench/labels -db URL                          also on Postgres, in a schema of its own
//	go run ./bench/labels -python .venv/bin/python         also on DuckDB (pip install duckdb)
//
// Every way must give the same number of labels and the same sum of them.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
)

func main() {
	var o options
	flag.IntVar(&o.entities, "entities", 1e6, "rows of the entity table")
	flag.IntVar(&o.facts, "facts", 2e7, "rows of the aggregated table")
	flag.StringVar(&o.db, "db", "", "URL of a Postgres in which a schema is made and dropped; empty = without Postgres")
	flag.StringVar(&o.python, "python", "", "a Python with the package duckdb; empty = without DuckDB")
	flag.IntVar(&o.reps, "reps", 3, "repetitions; the median is told")
	flag.Parse()
	if err := o.run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "labels:", err)
		os.Exit(1)
	}
}

type options struct {
	entities, facts, reps int
	db, python            string
}

// anchorCounts are the grids that are measured: one anchor, and 50 that lie a week apart.
var anchorCounts = []int{1, 50}

const query = "PREDICT COUNT(events.*, 0, 30, days) FOR EACH customers"

func (o *options) run(ctx context.Context) error {
	start := time.Now()
	snap, err := generate(o.entities, o.facts)
	if err != nil {
		return err
	}
	fmt.Printf("%d customers, %d events, made in %.1f s\n%s\n\n| way | anchors | seconds | labels | sum |\n|---|---|---|---|---|\n",
		o.entities, o.facts, time.Since(start).Seconds(), query)
	task, err := tql.Bind(query, snap.Schema)
	if err != nil {
		return err
	}
	var want []result
	for _, n := range anchorCounts {
		r, err := o.median(func() (result, error) { return inMemory(ctx, snap, *task, grid(n)) })
		if err != nil {
			return err
		}
		want = append(want, r)
		r.print("in memory, with arranging the rows", n)
	}
	if o.db == "" && o.python == "" {
		return nil
	}
	return o.databases(ctx, snap, task, want)
}

// result is one measurement.
type result struct {
	seconds float64
	labels  int
	sum     int64
}

func (r result) print(way string, anchors int) {
	fmt.Printf("| %s | %d | %.2f | %d | %d |\n", way, anchors, r.seconds, r.labels, r.sum)
}

// median repeats a measurement.
func (o *options) median(f func() (result, error)) (result, error) {
	var all []result
	for range o.reps {
		r, err := f()
		if err != nil {
			return r, err
		}
		at := len(all)
		for at > 0 && all[at-1].seconds > r.seconds {
			at--
		}
		all = append(all[:at], append([]result{r}, all[at:]...)...)
	}
	return all[len(all)/2], nil
}

// grid is the anchors of a label table, ascending.
func grid(n int) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = firstAnchor.AddDate(0, 0, 7*i).UnixMicro()
	}
	return out
}

func inMemory(ctx context.Context, snap *ingest.Snapshot, task tasks.Task, anchors []int64) (result, error) {
	task.Options.ValAnchor, task.Options.TestAnchor = 1, 2 // the anchors are given
	start := time.Now()
	l, err := tasks.LabelAt(ctx, snap, &task, anchors)
	if err != nil {
		return result{}, err
	}
	r := result{seconds: time.Since(start).Seconds(), labels: len(l.Label)}
	for _, y := range l.Label {
		r.sum += int64(y)
	}
	return r, nil
}
