package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/pgtest"
	"github.com/rowlink/rowlink/workspace"
)

// limited is the program with arguments, under a limit of file sizes in KiB where it is not 0.
func limited(t *testing.T, limit int, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	if limit > 0 {
		cmd = exec.Command("sh", append([]string{"-c", fmt.Sprintf(`ulimit -f %d; exec "$0" "$@"`, 2*limit), self}, args...)...)
	}
	cmd.Env = append(os.Environ(), jobEnv+"=1")
	return cmd
}

func latestID(t *testing.T, folder string) string {
	t.Helper()
	ws, err := workspace.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	id, _, err := ws.LatestSnapshot()
	if err != nil {
		return ""
	}
	return id
}

// A follower that is killed at random moments, while others write, loses and doubles nothing:
// at the end its snapshot is that of a whole copy (case 61). It leaves no slot (case 60).
func TestCase61_followKilled(t *testing.T) {
	u := pgtest.URL(t)
	connect := func() *pgx.Conn {
		conn, err := pgx.Connect(t.Context(), u)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close(context.WithoutCancel(t.Context())) })
		return conn
	}
	conn := connect()
	if _, err := conn.Exec(t.Context(), `CREATE TABLE account (id int PRIMARY KEY, sum int); CREATE TABLE move (account int REFERENCES account, amount int, at timestamptz DEFAULT now());
ALTER TABLE move REPLICA IDENTITY FULL; INSERT INTO account SELECT g, 0 FROM generate_series(1, 500) g; CREATE PUBLICATION rowlink FOR TABLE account, move`); err != nil {
		t.Fatal(err)
	}
	writing, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for w := range 2 {
		c := connect()
		writers.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 3))
			for writing.Err() == nil {
				id, n := 1+r.IntN(500), r.IntN(9)
				sql := fmt.Sprintf("UPDATE account SET sum = sum + %d WHERE id = %d; INSERT INTO move (account, amount) VALUES (%d, %d); DELETE FROM move WHERE amount = 8", n, id, id, n)
				if _, err := c.Exec(t.Context(), sql); err != nil {
					t.Error(err)
					return
				}
				time.Sleep(time.Millisecond)
			}
		})
	}
	folder := t.TempDir()
	r := rand.New(rand.NewPCG(1, 9))
	start := func() *exec.Cmd {
		cmd := limited(t, 0, "follow", "--quiet", "--db", u, "--workspace", folder, "--every", "50ms")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	seen := map[string]bool{}
	for range 6 {
		cmd := start()
		time.Sleep(time.Duration(300+r.IntN(1500)) * time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		seen[latestID(t, folder)] = true
	}
	stop()
	writers.Wait()
	want := ingested(t, "--db", u, "--workspace", t.TempDir()).Snapshot
	cmd := start()
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	for wait := 0; latestID(t, folder) != want; wait++ {
		if wait > 1200 {
			t.Fatalf("the followed snapshot is %s, want %s", latestID(t, folder), want)
		}
		time.Sleep(50 * time.Millisecond)
	}
	if len(seen) < 2 {
		t.Errorf("%d snapshots were seen, want several: nothing was followed", len(seen))
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after an interrupt: %v, want exit code 0", err)
	}
	var slots int
	for range 100 {
		if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()").Scan(&slots); err != nil || slots == 0 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if slots != 0 {
		t.Errorf("%d slots are left", slots)
	}
}

// A refresh that cannot write its files leaves the snapshot before as it was, and usable.
func TestCase55_refreshWithoutSpace(t *testing.T) {
	u := pgtest.URL(t)
	conn, err := pgx.Connect(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "CREATE TABLE a (id int PRIMARY KEY, v text); INSERT INTO a VALUES (1, 'x')"); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	before := ingested(t, "--db", u, "--workspace", folder).Snapshot
	if _, err := conn.Exec(t.Context(), "INSERT INTO a SELECT g, repeat('y', 100) FROM generate_series(2, 20000) g"); err != nil {
		t.Fatal(err)
	}
	if out, err := limited(t, 256, "ingest", "--refresh", "--quiet", "--db", u, "--workspace", folder).CombinedOutput(); err == nil {
		t.Fatalf("no error with files of at most 256 KiB: %s", out)
	}
	if id := latestID(t, folder); id != before {
		t.Fatalf("the latest snapshot is %s, want %s as before", id, before)
	}
	old, err := ingest.OpenSnapshot(filepath.Join(folder, "snapshots", before))
	if err != nil {
		t.Fatal(err)
	}
	old.Close()
	after := ingested(t, "--db", u, "--workspace", folder, "--refresh")
	if ways := waysOf(after); !strings.HasPrefix(ways, "public.a appended 19999") {
		t.Error(ways)
	}
	if left, _ := filepath.Glob(filepath.Join(folder, "snapshots", ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
