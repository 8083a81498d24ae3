package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/rowlink/rowlink/internal/mapped"
)

// derivedName is the file, in the folder of a snapshot, with what follows from the
// columns and the mapping and is too large to compute on every opening: parents of
// links that the mapping added, and row times that are no column as it stands. See
// docs/format/snapshot.md.
const derivedName = "derived.arrays"

// derivedFrom is the number of bytes from which such arrays are stored. It is a
// variable for tests only.
var derivedFrom = 1 << 20

// derivedVersion enters the key of the file.
const derivedVersion = 2

// derivedFile says where a snapshot keeps its file. The zero value: nowhere.
type derivedFile struct {
	folder       string
	skipChecksum bool
	writer       *mapped.Writer // while it is being written
}

// derivedNotes are the counts that belong to the arrays.
type derivedNotes struct {
	Dangling [][]int `json:"dangling"` // per table and link
	NoTime   []int   `json:"no_time"`  // per table
}

// Structure identifies what the mapping makes of the columns: keys, links, row times,
// and which tables take part. Snapshots of equal ID and Structure have equal parents
// and times, and equal graphs.
func (s *Snapshot) Structure() [sha256.Size]byte {
	h := sha256.New()
	for _, t := range s.Tables {
		d := t.Def
		fmt.Fprintf(h, "%q %v %v\n", d.FullName(), d.Ignore, d.Key)
		for _, l := range d.Links {
			fmt.Fprintf(h, "%v %d %v\n", l.Columns, l.To, l.Ref)
		}
		if rt := d.Time; rt != nil {
			fmt.Fprintf(h, "time %d %d %d %q %t\n", rt.Column, rt.Via, rt.Until, rt.Zone, rt.DayEnd)
		}
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// want is an array that must be computed or read, because neither base nor a column has it.
type want struct {
	name  string
	rows  int
	bytes int
	take  func(f *mapped.File) error
}

func parentsName(table, link int) string { return fmt.Sprintf("parents/%d/%d", table, link) }
func timesName(table int) string         { return fmt.Sprintf("times/%d", table) }
func untilName(table int) string         { return fmt.Sprintf("until/%d", table) }

// wants lists what d, derived from base, has to compute.
func (d *Snapshot) wants(base *Snapshot) []want {
	var out []want
	for i, t := range d.Tables {
		for l, link := range t.Def.Links {
			if base.Tables[i].sameLink(link) >= 0 {
				continue
			}
			name := parentsName(i, l)
			out = append(out, want{name, t.Rows, 4, func(f *mapped.File) (err error) {
				t.Parents[l], err = mapped.Get[int32](f, name, t.Rows)
				return err
			}})
		}
		if t.Def.Time == nil || d.sameTimes(base, i, len(d.Tables)) {
			continue
		}
		if rt := t.Def.Time; rt.Via >= 0 || !t.plainTime(rt.Column) {
			name := timesName(i)
			out = append(out, want{name, t.Rows, 8, func(f *mapped.File) (err error) {
				t.Times, err = mapped.Get[int64](f, name, t.Rows)
				return err
			}})
		}
		if rt := t.Def.Time; rt.Until >= 0 && !t.plainTime(rt.Until) {
			name := untilName(i)
			out = append(out, want{name, t.Rows, 8, func(f *mapped.File) (err error) {
				t.Until, err = mapped.Get[int64](f, name, t.Rows)
				return err
			}})
		}
	}
	return out
}

// key identifies the content of the file.
func (d *Snapshot) derivedKey() mapped.Key {
	structure := d.Structure()
	return sha256.Sum256(fmt.Appendf(nil, "derived %d of %s %x", derivedVersion, d.ID, structure))
}

// complete fills in parents and times, from the stored file or by computing them. What
// is large and computed goes to the file if the folder can be written, else to the heap.
func (d *Snapshot) complete(base *Snapshot) error {
	wants, size := d.wants(base), 0
	for _, w := range wants {
		size += w.rows * w.bytes
	}
	if d.derived.folder == "" || d.ID == "" || size < derivedFrom {
		return d.compute(base)
	}
	path, key := filepath.Join(d.derived.folder, derivedName), d.derivedKey()
	if d.readVerified(path, key, wants) == nil {
		if err := d.resolve(base); err != nil { // shares the rest; keys were checked when the file was written
			return err
		}
		return d.computeTimes(base)
	}
	w, err := mapped.Create(path, key)
	if err != nil {
		return d.compute(base)
	}
	defer w.Discard()
	d.derived.writer = w
	err = d.compute(base)
	d.derived.writer = nil
	if err != nil {
		return err
	}
	var n derivedNotes
	for _, t := range d.Tables {
		n.Dangling, n.NoTime = append(n.Dangling, t.Dangling), append(n.NoTime, t.NoTime)
	}
	w.Notes = n
	if err := w.Commit(); err != nil {
		return err
	}
	return d.readDerived(path, key, wants, true)
}

// readVerified is readDerived without the checksum where it is known.
func (d *Snapshot) readVerified(path string, key mapped.Key, wants []want) error {
	seen, sum := openVerified(d.derived.folder), hex.EncodeToString(key[:])
	if d.derived.skipChecksum || seen.holds(derivedName, sum) {
		return d.readDerived(path, key, wants, true)
	}
	before := seen.mark(derivedName, sum)
	if err := d.readDerived(path, key, wants, false); err != nil {
		return err
	}
	seen.add(derivedName, sum, before)
	seen.save()
	return nil
}

// readDerived takes the arrays and counts of the stored file over. Whatever is wrong
// with it is an error, after which nothing has been taken.
func (d *Snapshot) readDerived(path string, key mapped.Key, wants []want, skipChecksum bool) error {
	f, err := mapped.Open(path, key, mapped.OpenOptions{SkipChecksum: skipChecksum})
	if err != nil {
		return err
	}
	if err := d.takeDerived(f, wants); err != nil {
		for _, t := range d.Tables {
			clear(t.Parents)
			t.Times, t.Until = nil, nil
		}
		f.Close()
		return err
	}
	d.held.add(f.Close)
	return nil
}

func (d *Snapshot) takeDerived(f *mapped.File, wants []want) error {
	var n derivedNotes
	if err := f.Notes(&n); err != nil {
		return err
	}
	if len(n.Dangling) != len(d.Tables) || len(n.NoTime) != len(d.Tables) {
		text, _ := json.Marshal(n) // a struct of integers
		return fmt.Errorf("counts %s for %d tables", text, len(d.Tables))
	}
	for _, w := range wants {
		if err := w.take(f); err != nil {
			return err
		}
	}
	for i, t := range d.Tables {
		if len(n.Dangling[i]) != len(t.Def.Links) {
			return fmt.Errorf("table %q has %d counts for %d links", t.Def.FullName(), len(n.Dangling[i]), len(t.Def.Links))
		}
		copy(t.Dangling, n.Dangling[i])
		t.NoTime = n.NoTime[i]
		for l, parents := range t.Parents {
			if parents == nil {
				continue // shared
			}
			for row, p := range parents {
				if p < -1 || int(p) >= d.Tables[t.Def.Links[l].To].Rows {
					return fmt.Errorf("row %d of table %q has parent %d", row, t.Def.FullName(), p)
				}
			}
		}
	}
	return nil
}

// int32s and int64s return an array to fill: in the file that is being written, in the
// snapshot's space, or on the heap.
func (d *Snapshot) int32s(name string, n int) ([]int32, error) {
	if d.derived.writer != nil {
		return mapped.Add[int32](d.derived.writer, name, n)
	}
	return mapped.Make[int32](d.space, n)
}

func (d *Snapshot) int64s(name string, n int) ([]int64, error) {
	if d.derived.writer != nil {
		return mapped.Add[int64](d.derived.writer, name, n)
	}
	return mapped.Make[int64](d.space, n)
}
