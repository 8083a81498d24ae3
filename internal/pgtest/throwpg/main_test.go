package main

import (
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rowlink/rowlink/internal/pgtest"
)

func TestRun_childSeesTheServerAndItsDatabases(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "tiny")
	write(t, filepath.Join(folder, "schema.sql"), "CREATE TABLE t (a int);")
	write(t, filepath.Join(folder, "load.sql"), "\\copy t FROM 't.csv' WITH (FORMAT csv)\n")
	write(t, filepath.Join(folder, "t.csv"), "1\n2\n")
	out := filepath.Join(t.TempDir(), "url")
	// The child waits so that the test can look at the server while it runs.
	script := `printf %s "$` + pgtest.Env + `" >"$0.part"; mv "$0.part" "$0"; while [ -e "$0" ]; do sleep 0.05; done; exit 7`
	type result struct {
		code int
		err  error
	}
	ended := make(chan result, 1)
	go func() {
		code, err := run(t.Context(), []string{folder}, []string{"sh", "-c", script, out})
		ended <- result{code, err}
	}()
	url := waitFor(t, out, func() bool { return len(ended) > 0 })
	if url == "" {
		r := <-ended
		if _, ok := errors.AsType[*pgtest.MissingError](r.err); ok && os.Getenv(pgtest.EnvRequire) != "1" {
			t.Skip(r.err)
		}
		t.Fatalf("run ended early: %d, %v", r.code, r.err)
	}
	s, err := pgtest.Use(url)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), s.URL("tiny"))
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM t").Scan(&n); err != nil || n != 2 {
		t.Errorf("%d rows, error %v; want 2", n, err)
	}
	conn.Close(t.Context())
	if err := os.Remove(out); err != nil {
		t.Fatal(err)
	}
	if r := <-ended; r.code != 7 || r.err != nil {
		t.Errorf("run = %d, %v; want the child's 7", r.code, r.err)
	}
	if conn, err := pgx.Connect(t.Context(), url); err == nil {
		conn.Close(t.Context())
		t.Error("the server outlived run")
	}
}

func TestChild_exitCodes(t *testing.T) {
	for script, want := range map[string]int{"exit 0": 0, "exit 3": 3, "kill -TERM $$": 128 + 15} {
		if code, err := child([]string{"sh", "-c", script}, "postgres://x"); code != want || err != nil {
			t.Errorf("%q: %d, %v; want %d", script, code, err, want)
		}
	}
	if code, err := child([]string{"/no/such/program"}, ""); code != 127 || err == nil {
		t.Errorf("missing program: %d, %v; want 127 and an error", code, err)
	}
}

func TestChild_passesSignalsOn(t *testing.T) {
	// Caught here too, so that a signal before child listens cannot end the test.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGTERM)
	defer signal.Reset(syscall.SIGTERM)
	started := filepath.Join(t.TempDir(), "started")
	go func() {
		for range 500 {
			if _, err := os.Stat(started); err == nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		syscall.Kill(os.Getpid(), syscall.SIGTERM)
	}()
	code, err := child([]string{"sh", "-c", `trap 'exit 9' TERM; touch "$0"; while :; do sleep 0.05; done`, started}, "")
	if code != 9 || err != nil {
		t.Errorf("child = %d, %v; want 9, what the command's trap says", code, err)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// waitFor returns the text of a file as soon as it exists, or "" when stopped.
func waitFor(t *testing.T, name string, stopped func() bool) string {
	t.Helper()
	for range 1200 {
		if text, err := os.ReadFile(name); err == nil {
			return string(text)
		}
		if stopped() {
			return ""
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%s did not appear within a minute", name)
	return ""
}
