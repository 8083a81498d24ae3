package main

import (
	"bytes"
	"context"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rowlink/rowlink/internal/pgtest"
	"github.com/rowlink/rowlink/internal/shop"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var tiny = shop.Options{Customers: 30, Seed: 1}

func TestSeed_filesAndStandardOutput(t *testing.T) {
	dir := t.TempDir()
	var out, progress bytes.Buffer
	to := target{sqlite: filepath.Join(dir, "shop.db"), sql: "-"}
	if err := seed(t.Context(), to, tiny, &out, &progress); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(to.sqlite); err != nil || st.Size() == 0 {
		t.Errorf("SQLite file: %v", err)
	}
	if err := seed(t.Context(), target{sql: filepath.Join(dir, "shop.sql")}, tiny, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile(filepath.Join(dir, "shop.sql"))
	if err != nil || !bytes.Equal(script, out.Bytes()) || !strings.HasPrefix(out.String(), "CREATE TABLE suppliers (") {
		t.Errorf("scripts of %d and %d bytes (%v)", len(script), out.Len(), err)
	}
	if !strings.HasPrefix(progress.String(), "wrote 30 customers, ") {
		t.Errorf("progress %q", progress.String())
	}
	if err := seed(t.Context(), target{}, tiny, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "--postgres URL") {
		t.Errorf("nowhere to write: error %v", err)
	}
}

// TestSeed_likeCompose does what docker-compose.yml does: deploy/reader.sql by a
// superuser, the shop after it, then reading as that role.
func TestSeed_likeCompose(t *testing.T) {
	owner := pgtest.URL(t)
	f, err := os.Open(filepath.Join("..", "..", "..", "deploy", "reader.sql"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	conn, err := pgx.Connect(t.Context(), owner)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := pgtest.RunScript(t.Context(), conn, ".", f); err != nil {
		t.Fatal(err)
	}
	if err := seed(t.Context(), target{postgres: owner, schema: "public"}, tiny, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(owner)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("rowlink_reader", "rowlink")
	reader, err := pgx.Connect(t.Context(), u.String())
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close(context.Background())
	var n int
	if err := reader.QueryRow(t.Context(), "SELECT count(*) FROM customers").Scan(&n); err != nil || n != tiny.Customers {
		t.Errorf("the reader sees %d customers (%v), want %d", n, err, tiny.Customers)
	}
	if _, err := reader.Exec(t.Context(), "DELETE FROM returns"); err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("the reader may delete: error %v", err)
	}
}

func TestSeed_postgresTwice(t *testing.T) {
	to := target{postgres: pgtest.URL(t), schema: "public", ifMissing: true}
	for _, want := range []string{"wrote 30 customers, ", "schema public holds a shop already"} {
		var progress bytes.Buffer
		if err := seed(t.Context(), to, tiny, io.Discard, &progress); err != nil || !strings.HasPrefix(progress.String(), want) {
			t.Errorf("progress %q, error %v; want %q", progress.String(), err, want)
		}
	}
	to.ifMissing = false
	if err := seed(t.Context(), to, tiny, io.Discard, io.Discard); err == nil {
		t.Error("a second shop over the first one: no error")
	}
}
