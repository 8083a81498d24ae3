package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// SaveTask stores the text of a task and replaces what stood under that name.
func (w *Workspace) SaveTask(name, text string) error {
	if err := CheckTaskName(name); err != nil {
		return err
	}
	return w.change(fmt.Sprintf("save task %q", name), func() error {
		if err := w.files.mkdirAll(w.path("tasks")); err != nil {
			return err
		}
		return w.files.write(w.path("tasks", name+".sql"), []byte(text))
	})
}

// Task returns the text of a task, or a [*NotFoundError].
func (w *Workspace) Task(name string) (string, error) {
	if err := CheckTaskName(name); err != nil {
		return "", err
	}
	data, err := os.ReadFile(w.path("tasks", name+".sql"))
	if errors.Is(err, fs.ErrNotExist) {
		have, _ := w.Tasks()
		return "", &NotFoundError{Kind: "task", Name: name, Dir: w.dir, Have: have}
	}
	return string(data), err
}

// Tasks returns the names of the stored tasks in order.
func (w *Workspace) Tasks() ([]string, error) {
	entries, err := readDir(w.path("tasks"))
	if err != nil {
		return nil, fmt.Errorf("list tasks: %w", err)
	}
	var names []string
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".sql")
		if ok && !e.IsDir() && CheckTaskName(name) == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names) // "a-b.sql" sorts before "a.sql"
	return names, nil
}

// RemoveTask removes the text of a task; its models stay.
func (w *Workspace) RemoveTask(name string) error {
	if _, err := w.Task(name); err != nil {
		return err
	}
	return w.change(fmt.Sprintf("remove task %q", name), func() error {
		if err := os.Remove(w.path("tasks", name+".sql")); err != nil {
			return err
		}
		// labels that the task's own SQL gave stand beside it
		if err := os.Remove(w.path("tasks", name+".labels.json")); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return w.files.syncDir(w.path("tasks"))
	})
}

// readDir lists a folder; one that does not exist yet is empty.
func readDir(dir string) ([]fs.DirEntry, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return entries, err
}
