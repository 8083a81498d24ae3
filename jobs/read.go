package jobs

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/rowlink/rowlink/workspace"
)

// Read returns the jobs of a folder, the latest first, as their files have them: for other
// processes than the one that runs them. Jobs that were running when that one ended are
// [Interrupted].
func Read(dir string) ([]Job, error) {
	list, err := (&store{dir: dir}).load()
	slices.Reverse(list)
	if release, free, _ := workspace.TryLock(filepath.Join(dir, lockFile)); free { // nobody runs them
		release()
		for i := range list {
			if list[i].State == Running {
				list[i].State = Interrupted
			}
		}
	}
	return list, err
}

// ReadEvents returns what a job has said so far.
func ReadEvents(dir, id string) []Event { return (&store{dir: dir}).events(id) }

// RequestCancel asks the process that runs a job of the folder, now or later, to cancel it.
func RequestCancel(dir, id string) error {
	s := &store{dir: dir}
	if _, err := os.Stat(filepath.Join(s.folder(id), "job.json")); err != nil {
		return fmt.Errorf("cancel job %s: %w", id, err)
	}
	return workspace.WriteFile(filepath.Join(s.folder(id), cancelFile), nil)
}
