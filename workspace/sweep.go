package workspace

import (
	"io/fs"
	"os"
	"path/filepath"
)

// sweep removes what crashed processes left: temporary files and folders, and versions
// that were never committed. Whatever a living process works on is locked and stays.
// It does its best: on a read-only disk, or where the lock is taken, leftovers stay
// until the next Open; they are never read.
func (w *Workspace) sweep() {
	if !w.dirty() {
		return
	}
	unlock, err := (&Workspace{dir: w.dir}).lock("sweep leftovers")
	if err != nil {
		return
	}
	defer unlock()
	w.leftovers(func(path string, d fs.DirEntry) {
		f, ok := lockFolder(path) // opens files as well
		if !ok {
			return
		}
		defer f.Close()
		if d.IsDir() && !isTemp(d.Name()) && committed(path) {
			return // committed between the look and the lock
		}
		os.RemoveAll(path)
	})
}

// dirty reports whether there is anything to sweep, so that opening a clean workspace
// needs no lock and writes nothing.
func (w *Workspace) dirty() bool {
	found := false
	w.leftovers(func(string, fs.DirEntry) { found = true })
	return found
}

// leftovers calls f for every temporary entry and every version without manifest.
func (w *Workspace) leftovers(f func(path string, d fs.DirEntry)) {
	for _, top := range []string{"tasks", "snapshots", "models", "jobs"} {
		_ = filepath.WalkDir(w.path(top), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return nil // vanished or unreadable: not ours to sweep
			}
			if isTemp(d.Name()) || d.IsDir() && w.isVersion(path) && !committed(path) {
				f(path, d)
				if d.IsDir() {
					return filepath.SkipDir
				}
			}
			return nil
		})
	}
	entries, _ := os.ReadDir(w.dir)
	for _, d := range entries {
		if isTemp(d.Name()) {
			f(w.path(d.Name()), d)
		}
	}
}

// isVersion reports whether path is models/<task>/<number>.
func (w *Workspace) isVersion(path string) bool {
	dir, base := filepath.Split(path)
	_, ok := versionNumber(base)
	return ok && filepath.Dir(filepath.Clean(dir)) == w.path("models")
}
