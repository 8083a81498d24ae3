package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// latestFile holds the id of the latest snapshot.
const latestFile = "latest"

// A SnapshotDir is a place for a snapshot that is being written. It belongs to this
// process until [Workspace.CommitSnapshot] or Discard.
type SnapshotDir struct {
	// Path is where the snapshot is to be saved. It does not exist yet, its parent does.
	Path string

	stage string
	lock  *os.File
}

// NewSnapshotDir allots a place for a snapshot whose id is not yet known.
func (w *Workspace) NewSnapshotDir() (*SnapshotDir, error) {
	s := &SnapshotDir{}
	err := w.change("allot snapshot folder", func() error {
		if err := w.files.mkdirAll(w.path("snapshots")); err != nil {
			return err
		}
		if err := w.files.step("mkdir", w.path("snapshots")); err != nil {
			return err
		}
		stage, err := os.MkdirTemp(w.path("snapshots"), tempPrefix+"*")
		if err != nil {
			return err
		}
		lock, ok := lockFolder(stage)
		if !ok {
			return fmt.Errorf("lock %q: the file system does not lock folders", stage)
		}
		s.stage, s.lock, s.Path = stage, lock, filepath.Join(stage, "snapshot")
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Discard removes what was written. After a commit it does nothing, so it can be deferred.
func (s *SnapshotDir) Discard() error {
	if s.lock == nil {
		return nil
	}
	err := errors.Join(os.RemoveAll(s.stage), s.lock.Close())
	s.lock = nil
	return err
}

// CommitSnapshot stores what was saved at s.Path under id, marks it as the latest and
// returns its final folder. An id that is stored already keeps its files: the id is a
// hash of the content.
func (w *Workspace) CommitSnapshot(s *SnapshotDir, id string) (string, error) {
	if s.lock == nil {
		panic("workspace: snapshot committed after its end")
	}
	if err := checkName("snapshot", id); err != nil {
		return "", err
	}
	if id == latestFile {
		return "", fmt.Errorf("snapshot name %q is taken", id)
	}
	if _, err := os.Stat(s.Path); err != nil {
		return "", fmt.Errorf("commit snapshot %q: nothing was saved: %w", id, err)
	}
	dir := w.path("snapshots", id)
	err := w.change(fmt.Sprintf("commit snapshot %q", id), func() error {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			if err := w.files.syncTree(s.Path); err != nil {
				return err
			}
			if err := w.files.step("rename", dir); err != nil {
				return err
			}
			if err := os.Rename(s.Path, dir); err != nil {
				return err
			}
			if err := w.files.syncDir(w.path("snapshots")); err != nil {
				return err
			}
		}
		return w.files.write(w.path("snapshots", latestFile), []byte(id+"\n"))
	})
	if err != nil {
		return "", err
	}
	return dir, s.Discard()
}

// LatestSnapshot returns id and folder of the snapshot that was committed last, or a
// [*NotFoundError].
func (w *Workspace) LatestSnapshot() (id, dir string, err error) {
	data, err := os.ReadFile(w.path("snapshots", latestFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", "", &NotFoundError{Kind: "snapshot", Dir: w.dir, Advice: "rowlink ingest takes one"}
	}
	if err != nil {
		return "", "", fmt.Errorf("find latest snapshot: %w", err)
	}
	id = strings.TrimSpace(string(data))
	dir, err = w.Snapshot(id)
	return id, dir, err
}

// Snapshot returns the folder of the snapshot with that id, or a [*NotFoundError].
func (w *Workspace) Snapshot(id string) (dir string, err error) {
	if err := checkName("snapshot", id); err != nil {
		return "", err
	}
	have, err := w.Snapshots()
	if err != nil {
		return "", err
	}
	if !slices.Contains(have, id) {
		return "", &NotFoundError{Kind: "snapshot", Name: id, Dir: w.dir, Have: have, Advice: "rowlink ingest takes one"}
	}
	return w.path("snapshots", id), nil
}

// Snapshots returns the ids of all committed snapshots in order of their names.
func (w *Workspace) Snapshots() ([]string, error) {
	entries, err := readDir(w.path("snapshots"))
	if err != nil {
		return nil, fmt.Errorf("list snapshots: %w", err)
	}
	var ids []string
	for _, e := range entries {
		if e.IsDir() && checkName("snapshot", e.Name()) == nil {
			ids = append(ids, e.Name())
		}
	}
	return ids, nil
}
