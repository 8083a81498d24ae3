package rowlink

import (
	"path/filepath"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/workspace"
)

// Adopt copies a stored snapshot into a workspace as its latest, as if it had been taken from
// source: a sample of a database, to train on.
func Adopt(w *workspace.Workspace, folder, source string) error {
	snap, err := ingest.OpenSnapshot(folder)
	if err != nil {
		return err
	}
	defer snap.Close()
	place, err := w.NewSnapshotDir()
	if err != nil {
		return err
	}
	defer place.Discard()
	if err := snap.Save(place.Path); err != nil {
		return err
	}
	dir, err := w.CommitSnapshot(place, snap.ID)
	if err != nil {
		return err
	}
	return workspace.WriteFile(filepath.Join(filepath.Dir(dir), snap.ID+"."+sourceFile), []byte(source))
}
