package sqlite

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/sourcetest"
)

// create writes a SQLite file by the given statements and returns its path.
func create(t testing.TB, statements ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test #1?.db")
	fill(t, path, statements...)
	return path
}

func fill(t testing.TB, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", fileURL(path, ""))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func TestSource_contract(t *testing.T) {
	path := create(t, sourcetest.Statements()...)
	sourcetest.Run(t, sourcetest.Fixture(t), "sqlite:"+path, ingest.OpenOptions{})
}
