package beam

import (
	"fmt"
	"sync"

	"github.com/rowlink/rowlink/ingest"
)

// Source names the data that is read in splits.
type Source struct {
	Kind   string `json:"kind"`   // of the table sources
	Folder string `json:"folder"` // of a snapshot, on storage that all workers reach
}

// Split is some rows of a table.
type Split struct {
	Table int   `json:"table"`
	From  int64 `json:"from"`
	To    int64 `json:"to"` // not included
}

// key identifies a split in the pipeline.
func (s Split) key() int64 { return int64(s.Table)<<40 | s.From/splitRows }

// keyOf is the key of the split that a row is in.
func keyOf(table int, id uint64) int64 { return Split{Table: table, From: int64(id)}.key() }

// reading is a source as a worker reads it.
type reading interface {
	// rows returns columns and the range of them that a split is; the first row of it has
	// the number id in the database, the next id + 1.
	rows(split Split) (columns []ingest.Column, lo, hi int, id uint64, err error)
	// times returns since when each of those rows is known.
	times(split Split) ([]int64, error)
}

// sources are the kinds of sources.
var sources = map[string]func(j *job) (reading, error){"snapshot": openSnapshot}

// opened keeps the sources of this process open: every bundle reads them.
var opened struct {
	sync.Mutex
	of map[*job]reading
}

func (j *job) open() (reading, error) {
	opened.Lock()
	defer opened.Unlock()
	if r := opened.of[j]; r != nil {
		return r, nil
	}
	open := sources[j.Source.Kind]
	if open == nil {
		return nil, fmt.Errorf("unknown kind of source %q", j.Source.Kind)
	}
	r, err := open(j)
	if err != nil {
		return nil, err
	}
	if opened.of == nil {
		opened.of = map[*job]reading{}
	}
	opened.of[j] = r
	return r, nil
}

// snapshotReading is a snapshot whose files are mapped: a worker holds the pages of the
// splits that it reads, and the system may drop them again.
type snapshotReading struct {
	snap   *ingest.Snapshot
	linked func() (*ingest.Snapshot, error) // with row times
}

func openSnapshot(j *job) (reading, error) {
	snap, err := ingest.OpenSnapshotWith(j.Source.Folder, ingest.StoreOptions{SkipChecksum: true})
	if err != nil {
		return nil, err
	}
	if snap.ID != j.Snapshot {
		return nil, fmt.Errorf("%s holds snapshot %s, want %s: it was replaced while the job ran", j.Source.Folder, snap.ID, j.Snapshot)
	}
	return snapshotReading{snap, sync.OnceValues(func() (*ingest.Snapshot, error) { return snap.Derive(j.Schema) })}, nil
}

func (r snapshotReading) times(s Split) ([]int64, error) {
	snap, err := r.linked()
	if err != nil {
		return nil, err
	}
	return snap.Tables[s.Table].Times[s.From:s.To], nil
}

func (r snapshotReading) rows(s Split) ([]ingest.Column, int, int, uint64, error) {
	return r.snap.Tables[s.Table].Columns, int(s.From), int(s.To), uint64(s.From), nil
}

// splitRows is how many rows make a split: some tenths of a second of work.
const splitRows = 1 << 15

// splitsOf cuts tables of known sizes.
func splitsOf(table int, rows int64) []Split {
	var out []Split
	for from := int64(0); from < rows; from += splitRows {
		out = append(out, Split{table, from, min(rows, from+splitRows)})
	}
	return out
}
