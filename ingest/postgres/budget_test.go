//go:build linux

package postgres

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/pgtest"
)

const (
	budgetURL   = "ROWLINK_TEST_BUDGET_URL"
	budgetSpill = "ROWLINK_TEST_BUDGET_SPILL"
	budgetLimit = 192 << 20 // of private memory, which the system enforces
)

// TestBudget_child is the process that TestBudget runs under a limit.
func TestBudget_child(t *testing.T) {
	url := os.Getenv(budgetURL)
	if url == "" {
		t.Skip("run by TestBudget")
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_DATA, &syscall.Rlimit{Cur: budgetLimit, Max: budgetLimit}); err != nil {
		t.Fatal(err)
	}
	const budget = 32 << 20
	src, err := ingest.Open(t.Context(), url, ingest.OpenOptions{Memory: budget})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	snap, err := ingest.Take(t.Context(), src, ingest.TakeOptions{Spill: os.Getenv(budgetSpill), Memory: budget / 4})
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	fmt.Printf("snapshot %s rows %d %d\n", snap.ID, snap.Tables[0].Rows, snap.Tables[1].Rows)
}

// P11: a database larger than the memory that the process may have is read within it: many
// short rows out of the order of their key, and few long texts, which lie outside the pages.
func TestBudget(t *testing.T) {
	if testing.Short() {
		t.Skip("200 MB")
	}
	url := pgtest.URL(t)
	mustExec(t, admin(t, url), "CREATE TABLE long (id int PRIMARY KEY, body text)", "ALTER TABLE long ALTER body SET STORAGE EXTERNAL",
		"INSERT INTO long SELECT i, repeat(md5(i::text), 12000) FROM generate_series(1, 400) i",
		"CREATE TABLE many (id int PRIMARY KEY, a float8, b float8, c timestamptz, d text)",
		`INSERT INTO many SELECT 450000 - i, i, i * 0.5, timestamptz '2020-01-01' + i * interval '1 s', md5(i::text) || md5(i::text) FROM generate_series(1, 450000) i`)
	child := func(spill string) (string, error) {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestBudget_child$")
		cmd.Env = append(os.Environ(), budgetURL+"="+url, budgetSpill+"="+spill)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := child(t.TempDir())
	if err != nil || !strings.Contains(out, "rows 400 450000") {
		t.Errorf("read within %d bytes: %v\n%.2000s", budgetLimit, err, out)
	}
	if out, err := child(""); err == nil || !strings.Contains(out, "memory") {
		t.Errorf("without files the same read fits the limit, so this test shows nothing: %v\n%.2000s", err, out)
	}
}
