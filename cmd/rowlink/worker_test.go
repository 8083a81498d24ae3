package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rowlink/rowlink/ingest/parquet"
	"github.com/rowlink/rowlink/internal/pgtest"
)

// workerProcess runs a worker as a process of its own, which can be killed.
func workerProcess(t *testing.T, url string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "worker", "--queue", url, "--to", url, "--takeover", "1s", "--threads", "1")
	cmd.Env = append(os.Environ(), jobEnv+"=worker")
	said := &lockedBuffer{}
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("worker %d: %s", cmd.Process.Pid, said)
		}
	})
	return cmd
}

// wholeBatch is what one process predicts, in lines.
func wholeBatch(t *testing.T, more ...string) []string {
	t.Helper()
	out := command(t, append([]string{"predict", "churn", "--all", "--quiet", "--out", "whole.csv"}, more...)...)
	_ = out
	f, err := os.Open("whole.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, r := range rows[1:] {
		lines = append(lines, strings.Join(r, ","))
	}
	slices.Sort(lines)
	return lines
}

// tableRows reads a table of predictions in the form of the CSV file.
func tableRows(t *testing.T, conn *pgx.Conn, table string) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), "SELECT customer_id::text, to_char(anchor AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), prediction::text, probability, eligible::text FROM "+table)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	var key, anchor, prediction, eligible string
	var probability float64
	if _, err := pgx.ForEachRow(rows, []any{&key, &anchor, &prediction, &probability, &eligible}, func() error {
		lines = append(lines, strings.Join([]string{key, anchor, prediction, fmt.Sprint(probability), eligible}, ","))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return lines
}

// Three workers, one of which is killed every now and then and replaced: the table comes out
// as one process writes it, each row once, and readers of the table see the rows before or
// all of the new ones.
func TestWorker_killed(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	inShop(t)
	url := pgtest.URL(t)
	copyTree(t, trained(t), ".rowlink")
	want := wholeBatch(t, "--version", "1")
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())

	workers := []*exec.Cmd{workerProcess(t, url), workerProcess(t, url), workerProcess(t, url)}
	stop, killed := make(chan struct{}), make(chan int)
	go func() {
		n, r := 0, rand.New(rand.NewPCG(7, 7))
		defer func() { killed <- n }()
		for n < 6 { // on a slow machine no worker would live long enough otherwise
			select {
			case <-stop:
				return
			case <-time.After(time.Duration(300+r.IntN(900)) * time.Millisecond):
			}
			i := r.IntN(len(workers))
			_ = workers[i].Process.Signal(syscall.SIGKILL)
			_ = workers[i].Wait()
			workers[i] = workerProcess(t, url)
			n++
		}
	}()
	seen := -1 // rows that readers saw
	watch := func() {
		n := 0
		if conn.QueryRow(t.Context(), "SELECT count(*) FROM scores").Scan(&n) == nil && n != len(want) {
			seen = n
		}
	}
	done := make(chan string)
	go func() {
		out := &bytes.Buffer{}
		code := run(t.Context(), []string{"batch", "churn", "--version", "1", "--rows-per-shard", "2", "--queue", url, "--to", url, "--table", "scores", "--json", "--quiet"}, streams{strings.NewReader(""), out, out})
		done <- fmt.Sprintf("exit %d\n%s", code, out)
	}()
	var said string
	for said == "" {
		select {
		case said = <-done:
		case <-time.After(20 * time.Millisecond):
			watch()
		}
	}
	close(stop)
	n := <-killed
	if !strings.HasPrefix(said, "exit 0") {
		t.Fatal(said)
	}
	if got := tableRows(t, conn, "scores"); !slices.Equal(got, want) {
		t.Errorf("%d rows, want %d; the first: %q and %q", len(got), len(want), first(got), first(want))
	}
	if seen >= 0 {
		t.Errorf("a reader saw %d rows", seen)
	}
	var shards, by int
	if err := conn.QueryRow(t.Context(), "SELECT count(*), count(DISTINCT worker) FROM rowlink_shard").Scan(&shards, &by); err != nil {
		t.Fatal(err)
	}
	if by < 2 || n == 0 {
		t.Errorf("%d shards by %d workers, %d killed: nothing was shared", shards, by, n)
	}
	var staged int
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_class WHERE relname LIKE 'rowlink_staging%'").Scan(&staged); err != nil || staged != 0 {
		t.Errorf("%d staging tables are left, %v", staged, err)
	}
	t.Logf("%d rows in %d shards by %d workers; %d were killed", len(want), shards, by, n)

	// The same batch again is the one that is there.
	again := command(t, "batch", "churn", "--version", "1", "--rows-per-shard", "2", "--queue", url, "--to", url, "--table", "scores", "--quiet")
	if got := tableRows(t, conn, "scores"); !slices.Equal(got, want) || !strings.Contains(again, fmt.Sprintf("%d predictions", len(want))) {
		t.Errorf("again: %s, %d rows", again, len(got))
	}

	// Files, by the workers that are left.
	command(t, "batch", "churn", "--version", "1", "--rows-per-shard", "16", "--queue", url, "--out", "scores", "--quiet")
	if got := folderRows(t, "scores"); got != len(want) {
		t.Errorf("%d rows in files, want %d", got, len(want))
	}
	for i, w := range workers { // a worker that is asked to stop ends well
		if err := w.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := w.Wait(); err != nil {
			t.Errorf("worker %d ended with %v", i, err)
		}
	}
}

func first(list []string) string { return cmp.Or(append(list, "")[0], "none") }

// folderRows counts the rows of the files of a batch.
func folderRows(t *testing.T, dir string) (n int) {
	t.Helper()
	for _, f := range glob(filepath.Join(dir, "*.parquet")) {
		rows, err := parquet.Count(f)
		if err != nil {
			t.Fatal(err)
		}
		n += int(rows)
	}
	return n
}

// Without a queue, processes share the shards by number: the last to end publishes. What one
// of them had done is not done again.
func TestBatch_index(t *testing.T) {
	inShop(t)
	copyTree(t, trained(t), ".rowlink")
	want := wholeBatch(t, "--version", "1")
	batch := func(out string, more ...string) string {
		return command(t, append([]string{"batch", "churn", "--version", "1", "--rows-per-shard", "20", "--quiet", "--out", out}, more...)...)
	}
	shards := (len(want) + 19) / 20
	if shards < 3 {
		t.Fatalf("%d rows are too few", len(want))
	}
	for i := range 2 {
		if said := batch("scores", "--index", fmt.Sprint(i), "--of", "3"); !strings.Contains(said, "when all are") {
			t.Errorf("share %d: %s", i, said)
		}
	}
	if _, err := os.Stat("scores"); err == nil {
		t.Error("a part of the batch is visible")
	}
	if said := batch("scores", "--index", "0", "--of", "3"); !strings.Contains(said, "0 shards done here") {
		t.Errorf("a share again: %s", said)
	}
	if said := batch("scores", "--index", "2", "--of", "3"); !strings.Contains(said, fmt.Sprintf("%d predictions", len(want))) {
		t.Errorf("the last share: %s", said)
	}
	if got := folderRows(t, "scores"); got != len(want) {
		t.Errorf("%d rows in files, want %d", got, len(want))
	}
	if left := glob("scores.*"); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	if said := batch("alone"); !strings.Contains(said, fmt.Sprintf("%d of %d shards were done here", shards, shards)) {
		t.Errorf("alone: %s", said)
	}
	for name := range shards { // the same bytes, whoever writes them
		part := fmt.Sprintf("part-%06d.parquet", name)
		a, errA := os.ReadFile(filepath.Join("scores", part))
		b, errB := os.ReadFile(filepath.Join("alone", part))
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("%s differs (%v, %v)", part, errA, errB)
		}
	}
	for args, hint := range map[string]string{"": "--table", "--out x.csv": "no folder", "--out x --index 1": "--of", "--out x --index 3 --of 3": "before the last", "--out scores --run b": "exists"} {
		if r := rowlinkRun(t.Context(), words("batch churn --version 1 -q "+args)); r.code != exitUsage || !strings.Contains(r.err, hint) {
			t.Errorf("batch %s: exit %d, %s", args, r.code, r.err)
		}
	}
	if r := rowlinkRun(t.Context(), words("worker")); r.code != exitUsage || !strings.Contains(r.err, "--queue") {
		t.Errorf("worker: exit %d, %s", r.code, r.err)
	}
}
