package ingest

import (
	"context"
	"time"

	"github.com/rowlink/rowlink/schema"
)

// Ways in which [Refresher.Refresh] brings a table up to date.
const (
	WayUnchanged = "unchanged" // no row was copied
	WayAppended  = "appended"  // rows were added, none went or changed; only those were copied
	WayUpdated   = "updated"   // rows were added or changed; only those were copied
	WayWhole     = "whole"     // every row was copied
)

// A Way says how one table was brought up to date, and why so.
type Way struct {
	Table  string `json:"table"` // full name
	Way    string `json:"way"`   // one of the Way constants
	Why    string `json:"why"`
	Copied int64  `json:"rows_copied"`
}

// Followable is a source that can tell changes as they happen: an optional ability.
type Followable interface {
	// Follow returns a source whose refreshes apply what a publication, which the owner of
	// the database has made, tells of changes. It shares the connection of this source.
	Follow(ctx context.Context, publication string) (Followed, error)
}

// Followed is a source that is followed. Its refreshes must begin from the snapshot that the
// last one gave.
type Followed interface {
	Source
	Refresher
	// Wait returns after a multiple of every, once there is something new to refresh.
	Wait(ctx context.Context, every time.Duration) error
	// Stored says that the snapshot of the last Read or Refresh was kept under its ID.
	Stored(id string)
}

// A Refresher is a source that can tell what changed since an earlier snapshot of it: an
// optional ability of a [Source].
type Refresher interface {
	// Refresh fills b with exactly the rows that Read would, from one consistent state, and
	// copies only what changed since old, whose tables it may share. mark is what Mark
	// returned when old was read; nil copies everything. The columns of old must be those
	// that were read, whatever keys, links and times a mapping gave them.
	Refresh(ctx context.Context, s *schema.Schema, b *Builder, old *Snapshot, mark []byte) error
	// Mark returns what the next Refresh needs to know about the last Read or Refresh.
	Mark() []byte
	// Ways tells how the last Refresh went, table by table.
	Ways() []Way
}
