package rowlink

import (
	"context"
	"strings"
	"time"

	"github.com/rowlink/rowlink/ingest"
)

// FollowOptions configures [Follow].
type FollowOptions struct {
	// Publication names what tells the changes. Its owner makes it: nothing is written to
	// the database.
	Publication string
	Every       time.Duration // between two looks whether a new snapshot is due
	// OnSnapshot is called with each new snapshot of the workspace, the first one too. The
	// database is closed after it returned.
	OnSnapshot func(*Database)
	// OnFault is called when a snapshot could not be taken, but may be next time.
	OnFault func(error)
}

// Follow keeps the workspace's latest snapshot fresh until ctx ends: it refreshes it, and
// then applies what the database tells of its changes as they are committed. Each snapshot
// is one state of the database, and appears whole or not at all; after a crash the next
// run begins from the last one. The error is that of ctx, or of the beginning.
func Follow(ctx context.Context, opt Options, f FollowOptions) error {
	opt.Refresh = true
	src, err := opt.openSource(ctx)
	if err != nil {
		return err
	}
	defer src.Close()
	able, ok := src.(ingest.Followable)
	if !ok {
		scheme, _, _ := strings.Cut(opt.URL, ":")
		return &ingest.UserError{Msg: "a source " + scheme + ": does not tell its changes", Hint: "take new snapshots with rowlink ingest"}
	}
	followed, err := able.Follow(ctx, f.Publication)
	if err != nil {
		return err
	}
	defer followed.Close()
	opt.source = followed
	for first := true; ; first = false {
		d, err := Open(ctx, opt)
		switch {
		case err == nil:
			followed.Stored(d.Snap.ID)
			f.OnSnapshot(d)
			err = d.Close()
		case first || ctx.Err() != nil:
			return err
		}
		if err != nil {
			f.OnFault(err)
		}
		for {
			err := followed.Wait(ctx, f.Every)
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			f.OnFault(err)
		}
	}
}
