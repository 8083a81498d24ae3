package workspace

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// crashEnv makes the test binary a child that dies at a given step: "change:step:dir".
const crashEnv = "ROWLINK_WORKSPACE_CRASH"

// changes are the acts that the crash tests interrupt at every step, each from the
// same start: task t = "old", snapshot s1, versions 1 and 2, prod = 2 after 1.
var changes = map[string]func(*Workspace) error{
	"task":      func(w *Workspace) error { return w.SaveTask("t", strings.Repeat("new", 50_000)) },
	"task-new":  func(w *Workspace) error { return w.SaveTask("u", "fresh") },
	"mapping":   func(w *Workspace) error { return w.SaveMapping([]byte("m")) },
	"snapshot":  func(w *Workspace) error { return commitSnapshot(w, "s2", "rows") },
	"version":   func(w *Workspace) error { _, err := commitVersion(w, "t", "v3"); return err },
	"version-u": func(w *Workspace) error { _, err := commitVersion(w, "u", "v1"); return err },
	"promote":   func(w *Workspace) error { _, err := w.Promote("t", "1", ""); return err },
	"rollback":  func(w *Workspace) error { _, err := w.Rollback("t", ""); return err },
	"alias":     func(w *Workspace) error { _, err := w.Promote("t", "1", "canary"); return err },
	"jobs":      func(w *Workspace) error { _, err := w.CheckpointDir("t", "r1"); return err },
}

func startState(t *testing.T) *Workspace {
	w := newWorkspace(t)
	must(0, w.SaveTask("t", "old"))
	must(0, commitSnapshot(w, "s1", "rows"))
	must(commitVersion(w, "t", "v1"))
	must(commitVersion(w, "t", "v2"))
	must(w.Promote("t", "1", ""))
	must(w.Promote("t", "2", ""))
	return w
}

// state says everything that a reader can learn; it fails when anything is half done.
func state(w *Workspace) (string, error) {
	var b strings.Builder
	var faults []error
	note := func(err error) { faults = append(faults, err) }
	tasks, err := w.Tasks()
	note(err)
	for _, name := range tasks {
		text, err := w.Task(name)
		note(err)
		fmt.Fprintf(&b, "task %s: %d bytes %.3s\n", name, len(text), text)
	}
	mapping, _ := w.Mapping()
	fmt.Fprintf(&b, "mapping %q\n", mapping)
	id, dir, err := w.LatestSnapshot()
	note(err)
	rows, err := os.ReadFile(filepath.Join(dir, "a.arrow"))
	note(err)
	fmt.Fprintf(&b, "latest %s: %s\n", id, rows)
	names, err := w.ModelTasks()
	note(err)
	for _, name := range names {
		models, err := w.Models(name)
		note(err)
		for _, m := range models {
			note(m.Verify())
			fmt.Fprintf(&b, "model %s %d %v\n", name, m.Version, m.Aliases)
		}
	}
	moves, err := w.Moves("t")
	note(err)
	fmt.Fprintf(&b, "%d moves\n", len(moves))
	return b.String(), errors.Join(faults...)
}

// TestChange_faultAtEveryStep fails the 1st, 2nd, ... step with a full disk until the
// change succeeds; after each, the state is the old or the new one, nothing is left
// over, and the same change then works.
func TestChange_faultAtEveryStep(t *testing.T) {
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			steps, after := 0, stateAfter(t, change)
			for n := 1; ; n++ {
				w := startState(t)
				before := must(state(w))
				faulty := w.faultAt(n, func() error { return syscall.ENOSPC })
				err := change(faulty)
				if err == nil {
					break
				}
				steps++
				if !errors.Is(err, syscall.ENOSPC) {
					t.Fatalf("step %d: %v does not say that the disk is full", n, err)
				}
				checkAfter(t, n, w.Dir(), before, after, change)
			}
			if steps < 3 {
				t.Errorf("only %d steps were failed", steps)
			}
		})
	}
}

// checkAfter opens the workspace after an interrupted change.
func checkAfter(t *testing.T, n int, dir, before, after string, change func(*Workspace) error) {
	t.Helper()
	w, err := Open(dir)
	if err != nil {
		t.Fatalf("step %d: %v", n, err)
	}
	if left := leftoversOf(w); len(left) > 0 {
		t.Fatalf("step %d: left over: %q", n, left)
	}
	got, err := state(w)
	if err != nil {
		t.Fatalf("step %d: damaged: %v", n, err)
	}
	if err := change(w); err != nil && got == before {
		t.Fatalf("step %d: the change does not work afterwards: %v", n, err)
	}
	if got != before && got != after {
		t.Errorf("step %d: neither old nor new:\n%s\nold:\n%s\nnew:\n%s", n, got, before, after)
	}
}

// stateAfter returns the state that the undisturbed change leads to.
func stateAfter(t *testing.T, change func(*Workspace) error) string {
	w := startState(t)
	must(0, change(w))
	return must(state(w))
}

func (w *Workspace) faultAt(n int, fault func() error) *Workspace {
	count := 0
	c := *w
	c.files.fault = func(string, string) error {
		if count++; count == n {
			return fault()
		}
		return nil
	}
	return &c
}

// TestChange_killedAtEveryStep does the same with a process that is killed, so that no
// deferred function tidies up.
func TestChange_killedAtEveryStep(t *testing.T) {
	if testing.Short() {
		t.Skip("starts about a hundred processes")
	}
	self := must(os.Executable())
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			after := stateAfter(t, change)
			for n := 1; ; n++ {
				w := startState(t)
				before := must(state(w))
				cmd := exec.Command(self)
				cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s:%d:%s", crashEnv, name, n, w.Dir()))
				out, err := cmd.CombinedOutput()
				if err == nil {
					break
				}
				var exit *exec.ExitError
				if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
					t.Fatalf("step %d: the child ended with %v: %s", n, err, out)
				}
				checkAfter(t, n, w.Dir(), before, after, change)
			}
		})
	}
}

// crashingChild makes one change and kills itself at one step.
func crashingChild() {
	part := strings.SplitN(os.Getenv(crashEnv), ":", 3)
	w := must(Open(part[2]))
	self := os.Getpid()
	w = w.faultAt(must(strconv.Atoi(part[1])), func() error {
		must(0, syscall.Kill(self, syscall.SIGKILL))
		select {} // the signal is on its way
	})
	must(0, changes[part[0]](w))
}

func TestWriteStream_failingFill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	must(0, WriteFile(path, []byte("old")))
	boom := errors.New("boom")
	err := WriteStream(path, func(w io.Writer) error {
		_, _ = io.WriteString(w, strings.Repeat("x", 1<<20))
		return boom
	})
	if !errors.Is(err, boom) {
		t.Errorf("error %v, want that of fill", err)
	}
	if got := must(os.ReadFile(path)); string(got) != "old" {
		t.Errorf("content is %.20q", got)
	}
	if entries := must(os.ReadDir(filepath.Dir(path))); len(entries) != 1 {
		t.Errorf("%d files, want 1", len(entries))
	}
	if info := must(os.Stat(path)); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, want 0600", info.Mode())
	}
	if err := WriteFile(filepath.Join(t.TempDir(), "no", "f"), nil); err == nil {
		t.Error("writing into a folder that is not there works")
	}
}
