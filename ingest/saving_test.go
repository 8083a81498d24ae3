package ingest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// beside lists the names in the folder of dir.
func beside(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(dir))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// A link that came after the writing began is in the folder, and so is what was written before.
func TestSaving_derived(t *testing.T) {
	linked := sample(t)
	plain := linked.Schema.Clone()
	plain.Tables[1].Links, plain.Tables[1].Time = plain.Tables[1].Links[:1], nil
	before, err := linked.Derive(plain)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "snapshot")
	w, err := before.BeginSave(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Finish(linked, dir); err != nil {
		t.Fatal(err)
	}
	w.Discard()
	got, err := OpenSnapshot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	if len(got.Tables[1].Parents) != 2 || got.Tables[1].Parents[0][2] != linked.Tables[1].Parents[0][2] {
		t.Errorf("parents of the second table: %v, want those of %v", got.Tables[1].Parents, linked.Tables[1].Parents)
	}
	if names := beside(t, dir); len(names) != 1 {
		t.Errorf("left behind: %v", names)
	}
}

func TestSaving_discard(t *testing.T) {
	s := sample(t)
	dir := filepath.Join(t.TempDir(), "snapshot")
	w, err := s.BeginSave(dir)
	if err != nil {
		t.Fatal(err)
	}
	w.Discard()
	if names := beside(t, dir); len(names) != 0 {
		t.Errorf("left behind: %v", names)
	}
	if err := s.Save(dir); err != nil {
		t.Fatal(err)
	}
	if w, err = s.BeginSave(dir); err != nil {
		t.Fatal(err)
	}
	if err := w.Finish(s, dir); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a folder that is there: %v, want fs.ErrExist", err)
	}
	if names := beside(t, dir); len(names) != 1 {
		t.Errorf("left behind: %v", names)
	}
}
