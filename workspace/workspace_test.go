package workspace

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(crashEnv) != "" {
		crashingChild()
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func newWorkspace(t *testing.T) *Workspace {
	t.Helper()
	w, err := Open(filepath.Join(t.TempDir(), "ws"))
	if err != nil {
		t.Fatal(err)
	}
	w.now = func() time.Time { return time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC) }
	return w
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// commitVersion stores a version whose model file holds text.
func commitVersion(w *Workspace, task, text string) (int, error) {
	v, err := w.NewVersion(task)
	if err != nil {
		return 0, err
	}
	defer v.Discard()
	if err := w.files.write(filepath.Join(v.Dir, "model.safetensors"), []byte(text)); err != nil {
		return 0, err
	}
	return v.Number, v.Commit(Manifest{TaskHash: "h", Snapshot: "s1", Info: []byte(`{"seed":7}`)})
}

// commitSnapshot stores a snapshot of one file.
func commitSnapshot(w *Workspace, id, text string) error {
	s, err := w.NewSnapshotDir()
	if err != nil {
		return err
	}
	defer s.Discard()
	if err := os.Mkdir(s.Path, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(s.Path, "a.arrow"), []byte(text), 0o600); err != nil {
		return err
	}
	_, err = w.CommitSnapshot(s, id)
	return err
}

func TestTasks(t *testing.T) {
	w := newWorkspace(t)
	if names := must(w.Tasks()); len(names) != 0 {
		t.Fatalf("tasks of a workspace that does not exist: %q", names)
	}
	if _, err := os.Stat(w.Dir()); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal("reading created the folder")
	}
	for _, name := range []string{"churn", "churn-30", "Prognose_Käufe"} {
		if err := w.SaveTask(name, "PREDICT "+name); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.SaveTask("churn", "PREDICT other"); err != nil {
		t.Fatal(err)
	}
	if got := must(w.Task("churn")); got != "PREDICT other" {
		t.Errorf("task churn is %q", got)
	}
	if diff := cmp.Diff([]string{"Prognose_Käufe", "churn", "churn-30"}, must(w.Tasks())); diff != "" {
		t.Error(diff)
	}
	_, err := w.Task("chrun")
	var missing *NotFoundError
	if !errors.As(err, &missing) || !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("error %v, want a NotFoundError", err)
	}
	if want := fmt.Sprintf(`no task "chrun" in workspace %q (did you mean "churn"?)`, w.Dir()); err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
	if _, err := w.Task("zzzzzz"); !strings.Contains(err.Error(), "have Prognose_Käufe, churn, churn-30") {
		t.Errorf("error %q does not list the tasks", err)
	}
	if err := w.RemoveTask("churn"); err != nil {
		t.Fatal(err)
	}
	if err := w.RemoveTask("churn"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("second removal: %v", err)
	}
}

func TestCheckTaskName(t *testing.T) {
	for _, name := range []string{"a", "user_churn", "ltv-30", "Käufe", "7", strings.Repeat("n", 100)} {
		if err := CheckTaskName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", ".", "..", "a/b", `a\b`, "../x", "a.sql", ".tmp-1", "-rf", "a b", "a\nb", "a\x00",
		"a:b", "\xff", "\u202eevil", strings.Repeat("n", 101), strings.Repeat("é", 51)} {
		err := CheckTaskName(name)
		if err == nil {
			t.Errorf("%q is accepted", name)
			continue
		}
		w := newWorkspace(t)
		if w.SaveTask(name, "x") == nil || len(must(w.Tasks())) > 0 {
			t.Errorf("SaveTask takes %q", name)
		}
		for what, err := range map[string]error{
			"Task":          second(w.Task(name)),
			"NewVersion":    second(w.NewVersion(name)),
			"Model":         second(w.Model(name, "")),
			"Models":        second(w.Models(name)),
			"CheckpointDir": second(w.CheckpointDir(name, "r")),
			"run":           second(w.CheckpointDir("t", name)),
			"Snapshot":      second(w.Snapshot(name)),
			"Rollback":      second(w.Rollback(name, "")),
		} {
			if err == nil {
				t.Errorf("%s takes %q", what, name)
			}
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestMappingAndCheckpoints(t *testing.T) {
	w := newWorkspace(t)
	if _, err := w.Mapping(); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("mapping before it was saved: %v", err)
	}
	if err := w.SaveMapping([]byte("tables: {}\n")); err != nil {
		t.Fatal(err)
	}
	if got := string(must(w.Mapping())); got != "tables: {}\n" {
		t.Errorf("mapping is %q", got)
	}
	dir := must(w.CheckpointDir("churn", "run1"))
	if err := WriteFile(filepath.Join(dir, "last.safetensors"), []byte("w")); err != nil {
		t.Fatal(err)
	}
	if again := must(w.CheckpointDir("churn", "run1")); again != dir {
		t.Errorf("checkpoint folder %q, then %q", dir, again)
	}
	if err := w.RemoveCheckpoints("churn", "run1"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("checkpoints still stand: %v", err)
	}
}

func TestSnapshots(t *testing.T) {
	w := newWorkspace(t)
	if _, _, err := w.LatestSnapshot(); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "rowlink ingest") {
		t.Fatalf("latest of none: %v", err)
	}
	for _, id := range []string{"bb", "aa", "bb"} {
		if err := commitSnapshot(w, id, "rows of "+id); err != nil {
			t.Fatal(err)
		}
	}
	id, dir, err := w.LatestSnapshot()
	if err != nil || id != "bb" || string(must(os.ReadFile(filepath.Join(dir, "a.arrow")))) != "rows of bb" {
		t.Errorf("latest is %q in %q, %v", id, dir, err)
	}
	if diff := cmp.Diff([]string{"aa", "bb"}, must(w.Snapshots())); diff != "" {
		t.Error(diff)
	}
	if _, err := w.Snapshot("ab"); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "have aa, bb") {
		t.Errorf("unknown snapshot: %v", err)
	}
	for _, bad := range []string{"", "latest", "a/b", ".."} {
		s := must(w.NewSnapshotDir())
		must(0, os.Mkdir(s.Path, 0o700))
		if _, err := w.CommitSnapshot(s, bad); err == nil {
			t.Errorf("id %q is accepted", bad)
		}
		must(0, s.Discard())
	}
	s := must(w.NewSnapshotDir())
	if _, err := w.CommitSnapshot(s, "cc"); err == nil || !strings.Contains(err.Error(), "nothing was saved") {
		t.Errorf("commit of nothing: %v", err)
	}
	must(0, s.Discard())
	if left := leftoversOf(w); len(left) > 0 {
		t.Errorf("left over: %q", left)
	}
}

func TestModels(t *testing.T) {
	w := newWorkspace(t)
	if _, err := w.Model("churn", ""); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "rowlink train") {
		t.Fatalf("model of none: %v", err)
	}
	for want := 1; want <= 3; want++ {
		if n := must(commitVersion(w, "churn", fmt.Sprintf("weights %d", want))); n != want {
			t.Fatalf("version %d, want %d", n, want)
		}
	}
	if _, err := w.Model("churn", ""); err == nil || !strings.Contains(err.Error(), "rowlink promote churn 3") {
		t.Errorf("no prod yet: %v", err)
	}
	m := must(w.Model("churn", Latest))
	want := Manifest{Task: "churn", Version: 3, Created: w.now(), TaskHash: "h", Snapshot: "s1", Info: m.Info,
		Files: map[string]FileInfo{"model.safetensors": {Bytes: 9, SHA256: fmt.Sprintf("%x", sha256.Sum256([]byte("weights 3")))}}}
	if diff := cmp.Diff(want, m.Manifest); diff != "" {
		t.Error(diff)
	}
	if err := m.Verify(); err != nil {
		t.Error(err)
	}
	for _, step := range []struct{ promote, alias, prod, previous string }{
		{"1", "", "1", ""},
		{"1", "", "1", ""},
		{"3", "prod", "3", "1"},
		{"2", "canary", "3", "1"},
		{"canary", "", "2", "3"},
	} {
		if _, err := w.Promote("churn", step.promote, step.alias); err != nil {
			t.Fatal(err)
		}
		checkModel(t, w, "", step.prod)
		checkModel(t, w, Previous, step.previous)
	}
	models := must(w.Models("churn"))
	if diff := cmp.Diff([][]string{nil, {"canary", "prod"}, nil},
		[][]string{models[0].Aliases, models[1].Aliases, models[2].Aliases}); diff != "" {
		t.Error(diff)
	}
	for _, prod := range []string{"3", "1"} {
		if _, err := w.Rollback("churn", ""); err != nil {
			t.Fatal(err)
		}
		checkModel(t, w, "prod", prod)
	}
	if _, err := w.Rollback("churn", ""); err == nil || !strings.Contains(err.Error(), "named no other version before") {
		t.Errorf("rollback past the first: %v", err)
	}
	var moves []string
	for _, m := range must(w.Moves("churn")) {
		moves = append(moves, fmt.Sprintf("%s %s %d->%d", m.Act, m.Alias, m.From, m.To))
	}
	if diff := cmp.Diff([]string{"promote prod 0->1", "promote prod 1->3", "promote canary 0->2", "promote prod 3->2",
		"rollback prod 2->3", "rollback prod 3->1"}, moves); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"churn"}, must(w.ModelTasks())); diff != "" {
		t.Error(diff)
	}
	for _, name := range []string{"4", "latest", "previous", "a.b"} {
		if _, err := w.Promote("churn", "1", name); err == nil {
			t.Errorf("alias %q is accepted", name)
		}
	}
	if _, err := w.Model("churn", "canry"); err == nil || !strings.Contains(err.Error(), `did you mean "canary"?`) {
		t.Errorf("misspelt alias: %v", err)
	}
}

func checkModel(t *testing.T, w *Workspace, ref, want string) {
	t.Helper()
	m, err := w.Model("churn", ref)
	if want == "" {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q is %v, %v, want none", ref, m, err)
		}
		return
	}
	if err != nil || fmt.Sprint(m.Version) != want {
		t.Errorf("%q is %v, %v, want version %s", ref, m, err, want)
	}
}

func TestPromote_refusesDamagedFiles(t *testing.T) {
	for name, damage := range map[string]func(dir string) error{
		"has a SHA-256 of": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "model.safetensors"), []byte("other"), 0o600)
		},
		"has 3 bytes, want 5": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "model.safetensors"), []byte("abc"), 0o600)
		},
		"is missing":             func(dir string) error { return os.Remove(filepath.Join(dir, "model.safetensors")) },
		"is not in the manifest": func(dir string) error { return os.WriteFile(filepath.Join(dir, "x"), nil, 0o600) },
	} {
		w := newWorkspace(t)
		must(commitVersion(w, "t", "good1"))
		must(commitVersion(w, "t", "good2"))
		must(w.Promote("t", "1", ""))
		if err := damage(must(w.Model("t", "2")).Dir); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Promote("t", "2", ""); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		checkModelVersion(t, w, 1)
	}
}

func checkModelVersion(t *testing.T, w *Workspace, want int) {
	t.Helper()
	if m, err := w.Model("t", ""); err != nil || m.Version != want {
		t.Errorf("prod is %v, %v, want version %d", m, err, want)
	}
}

func TestNewVersion_concurrent(t *testing.T) {
	w := newWorkspace(t)
	const writers = 16
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			other := must(Open(w.Dir())) // each as another process would
			if _, err := commitVersion(other, "t", fmt.Sprint(i)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	models := must(w.Models("t"))
	if len(models) != writers || models[writers-1].Version != writers {
		t.Errorf("%d versions, the last is %d, want %d", len(models), models[len(models)-1].Version, writers)
	}
	for _, m := range models {
		if err := m.Verify(); err != nil {
			t.Error(err)
		}
	}
}

func TestOpen_sweepsOnlyTheDead(t *testing.T) {
	w := newWorkspace(t)
	must(commitVersion(w, "t", "v1"))
	must(0, commitSnapshot(w, "s", "x"))

	alive := must(w.NewVersion("t"))
	snap := must(w.NewSnapshotDir())
	stream := filepath.Join(must(w.CheckpointDir("t", "r")), "ckpt")
	err := WriteStream(stream, func(out io.Writer) error {
		if _, err := Open(w.Dir()); err != nil {
			return err
		}
		_, err := out.Write([]byte("whole"))
		return err
	})
	if err != nil {
		t.Errorf("a file in writing was swept: %v", err)
	}
	must(Open(w.Dir()))
	for _, dir := range []string{alive.Dir, filepath.Dir(snap.Path)} {
		if _, err := os.Stat(dir); err != nil {
			t.Errorf("swept although its writer lives: %v", err)
		}
	}

	// A dead process has no locks.
	must(0, alive.lock.Close())
	must(0, snap.lock.Close())
	for _, name := range []string{"tasks/.tmp-1", "snapshots/.tmp-2", ".tmp-3", "jobs/t/r/.tmp-4", "models/t/1/.tmp-5"} {
		must(0, os.MkdirAll(filepath.Dir(w.path(name)), 0o700))
		must(0, os.WriteFile(w.path(name), []byte("half"), 0o600))
	}
	must(Open(w.Dir()))
	if left := leftoversOf(w); len(left) > 0 {
		t.Errorf("left over: %q", left)
	}
	if n := must(commitVersion(w, "t", "v2")); n != 2 {
		t.Errorf("next version is %d, want 2", n)
	}
}

func leftoversOf(w *Workspace) (left []string) {
	w.leftovers(func(path string, _ fs.DirEntry) { left = append(left, path) })
	return left
}

func TestLock_busy(t *testing.T) {
	w := newWorkspace(t)
	must(0, w.SaveTask("a", "x"))
	unlock, err := w.lock("promote the moon")
	if err != nil {
		t.Fatal(err)
	}
	other := must(Open(w.Dir()))
	other.lockWait = 30 * time.Millisecond
	err = other.SaveTask("b", "y")
	var locked *LockedError
	if !errors.As(err, &locked) || locked.PID != os.Getpid() || !strings.Contains(err.Error(), "(promote the moon)") {
		t.Errorf("error %v, want a LockedError that names the holder", err)
	}
	if got := must(other.Task("a")); got != "x" {
		t.Errorf("a reader waits for the lock: %q", got)
	}
	unlock()
	if err := other.SaveTask("b", "y"); err != nil {
		t.Error(err)
	}
}

func TestOpen_refuses(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	must(0, os.WriteFile(file, nil, 0o600))
	if _, err := Open(file); err == nil || !strings.Contains(err.Error(), "want a folder") {
		t.Errorf("a file as workspace: %v", err)
	}
	for content, want := range map[string]string{
		`{"format": 2}`: "its format is 2, this rowlink reads format 1",
		`{"format": 0}`: "its format is 0",
		`{`:             "read workspace.json",
	} {
		must(0, os.WriteFile(filepath.Join(dir, "workspace.json"), []byte(content), 0o600))
		if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("workspace.json %s: %v", content, err)
		}
	}
}

func TestModel_damagedBooks(t *testing.T) {
	w := newWorkspace(t)
	must(commitVersion(w, "t", "v1"))
	must(w.Promote("t", "1", ""))
	for _, book := range []string{`{`, `{"aliases":{"prod":null}}`, `{"aliases":{"prod":{"version":-1}}}`} {
		must(0, os.WriteFile(w.path("models", "t", "aliases.json"), []byte(book), 0o600))
		if _, err := w.Model("t", ""); err == nil || !strings.Contains(err.Error(), "read aliases of task") {
			t.Errorf("aliases %s: %v", book, err)
		}
	}
	must(0, os.WriteFile(w.path("models", "t", "aliases.json"), []byte(`{"aliases":{"prod":{"version":9}}}`), 0o600))
	if _, err := w.Model("t", ""); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("alias of a version that is not there: %v", err)
	}
	must(0, os.WriteFile(w.path("models", "t", "1", manifestFile), []byte(`{"task":"u","version":1}`), 0o600))
	if _, err := w.Model("t", "1"); err == nil || !strings.Contains(err.Error(), `of task "u"`) {
		t.Errorf("manifest of another task: %v", err)
	}
}

func TestEditDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"churn", "chrun", 1}, {"kitten", "sitting", 3}, {"käse", "kase", 1}, {"ab", "ba", 1}, {"ca", "abc", 3}} {
		if got := editDistance(c.a, c.b); got != c.want {
			t.Errorf("%q to %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

// Large columns are collected on the workspace's disk before the workspace is there.
func TestScratch(t *testing.T) {
	above := t.TempDir()
	w, err := Open(filepath.Join(above, "new", ".rowlink"))
	if err != nil {
		t.Fatal(err)
	}
	if got := w.Scratch(); got != above {
		t.Errorf("scratch folder %q before the workspace is there, want %q", got, above)
	}
	if err := os.MkdirAll(w.Dir(), 0o700); err != nil {
		t.Fatal(err)
	}
	if got := w.Scratch(); got != w.Dir() {
		t.Errorf("scratch folder %q, want the workspace %q", got, w.Dir())
	}
}
