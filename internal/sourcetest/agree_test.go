package sourcetest_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rowlink/rowlink/ingest"
	_ "github.com/rowlink/rowlink/ingest/csvdir"
	_ "github.com/rowlink/rowlink/ingest/postgres"
	_ "github.com/rowlink/rowlink/ingest/sqlite"
	"github.com/rowlink/rowlink/internal/pgtest"
	"github.com/rowlink/rowlink/internal/sourcetest"
	"github.com/rowlink/rowlink/internal/testdata"
	"github.com/rowlink/rowlink/schema"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// Real databases give the same snapshot from Postgres, from a SQLite file with the same
// tables, and from the CSV files and the schema.sql that Postgres was filled from.
func TestSources_agree(t *testing.T) {
	names := []string{"chinook", "northwind", "f1", "lahman"}
	if testing.Short() {
		names = names[:1]
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			want := take(t, pgtest.LoadDataset(t, name))
			path := filepath.Join(t.TempDir(), name+".db")
			writeSQLite(t, path, want)
			rows := 0
			for _, table := range want.Tables {
				rows += table.Rows
			}
			if rows < 1000 {
				t.Errorf("only %d rows were compared", rows)
			}
			for _, url := range []string{"sqlite:" + path, "csv:" + testdata.Path(t, "data", name)} {
				for i, d := range sourcetest.Diff(take(t, url), want) {
					if i == 10 {
						t.Fatal("and more")
					}
					t.Errorf("%s: %s", url, d)
				}
			}
		})
	}
}

func take(t *testing.T, url string) *ingest.Snapshot {
	t.Helper()
	src, err := ingest.Open(t.Context(), url, ingest.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	snap, err := ingest.Take(t.Context(), src, ingest.TakeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

// writeSQLite writes the tables of a snapshot with their keys to a new file.
func writeSQLite(t *testing.T, path string, s *ingest.Snapshot) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range s.Tables {
		if _, err := tx.Exec(createTable(s.Schema, table.Def)); err != nil {
			t.Fatalf("%s: %v", createTable(s.Schema, table.Def), err)
		}
		insert, err := tx.Prepare(fmt.Sprintf("INSERT INTO %q VALUES (?%s)", table.Def.Name, strings.Repeat(", ?", len(table.Columns)-1)))
		if err != nil {
			t.Fatal(err)
		}
		row := make([]any, len(table.Columns))
		for r := table.Rows - 1; r >= 0; r-- {
			for c := range table.Columns {
				row[c] = table.Columns[c].Value(r)
				if v, ok := row[c].(time.Time); ok {
					row[c] = v.Format("2006-01-02 15:04:05.999999")
				}
			}
			if _, err := insert.Exec(row...); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

func createTable(s *schema.Schema, t *schema.Table) string {
	var parts []string
	list := func(t *schema.Table, cols []int) string { return `"` + strings.Join(t.Names(cols), `", "`) + `"` }
	for _, c := range t.Columns {
		part := fmt.Sprintf("%q %s", c.Name, c.DBType)
		if c.NotNull {
			part += " NOT NULL"
		}
		parts = append(parts, part)
	}
	if len(t.Key) > 0 {
		parts = append(parts, "PRIMARY KEY ("+list(t, t.Key)+")")
	}
	for _, u := range t.Unique {
		parts = append(parts, "UNIQUE ("+list(t, u)+")")
	}
	for _, l := range t.Links {
		to := s.Tables[l.To]
		parts = append(parts, fmt.Sprintf("FOREIGN KEY (%s) REFERENCES %q (%s)", list(t, l.Columns), to.Name, list(to, l.Ref)))
	}
	return fmt.Sprintf("CREATE TABLE %q (%s)", t.Name, strings.Join(parts, ", "))
}
