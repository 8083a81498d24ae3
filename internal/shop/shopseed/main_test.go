package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
