// Package ingest owns the snapshot: the immutable, typed, column-wise copy of a
// database that everything after it reads. It holds the Source interface with its
// registry by URL scheme, the files on disk (Arrow IPC, memory-mapped on
// reopening), the resolution of foreign keys to row numbers, the row times, and
// the one rule that says which rows an anchor may see.
package ingest

import (
	"errors"
	"sync"
	"unsafe"

	"github.com/rowlink/rowlink/internal/mapped"
	"github.com/rowlink/rowlink/schema"
)

// Snapshot is one consistent state of a database. It is immutable after it was
// built or opened and safe for concurrent use. Row i of table T is node i of type T.
//
// Rows stand in canonical order whatever the source sent: by primary key (numbers
// by value, text by its bytes), and in a table without key by all columns in
// declared order with NULLs last. So equal databases give equal snapshots, and
// "ties by row number" means "ties by primary key".
type Snapshot struct {
	ID     string         // hash of schema and content
	Schema *schema.Schema // with the mapping applied
	Tables []*Table       // aligned with Schema.Tables
	Taken  int64          // moment of the snapshot, microseconds UTC
	// Findings tells what was repaired or lost on the way in; not part of the ID.
	Findings []Finding
	// Spans, in a piece of a larger database, tell the row times of its tables there; nil in
	// a whole one. See Span.
	Spans []Span

	held    *held         // what Close gives back; nil for a snapshot in memory
	space   *mapped.Space // where arrays that are computed lie; nil = the heap
	derived derivedFile
}

// held lists what a snapshot and those derived from it hold together.
type held struct {
	mu      sync.Mutex
	closers []func() error
}

func (h *held) add(f func() error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closers = append(h.closers, f)
}

func (h *held) close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var errs []error
	for _, f := range h.closers {
		errs = append(errs, f())
	}
	h.closers = nil
	return errors.Join(errs...)
}

// Close releases the memory-mapped files, also those of snapshots derived from this
// one. No slice or string obtained from any of them may be used afterwards.
func (s *Snapshot) Close() error {
	if s.held == nil {
		return nil
	}
	return s.held.close()
}

// Table holds the rows of one table.
type Table struct {
	Def     *schema.Table
	Rows    int
	Columns []Column // aligned with Def.Columns

	// Parents[l][row] is the row number that link l of row points to in table
	// Def.Links[l].To; -1 for NULL and for dangling references.
	Parents  [][]int32
	Dangling []int   // per link: references to rows that do not exist
	Times    []int64 // since when each row is known; nil for a table without time
	Until    []int64 // end of validity, Never where open; nil when not mapped
	NoTime   int     // rows of a timed table whose time is NULL: never visible

	keys keyIndex
}

// Column holds the values of one column, one slot per row. Exactly the slices of
// its kind are set; they may lie in memory-mapped files and must not be written.
type Column struct {
	Kind  schema.Kind
	Valid []byte // bitmap, least significant bit first, 1 = not NULL; nil = no NULLs

	Bits    []byte    // Bool: bitmap, least significant bit first
	Ints    []int64   // Int, and Time in microseconds since 1970-01-01 UTC
	Floats  []float64 // Float
	Offsets []int64   // Text: value i is Bytes[Offsets[i]:Offsets[i+1]]
	Bytes   []byte
}

// Null reports whether the value of row is NULL.
func (c *Column) Null(row int) bool {
	return c.Kind == schema.Opaque || c.Valid != nil && c.Valid[row>>3]&(1<<(row&7)) == 0
}

// Bool returns the value of a Bool column; the value of a NULL is not defined.
func (c *Column) Bool(row int) bool { return c.Bits[row>>3]&(1<<(row&7)) != 0 }

// Text returns the value of a Text column without copying: the string shares the
// snapshot's memory and dies with it.
func (c *Column) Text(row int) string {
	b := c.Bytes[c.Offsets[row]:c.Offsets[row+1]]
	if len(b) == 0 {
		return ""
	}
	return unsafe.String(&b[0], len(b))
}

// Number returns the value of a Bool (0 or 1), Int, Float or Time column as a
// float64. ok is false for NULL, NaN and Text.
func (c *Column) Number(row int) (v float64, ok bool) {
	if c.Null(row) {
		return 0, false
	}
	switch c.Kind {
	case schema.Int, schema.Time:
		return float64(c.Ints[row]), true
	case schema.Float:
		v = c.Floats[row]
		return v, v == v
	case schema.Bool:
		if c.Bool(row) {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}
