package workspace

import (
	"fmt"
	"os"
)

// RemoveModels removes every version of a task, its aliases and checkpoints, and returns
// how many versions there were. The folder gets a temporary name first, so that a crash
// leaves all versions or none.
func (w *Workspace) RemoveModels(task string) (versions int, err error) {
	if err := CheckTaskName(task); err != nil {
		return 0, err
	}
	act := fmt.Sprintf("remove the versions of task %q", task)
	err = w.change(act, func() error {
		numbers, err := w.versions(task)
		if err != nil {
			return err
		}
		versions = len(numbers)
		away := w.path(tempPrefix + "removed-" + task)
		if err := os.RemoveAll(away); err != nil {
			return err
		}
		switch err := os.Rename(w.path("models", task), away); {
		case os.IsNotExist(err):
			return nil
		case err != nil:
			return err
		}
		if err := w.files.syncDir(w.path("models")); err != nil {
			return err
		}
		return os.RemoveAll(away)
	})
	return versions, err
}
