package workspace

import (
	"os"
	"path/filepath"
	"testing"
)

func TestRemoveModels(t *testing.T) {
	w, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range []string{"a", "a", "b"} {
		v, err := w.NewVersion(task)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(v.Dir, "x"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := v.Commit(Manifest{}); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []int{2, 0} {
		if n, err := w.RemoveModels("a"); err != nil || n != want {
			t.Errorf("call %d removed %d versions, %v, want %d", i+1, n, err, want)
		}
	}
	if have, err := w.ModelTasks(); err != nil || len(have) != 1 || have[0] != "b" {
		t.Errorf("left are %v, %v", have, err)
	}
	if _, err := w.Model("b", Latest); err != nil {
		t.Error(err)
	}
	if _, err := w.RemoveModels("../b"); err == nil {
		t.Error("a path was taken for a task")
	}
}
