package workspace

import (
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Retention says what [Workspace.Prune] leaves.
type Retention struct {
	Task string // versions of this task only; empty = of all
	Keep int    // the latest so many versions of a task
	// Used are versions by task that something else still needs, such as jobs that wait.
	Used map[string][]int
	// Older leaves snapshots and checkpoints alone that are younger: a training may be at
	// work on them.
	Older time.Duration
	Dry   bool // removes nothing, and tells what would go
}

// Pruned is something that was removed.
type Pruned struct {
	Kind  string `json:"kind"` // version, snapshot or checkpoint
	Task  string `json:"task,omitempty"`
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
}

// Prune removes versions beyond the latest, but never one that an alias names or would name
// after one rollback; then snapshots that are neither the latest nor of a version that is
// left; and the checkpoints of trainings that never came back. Each is given a temporary
// name first, so that a crash leaves it whole or gone.
func (w *Workspace) Prune(r Retention) (gone []Pruned, err error) {
	if r.Keep < 1 {
		return nil, fmt.Errorf("prune to %d versions, want at least 1", r.Keep)
	}
	err = w.change("prune", func() error {
		if err := w.pruneModels(r, &gone); err != nil {
			return err
		}
		return w.pruneCheckpoints(r, &gone)
	})
	return gone, err
}

// PruneSnapshots removes snapshots that are neither the latest nor of a version, and were
// written longer ago than a time.
func (w *Workspace) PruneSnapshots(older time.Duration) (gone []Pruned, err error) {
	r := Retention{Keep: math.MaxInt, Older: older} // no version goes
	err = w.change("prune snapshots", func() error { return w.pruneModels(r, &gone) })
	return gone, err
}

// pruneModels removes versions, then the snapshots that no version left needs.
func (w *Workspace) pruneModels(r Retention, gone *[]Pruned) error {
	tasks, err := w.modelFolders()
	if err != nil {
		return err
	}
	needed := map[string]bool{}
	for _, task := range tasks {
		if err := w.pruneTask(task, r, needed, gone); err != nil {
			return err
		}
	}
	return w.pruneSnapshots(r, needed, gone)
}

func (w *Workspace) modelFolders() (tasks []string, err error) {
	entries, err := readDir(w.path("models"))
	for _, e := range entries {
		if e.IsDir() && CheckTaskName(e.Name()) == nil {
			tasks = append(tasks, e.Name())
		}
	}
	return tasks, err
}

// pruneTask removes versions of one task and notes the snapshots of those that stay.
func (w *Workspace) pruneTask(task string, r Retention, needed map[string]bool, gone *[]Pruned) error {
	numbers, err := w.versions(task)
	if err != nil {
		return err
	}
	book, err := w.readAliases(task)
	if err != nil {
		return err
	}
	kept := slices.Concat(numbers[max(0, len(numbers)-r.Keep):], r.Used[task])
	for _, a := range book.Aliases {
		kept = append(kept, a.Version)
		if n := len(a.Before); n > 0 {
			kept = append(kept, a.Before[n-1])
		}
	}
	for _, n := range numbers {
		if slices.Contains(kept, n) || r.Task != "" && r.Task != task {
			m, err := w.readModel(task, n, book)
			if err != nil {
				return err
			}
			needed[m.Snapshot] = true
			continue
		}
		if err := w.away(r, Pruned{Kind: "version", Task: task, Name: strconv.Itoa(n)}, w.path("models", task, strconv.Itoa(n)), gone); err != nil {
			return err
		}
		if r.Dry {
			continue
		}
		if err := w.removeNotes(task, n); err != nil {
			return err
		}
	}
	return nil
}

// pruneSnapshots removes those that nobody needs, with the files beside them that bear their
// names.
func (w *Workspace) pruneSnapshots(r Retention, needed map[string]bool, gone *[]Pruned) error {
	latest, err := os.ReadFile(w.path("snapshots", latestFile))
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	needed[strings.TrimSpace(string(latest))] = true
	ids, err := w.Snapshots()
	if err != nil {
		return err
	}
	entries, err := readDir(w.path("snapshots"))
	if err != nil {
		return err
	}
	for _, id := range ids {
		if needed[id] || w.young(w.path("snapshots", id), r) {
			continue
		}
		if err := w.away(r, Pruned{Kind: "snapshot", Name: id}, w.path("snapshots", id), gone); err != nil {
			return err
		}
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), id+".") && !r.Dry {
				if err := os.RemoveAll(w.path("snapshots", e.Name())); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (w *Workspace) pruneCheckpoints(r Retention, gone *[]Pruned) error {
	tasks, err := readDir(w.path("jobs"))
	if err != nil {
		return err
	}
	for _, t := range tasks {
		runs, err := readDir(w.path("jobs", t.Name()))
		if err != nil {
			return err
		}
		for _, run := range runs {
			path := w.path("jobs", t.Name(), run.Name())
			if !run.IsDir() || isTemp(run.Name()) || r.Task != "" && r.Task != t.Name() || w.young(path, r) {
				continue
			}
			if err := w.away(r, Pruned{Kind: "checkpoint", Task: t.Name(), Name: run.Name()}, path, gone); err != nil {
				return err
			}
		}
	}
	return nil
}

// young reports whether anything in a folder was written lately.
func (w *Workspace) young(dir string, r Retention) bool {
	border, found := w.now().Add(-r.Older), false
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // gone meanwhile
		}
		if info, err := d.Info(); err == nil && info.ModTime().After(border) {
			found = true
			return fs.SkipAll
		}
		return nil
	})
	return found
}

// away removes a folder and notes it.
func (w *Workspace) away(r Retention, p Pruned, dir string, gone *[]Pruned) error {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				p.Bytes += info.Size()
			}
		}
		return nil
	})
	if !r.Dry {
		aside := filepath.Join(filepath.Dir(dir), tempPrefix+"pruned-"+filepath.Base(dir))
		if err := os.RemoveAll(aside); err != nil {
			return err
		}
		if err := w.files.step("rename", dir); err != nil {
			return err
		}
		if err := os.Rename(dir, aside); err != nil {
			return err
		}
		if err := w.files.syncDir(filepath.Dir(dir)); err != nil {
			return err
		}
		if err := os.RemoveAll(aside); err != nil {
			return err
		}
	}
	*gone = append(*gone, p)
	return nil
}
