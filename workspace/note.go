package workspace

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// A note is a file about a version that lies beside it, models/<task>/<number>.<name>: what was
// computed of it later. It may be replaced, which a version may not, and goes with its version.

// NotePath is where a note lies, if there is one.
func (w *Workspace) NotePath(task string, version int, name string) string {
	return w.path("models", task, strconv.Itoa(version)+"."+name)
}

// SaveNote writes a note on a version that is there.
func (w *Workspace) SaveNote(task string, version int, name string, data []byte) error {
	return w.change(fmt.Sprintf("save %s of version %d of task %q", name, version, task), func() error {
		if _, err := w.Model(task, strconv.Itoa(version)); err != nil {
			return err
		}
		return w.files.write(w.NotePath(task, version, name), data)
	})
}

// removeNotes removes the notes on a version that is gone.
func (w *Workspace) removeNotes(task string, version int) error {
	paths, err := filepath.Glob(w.NotePath(task, version, "*"))
	for _, p := range paths {
		if err := os.Remove(p); err != nil {
			return err
		}
	}
	return err
}
