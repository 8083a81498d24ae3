package rowlink

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/rowlink/rowlink/ingest"
)

// earlier opens the workspace's latest snapshot for a refresh, if it is of the same
// database and the source can use one. Its checksums are verified: what it holds becomes
// part of a new snapshot.
func (d *Database) earlier(src ingest.Source, opt *ingest.TakeOptions) error {
	if _, ok := src.(ingest.Refresher); !ok || !d.opt.Refresh || d.Workspace == nil {
		return nil
	}
	id, dir, err := d.Workspace.LatestSnapshot()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	source, err := beside(dir, id, sourceFile)
	if err != nil || string(source) != d.Source {
		return err
	}
	if opt.OldMark, err = beside(dir, id, markFile); err != nil {
		return err
	}
	if opt.Old, err = ingest.OpenSnapshot(dir); err != nil {
		d.opt.OnNote("everything is copied, because the earlier snapshot cannot be used: %v", err)
		opt.Old = nil
	}
	return nil
}

// learn notes how the snapshot came about, and what the next refresh needs to know.
func (d *Database) learn(src ingest.Source, snap, old *ingest.Snapshot) {
	r, ok := src.(ingest.Refresher)
	if ok {
		d.mark = r.Mark()
	}
	if !d.opt.Refresh {
		return
	}
	if ok && old != nil {
		d.Ways = r.Ways()
		return
	}
	why := "there is no earlier snapshot of this database"
	if !ok {
		scheme, _, _ := strings.Cut(d.opt.URL, ":")
		why = fmt.Sprintf("a source %s: cannot tell what changed", scheme)
	}
	for _, t := range snap.Tables {
		d.Ways = append(d.Ways, ingest.Way{Table: t.Def.FullName(), Way: ingest.WayWhole, Why: why, Copied: int64(t.Rows)})
	}
}
