package workspace

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// manifestFile is written last; a version without it does not exist.
const manifestFile = "manifest.json"

// A Manifest says where a model version comes from and what its files hold. It never
// changes once written.
type Manifest struct {
	Task     string              `json:"task"`
	Version  int                 `json:"version"`
	Created  time.Time           `json:"created"`
	TaskHash string              `json:"task_hash,omitempty"` // of the canonical statement
	Snapshot string              `json:"snapshot,omitempty"`  // id of the data
	Kernels  string              `json:"kernels,omitempty"`   // path of the inner loops; another one may differ in the last bits
	Info     json.RawMessage     `json:"info,omitempty"`      // the writer's own: config, metrics, seed
	Files    map[string]FileInfo `json:"files"`               // by slash-separated path
}

// FileInfo identifies the content of a file.
type FileInfo struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // lower-case hexadecimal
}

// A Version is a model version that is being written. It belongs to this process
// until Commit or Discard.
type Version struct {
	Task   string
	Number int
	Dir    string // where its files go

	w    *Workspace
	lock *os.File
}

// NewVersion allots the next version number of a task and its folder. The version
// shows only after its Commit.
func (w *Workspace) NewVersion(task string) (*Version, error) {
	if err := CheckTaskName(task); err != nil {
		return nil, err
	}
	v := &Version{Task: task, w: w}
	err := w.change(fmt.Sprintf("allot version of task %q", task), func() error {
		if err := w.files.mkdirAll(w.path("models", task)); err != nil {
			return err
		}
		last, err := w.lastNumber(task)
		if err != nil {
			return err
		}
		for v.Number = last + 1; ; v.Number++ {
			v.Dir = w.path("models", task, strconv.Itoa(v.Number))
			if err := w.files.step("mkdir", v.Dir); err != nil {
				return err
			}
			if err := os.Mkdir(v.Dir, 0o700); err == nil {
				break
			} else if !errors.Is(err, fs.ErrExist) {
				return err
			}
		}
		lock, ok := lockFolder(v.Dir)
		if !ok {
			return fmt.Errorf("lock %q: the file system does not lock folders", v.Dir)
		}
		v.lock = lock
		return w.files.syncDir(w.path("models", task))
	})
	if err != nil {
		return nil, errors.Join(err, v.Discard())
	}
	return v, nil
}

// lastNumber returns the highest version number that was ever allotted and not swept.
func (w *Workspace) lastNumber(task string) (int, error) {
	entries, err := readDir(w.path("models", task))
	last := 0
	for _, e := range entries {
		if n, ok := versionNumber(e.Name()); ok {
			last = max(last, n)
		}
	}
	return last, err
}

// Discard removes the version. After Commit it does nothing, so it can be deferred.
func (v *Version) Discard() error {
	if v.lock == nil {
		return nil
	}
	err := errors.Join(os.RemoveAll(v.Dir), v.lock.Close())
	v.lock = nil
	return err
}

// Commit makes the version visible. The caller fills TaskHash, Snapshot and Info of m;
// the rest is found here. Files in Dir must not change afterwards.
func (v *Version) Commit(m Manifest) error {
	if v.lock == nil {
		panic("workspace: version committed after its end")
	}
	m.Task, m.Version, m.Created = v.Task, v.Number, v.w.now().UTC().Truncate(time.Millisecond)
	err := v.w.change(fmt.Sprintf("commit version %d of task %q", v.Number, v.Task), func() error {
		if err := v.w.files.syncTree(v.Dir); err != nil {
			return err
		}
		var err error
		if m.Files, err = hashTree(v.Dir); err != nil {
			return err
		}
		if len(m.Files) == 0 {
			return errors.New("it holds no file")
		}
		return v.w.files.writeJSON(filepath.Join(v.Dir, manifestFile), m)
	})
	if err != nil {
		return err
	}
	err = v.lock.Close()
	v.lock = nil
	return err
}

func hashTree(dir string) (map[string]FileInfo, error) {
	out := map[string]FileInfo{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || isTemp(d.Name()) || path == filepath.Join(dir, manifestFile) {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		h := sha256.New()
		n, err := io.Copy(h, f)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		out[filepath.ToSlash(rel)] = FileInfo{Bytes: n, SHA256: hex.EncodeToString(h.Sum(nil))}
		return nil
	})
	return out, err
}

// A Model is a committed version.
type Model struct {
	Manifest
	Dir     string
	Aliases []string // names that point at it, in order
}

// Path returns the path of one of the model's files.
func (m *Model) Path(name string) string { return filepath.Join(m.Dir, filepath.FromSlash(name)) }

// Verify compares every file with the manifest.
func (m *Model) Verify() error {
	have, err := hashTree(m.Dir)
	if err != nil {
		return fmt.Errorf("verify version %d of task %q: %w", m.Version, m.Task, err)
	}
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(m.Files)) {
		want := m.Files[name]
		got, ok := have[name]
		switch {
		case !ok:
			faults = append(faults, fmt.Errorf("file %q is missing", name))
		case got.Bytes != want.Bytes:
			faults = append(faults, fmt.Errorf("file %q has %d bytes, want %d", name, got.Bytes, want.Bytes))
		case got != want:
			faults = append(faults, fmt.Errorf("file %q has a SHA-256 of %.12s, want %.12s", name, got.SHA256, want.SHA256))
		}
		delete(have, name)
	}
	for _, name := range slices.Sorted(maps.Keys(have)) {
		faults = append(faults, fmt.Errorf("file %q is not in the manifest", name))
	}
	if len(faults) > 0 {
		return fmt.Errorf("verify version %d of task %q: %w", m.Version, m.Task, errors.Join(faults...))
	}
	return nil
}

// ModelTasks returns the tasks that have at least one committed version, in order.
func (w *Workspace) ModelTasks() ([]string, error) {
	entries, err := readDir(w.path("models"))
	if err != nil {
		return nil, fmt.Errorf("list models: %w", err)
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() || CheckTaskName(e.Name()) != nil {
			continue
		}
		versions, err := w.versions(e.Name())
		if err != nil {
			return nil, err
		}
		if len(versions) > 0 {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// Models returns the committed versions of a task, oldest first; none is no error.
func (w *Workspace) Models(task string) ([]*Model, error) {
	if err := CheckTaskName(task); err != nil {
		return nil, err
	}
	numbers, err := w.versions(task)
	if err != nil {
		return nil, err
	}
	book, err := w.readAliases(task)
	if err != nil {
		return nil, err
	}
	models := make([]*Model, 0, len(numbers))
	for _, n := range numbers {
		m, err := w.readModel(task, n, book)
		if err != nil {
			return nil, err
		}
		models = append(models, m)
	}
	return models, nil
}

// versions returns the numbers of the committed versions in rising order.
func (w *Workspace) versions(task string) ([]int, error) {
	entries, err := readDir(w.path("models", task))
	if err != nil {
		return nil, fmt.Errorf("list models of task %q: %w", task, err)
	}
	var numbers []int
	for _, e := range entries {
		n, ok := versionNumber(e.Name())
		if ok && e.IsDir() && committed(w.path("models", task, e.Name())) {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

func (w *Workspace) readModel(task string, number int, book aliasBook) (*Model, error) {
	dir := w.path("models", task, strconv.Itoa(number))
	act := fmt.Sprintf("read version %d of task %q", number, task)
	data, err := os.ReadFile(filepath.Join(dir, manifestFile))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", act, err)
	}
	m := &Model{Dir: dir, Aliases: book.namesOf(number)}
	if err := json.Unmarshal(data, &m.Manifest); err != nil {
		return nil, fmt.Errorf("%s: %s: %w", act, manifestFile, err)
	}
	if m.Task != task || m.Version != number {
		return nil, fmt.Errorf("%s: its manifest is of version %d of task %q", act, m.Version, m.Task)
	}
	return m, nil
}

func committed(versionDir string) bool {
	_, err := os.Stat(filepath.Join(versionDir, manifestFile))
	return err == nil
}

// versionNumber reads the name of a version's folder: 1, 2, 3 and so on, written plainly.
func versionNumber(name string) (int, bool) {
	n, err := strconv.Atoi(name)
	return n, err == nil && n > 0 && strconv.Itoa(n) == name
}
