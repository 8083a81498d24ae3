package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// latency is what somebody else's statements took, in milliseconds.
type latency struct {
	Count int     `json:"count"`
	P50   float64 `json:"p50_ms"`
	P99   float64 `json:"p99_ms"`
	Max   float64 `json:"max_ms"`
}

// probed compares a writer alone with one beside an ingest of the table that it writes to.
type probed struct {
	Alone   latency `json:"alone"`
	Beside  latency `json:"beside"`
	Ratio   float64 `json:"p99_ratio"` // goal: at most 1.5
	DDL     latency `json:"alter_table_beside"`
	Seconds float64 `json:"ingest_seconds"`
}

// probeEvery is the pause between two updates of one row each.
const probeEvery = 2 * time.Millisecond

// probe measures a writer's updates, and an ALTER TABLE now and then, without and with an
// ingest that runs as a process of its own.
func probe(ctx context.Context, url string, rows int64, rounds int) error {
	if err := tables(ctx, url, rows); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for range rounds {
		var p probed
		if p.Alone, err = during(ctx, url, "", rows, func() error { time.Sleep(10 * time.Second); return nil }); err != nil {
			return err
		}
		ingest := func() error {
			dir, err := os.MkdirTemp("", "read-*")
			if err != nil {
				return err
			}
			defer os.RemoveAll(dir)
			u, err := run(exec.Command(self, "-db", url, "-workspace", dir))
			p.Seconds = u.Seconds
			return err
		}
		if p.Beside, err = during(ctx, url, "", rows, ingest); err != nil {
			return err
		}
		if p.DDL, err = during(ctx, url, "ALTER TABLE bench_orders ALTER COLUMN id DROP DEFAULT", rows, ingest); err != nil {
			return err
		}
		p.Ratio = p.Beside.P99 / p.Alone.P99
		text, err := json.Marshal(p)
		if err != nil {
			return err
		}
		fmt.Println(string(text))
	}
	return nil
}

// during times a statement again and again while act runs: an update of one row, or ddl once
// in a hundred times the pause.
func during(ctx context.Context, url, ddl string, rows int64, act func() error) (latency, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return latency{}, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { done <- act() }()
	var took []float64
	for {
		pause := probeEvery
		start := time.Now()
		if ddl != "" {
			pause *= 100
			_, err = conn.Exec(ctx, ddl)
		} else {
			_, err = conn.Exec(ctx, "UPDATE bench_orders SET id = id WHERE id = $1", 1+rand.Int64N(rows))
		}
		if err != nil {
			return latency{}, err
		}
		took = append(took, time.Since(start).Seconds()*1e3)
		select {
		case err := <-done:
			slices.Sort(took)
			at := func(q float64) float64 { return took[int(q*float64(len(took)-1))] }
			return latency{len(took), at(0.5), at(0.99), at(1)}, err
		case <-time.After(pause):
		}
	}
}
