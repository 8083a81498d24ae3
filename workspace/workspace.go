// Package workspace owns the folder on disk: the mapping file, the task texts, the
// snapshots, the models with their aliases, and the checkpoints of running jobs. It
// gives out paths and names; what the files mean belongs to the packages that write
// them. Everything in it survives a crash at any instruction: a file is replaced by
// renaming a synced temporary file over it, a folder counts only once its last file
// stands, and leftovers are swept by the next [Open].
//
//	workspace.json             format number
//	lock                       held while something changes
//	mapping.yaml               see schema
//	tasks/<task>.sql           the text of a task
//	snapshots/<id>/            written by ingest
//	snapshots/latest           id of the latest snapshot
//	models/<task>/<version>/   immutable; manifest.json is written last
//	models/<task>/aliases.json which version an alias names, and named before
//	jobs/<task>/<run>/         checkpoints
package workspace

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// DefaultDir is the workspace used when the user names none.
const DefaultDir = ".rowlink"

// format is the number of the layout above. A workspace of a later format is refused.
const format = 1

// lockWait is how long a change waits for the change of another process.
const lockWait = 10 * time.Second

// A Workspace is one folder. It is safe for concurrent use, also by several
// processes: readers never wait, changes follow one another.
type Workspace struct {
	dir      string
	files    files
	lockWait time.Duration
	now      func() time.Time
}

// Open opens the workspace in dir and sweeps what crashed processes left behind. The
// folder need not exist yet; the first change creates it.
func Open(dir string) (*Workspace, error) {
	return open(dir, files{})
}

func open(dir string, f files) (*Workspace, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open workspace %q: %w", dir, err)
	}
	w := &Workspace{dir: abs, files: f, lockWait: lockWait, now: time.Now}
	info, err := os.Stat(abs)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return w, nil
	case err != nil:
		return nil, fmt.Errorf("open workspace: %w", err)
	case !info.IsDir():
		return nil, fmt.Errorf("open workspace %q: it is a file, want a folder", abs)
	}
	if err := w.checkFormat(); err != nil {
		return nil, err
	}
	w.sweep()
	return w, nil
}

// Dir returns the absolute path of the workspace.
func (w *Workspace) Dir() string { return w.dir }

func (w *Workspace) path(elem ...string) string {
	return filepath.Join(append([]string{w.dir}, elem...)...)
}

type formatFile struct {
	Format int `json:"format"`
}

func (w *Workspace) checkFormat() error {
	data, err := os.ReadFile(w.path("workspace.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open workspace: %w", err)
	}
	var have formatFile
	if err := json.Unmarshal(data, &have); err != nil {
		return fmt.Errorf("open workspace %q: read workspace.json: %w", w.dir, err)
	}
	if have.Format < 1 || have.Format > format {
		return fmt.Errorf("open workspace %q: its format is %d, this rowlink reads format %d; use the rowlink that wrote it or another folder",
			w.dir, have.Format, format)
	}
	return nil
}

// Scratch returns a folder for unnamed temporary files on the workspace's disk: its own
// folder or, while that is not there yet, the nearest one above it.
func (w *Workspace) Scratch() string {
	dir := w.dir
	for {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

// change runs f while no other process changes the workspace. act says what f does,
// for the error of those who wait in vain.
func (w *Workspace) change(act string, f func() error) error {
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		return fmt.Errorf("%s: %w", act, err)
	}
	unlock, err := w.lock(act)
	if err != nil {
		return err
	}
	defer unlock()
	// A process of a later release may have been here since Open.
	if err := w.checkFormat(); err != nil {
		return err
	}
	if _, err := os.Stat(w.path("workspace.json")); errors.Is(err, fs.ErrNotExist) {
		if err := w.files.writeJSON(w.path("workspace.json"), formatFile{format}); err != nil {
			return fmt.Errorf("%s: %w", act, err)
		}
	}
	if err := f(); err != nil {
		return fmt.Errorf("%s: %w", act, err)
	}
	return nil
}

// Mapping returns the mapping file as it stands, or a [*NotFoundError].
func (w *Workspace) Mapping() ([]byte, error) {
	data, err := os.ReadFile(w.path("mapping.yaml"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &NotFoundError{Kind: "mapping", Name: "mapping.yaml", Dir: w.dir,
			Advice: "rowlink schema writes it"}
	}
	return data, err
}

// SaveMapping replaces the mapping file.
func (w *Workspace) SaveMapping(data []byte) error {
	return w.change("save mapping", func() error {
		return w.files.write(w.path("mapping.yaml"), data)
	})
}

// CheckpointDir returns the folder for the checkpoints of one run of a task and
// creates it. Files in it are written with [WriteFile] or [WriteStream].
func (w *Workspace) CheckpointDir(task, run string) (string, error) {
	if err := checkName("task", task); err != nil {
		return "", err
	}
	if err := checkName("run", run); err != nil {
		return "", err
	}
	dir := w.path("jobs", task, run)
	err := w.change("make checkpoint folder", func() error { return w.files.mkdirAll(dir) })
	return dir, err
}

// RemoveCheckpoints removes the checkpoints of one run; there need not be any.
func (w *Workspace) RemoveCheckpoints(task, run string) error {
	if err := errors.Join(checkName("task", task), checkName("run", run)); err != nil {
		return err
	}
	return w.change("remove checkpoints", func() error {
		return os.RemoveAll(w.path("jobs", task, run))
	})
}
