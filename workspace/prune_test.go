package workspace

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// pruneable has six versions of a task: prod names 3 and named 2 before, best names 1; of
// three snapshots the middle one is needed by nobody who stays; and two old checkpoints.
func pruneable(t *testing.T) *Workspace {
	t.Helper()
	w, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	for _, id := range []string{"aa", "bb", "cc"} {
		s, err := w.NewSnapshotDir()
		must(err)
		must(os.Mkdir(s.Path, 0o700))
		must(os.WriteFile(filepath.Join(s.Path, "t.arrow"), []byte("12345"), 0o600))
		_, err = w.CommitSnapshot(s, id)
		must(err)
		must(os.WriteFile(w.path("snapshots", id+".source"), []byte("db"), 0o600))
	}
	for n := range 6 {
		v, err := w.NewVersion("churn")
		must(err)
		must(WriteFile(filepath.Join(v.Dir, "model"), []byte("1234567")))
		must(v.Commit(Manifest{Snapshot: []string{"aa", "aa", "aa", "bb", "bb", "cc"}[n]}))
	}
	for _, move := range [][2]string{{"2", "prod"}, {"3", "prod"}, {"1", "best"}} {
		_, err := w.Promote("churn", move[0], move[1])
		must(err)
	}
	for _, run := range []string{"old", "young"} {
		dir, err := w.CheckpointDir("churn", run)
		must(err)
		must(WriteFile(filepath.Join(dir, "state"), []byte("123")))
		if run == "old" {
			past := time.Now().Add(-48 * time.Hour)
			must(os.Chtimes(filepath.Join(dir, "state"), past, past))
			must(os.Chtimes(dir, past, past))
		}
	}
	return w
}

func names(list []Pruned) (out []string) {
	for _, p := range list {
		out = append(out, fmt.Sprintf("%s %s %s", p.Kind, p.Task, p.Name))
	}
	return out
}

func TestPrune(t *testing.T) {
	w := pruneable(t)
	dry, err := w.Prune(Retention{Keep: 1, Dry: true, Used: map[string][]int{"churn": {4}}})
	if err != nil {
		t.Fatal(err)
	}
	// 6 is the latest, 3, 2 and 1 are named or would be after a rollback, 4 is used
	if diff := cmp.Diff([]string{"version churn 5", "checkpoint churn old", "checkpoint churn young"}, names(dry)); diff != "" {
		t.Errorf("dry (-want +got):\n%s", diff)
	}
	if list, _ := w.Models("churn"); len(list) != 6 {
		t.Errorf("%d versions after a dry run", len(list))
	}
	gone, err := w.Prune(Retention{Keep: 1, Older: 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"version churn 4", "version churn 5", "checkpoint churn old"}, names(gone)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if gone[0].Bytes < 7 {
		t.Errorf("%d bytes", gone[0].Bytes)
	}
	gone, err = w.Prune(Retention{Keep: 1}) // snapshots of any age
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"snapshot  bb", "checkpoint churn young"}, names(gone)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := os.Stat(w.path("snapshots", "bb.source")); err == nil {
		t.Error("the file beside the snapshot is left")
	}
	list, err := w.Models("churn")
	if err != nil || len(list) != 4 {
		t.Fatalf("%d versions, %v", len(list), err)
	}
	for _, m := range list {
		if err := m.Verify(); err != nil {
			t.Error(err)
		}
	}
	if _, err := w.Rollback("churn", ""); err != nil {
		t.Errorf("roll back after pruning: %v", err)
	}
	if _, err := w.Prune(Retention{}); err == nil {
		t.Error("all versions may go")
	}
}

// A task that is not asked about keeps its versions, and their snapshots.
func TestPrune_oneTask(t *testing.T) {
	w := pruneable(t)
	gone, err := w.Prune(Retention{Keep: 1, Task: "other"})
	if err != nil || len(gone) != 0 {
		t.Errorf("%v %v", gone, err)
	}
}

// A crash before any step leaves every version whole or gone, and no leftover.
func TestPrune_crash(t *testing.T) {
	for n := 1; ; n++ {
		w, steps, dead := pruneable(t), 0, errors.New("dead")
		w.files.fault = func(string, string) error {
			if steps++; steps >= n {
				return dead
			}
			return nil
		}
		_, err := w.Prune(Retention{Keep: 1})
		again, reopened := Open(w.Dir())
		if reopened != nil {
			t.Fatal(reopened)
		}
		list, listed := again.Models("churn")
		if listed != nil || len(list) < 4 {
			t.Fatalf("step %d: %d versions, %v", n, len(list), listed)
		}
		for _, m := range list {
			if err := m.Verify(); err != nil {
				t.Errorf("step %d: %v", n, err)
			}
		}
		if again.dirty() {
			t.Errorf("step %d: something is left", n)
		}
		if err == nil {
			if n < 3 {
				t.Errorf("only %d steps could fail", n-1)
			}
			return
		}
		if !errors.Is(err, dead) {
			t.Fatal(err)
		}
	}
}

// PruneSnapshots touches snapshots alone, and of those only what nobody needs any more.
func TestPruneSnapshots(t *testing.T) {
	w := pruneable(t)
	for _, id := range []string{"dd", "ee"} { // ee is the latest, no version needs dd
		s, err := w.NewSnapshotDir()
		if err == nil {
			err = os.Mkdir(s.Path, 0o700)
		}
		if err == nil {
			_, err = w.CommitSnapshot(s, id)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if gone, err := w.PruneSnapshots(24 * time.Hour); err != nil || len(gone) > 0 {
		t.Errorf("young snapshots go: %v %v", gone, err)
	}
	gone, err := w.PruneSnapshots(0)
	if diff := cmp.Diff([]string{"snapshot  dd"}, names(gone)); err != nil || diff != "" {
		t.Errorf("(-want +got), %v:\n%s", err, diff)
	}
	if after, err := w.Models("churn"); err != nil || len(after) != 6 {
		t.Errorf("%d versions left, %v", len(after), err)
	}
}
