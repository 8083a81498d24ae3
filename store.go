package rowlink

import (
	"path/filepath"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/workspace"
)

// beginStore begins to write the rows to the workspace while it is found out what they mean.
func (d *Database) beginStore(raw *ingest.Snapshot) (err error) {
	if d.Workspace == nil {
		return nil
	}
	if d.place, err = d.Workspace.NewSnapshotDir(); err != nil {
		return err
	}
	if d.saving, err = raw.BeginSave(d.place.Path); err != nil {
		d.place.Discard()
		d.place = nil
	}
	return err
}

// discardStore gives up what beginStore began; after store it does nothing.
func (d *Database) discardStore() {
	if d.place != nil {
		d.saving.Discard()
		d.place.Discard()
		d.place, d.saving = nil, nil
	}
}

// store keeps the snapshot in the workspace.
func (d *Database) store() error {
	defer d.discardStore()
	err := d.saving.Finish(d.base, d.place.Path)
	if err != nil {
		return err
	}
	if d.dir, err = d.Workspace.CommitSnapshot(d.place, d.base.ID); err != nil {
		return err
	}
	beside := filepath.Join(filepath.Dir(d.dir), d.base.ID+".")
	if d.mark != nil {
		if err := workspace.WriteFile(beside+markFile, d.mark); err != nil {
			return err
		}
	}
	return workspace.WriteFile(beside+sourceFile, []byte(d.Source))
}

// remap replaces the snapshot that was taken by the stored one, whose columns need no
// memory.
func (d *Database) remap() error {
	taken, findings := d.base.Taken, d.base.Findings
	stored, err := ingest.OpenSnapshotWith(d.dir, ingest.StoreOptions{SkipChecksum: true})
	if err != nil {
		return err
	}
	err = d.base.Close()
	d.base = stored
	d.base.Taken, d.base.Findings = taken, findings
	if err != nil {
		return err
	}
	return d.mapped()
}
