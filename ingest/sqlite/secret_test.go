package sqlite

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/rowlink/rowlink/schema"
)

// Values of columns that are named like secrets reach neither the snapshot nor its
// files; those that foreign keys use are identity and stay.
func TestRead_secrets(t *testing.T) {
	snap := take(t,
		`CREATE TABLE people (ssn TEXT PRIMARY KEY, password_hash TEXT, api_key TEXT UNIQUE NOT NULL, name TEXT)`,
		`CREATE TABLE resets (token TEXT PRIMARY KEY, person_ssn TEXT NOT NULL REFERENCES people)`,
		`INSERT INTO people VALUES ('123-45', 'hush-hash', 'hush-key', 'Ada'), ('678-90', 'hush-2', 'hush-3', 'Bob')`,
		`INSERT INTO resets VALUES ('hush-token', '678-90')`)
	inferred := snap.Schema.Clone()
	schema.Infer(inferred, snap.Stats())
	people, resets := inferred.Tables[0], inferred.Tables[1]
	for _, c := range []schema.Column{people.Columns[1], people.Columns[2], resets.Columns[0]} {
		if c.Kind != schema.Opaque || c.Sem != schema.SemIgnore {
			t.Errorf("column %q is %s, %s; want it opaque and ignored", c.Name, c.Kind, c.Sem)
		}
	}
	if got, want := people.Columns[1].Reason, "named like a secret (password), so it is not read"; got != want {
		t.Errorf("reason is %q, want %q", got, want)
	}
	if len(resets.Key) != 0 || len(people.Key) != 1 || len(people.Unique) != 0 {
		t.Errorf("keys are %v, %v and unique %v; want only that of people", people.Key, resets.Key, people.Unique)
	}
	if p := snap.Tables[1].Parents[0]; len(p) != 1 || p[0] < 0 {
		t.Errorf("parents of resets are %v, want one person", p)
	}
	dir := filepath.Join(t.TempDir(), "snap")
	if err := snap.Save(dir); err != nil {
		t.Fatal(err)
	}
	if stored(t, dir, "hush") {
		t.Error("a secret is in the files of the snapshot")
	}
	if !stored(t, dir, "Ada") {
		t.Error("the name is not in the files of the snapshot, so the test sees nothing")
	}
}

// stored reports whether a file under dir holds text.
func stored(t *testing.T, dir, text string) (found bool) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		found = found || bytes.Contains(b, []byte(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
