package ingest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"unsafe"

	"github.com/rowlink/rowlink/internal/mapped"
)

// Saving is a snapshot on its way to the disk: its tables are written while others still
// compute what the rows mean. It ends with Finish or Discard.
type Saving struct {
	tmp     string
	written *Snapshot
	files   []tableFile // aligned with the tables of written
	ended   chan struct{}
	err     error
}

// tableFile is what the manifest says of the file of a table.
type tableFile struct {
	bytes       int64
	sum, frames string // SHA-256 in hexadecimal
}

// BeginSave begins to write the tables beside the folder dir of a later [Saving.Finish].
// Links that are not resolved yet are, as declared.
func (s *Snapshot) BeginSave(dir string) (*Saving, error) {
	if slices.ContainsFunc(s.Tables, func(t *Table) bool { return len(t.Parents) != len(t.Def.Links) }) {
		var err error
		if s, err = s.Derive(s.Schema); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, fmt.Errorf("save snapshot: %w", err)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), ".snapshot-*")
	if err != nil {
		return nil, fmt.Errorf("save snapshot: %w", err)
	}
	w := &Saving{tmp: tmp, written: s, files: make([]tableFile, len(s.Tables)), ended: make(chan struct{})}
	go func() {
		defer close(w.ended)
		w.err = each(len(s.Tables), func(i int) error { return w.write(i, s.Tables[i]) })
	}()
	return w, nil
}

func (w *Saving) write(i int, t *Table) (err error) {
	path := filepath.Join(w.tmp, fileName(i))
	f := &w.files[i]
	if f.sum, err = writeFile(path, func(out io.Writer) error { return writeTable(out, t) }); err != nil {
		return fmt.Errorf("write table %q: %w", t.Def.FullName(), err)
	}
	file, err := mapped.Map(path)
	if err != nil {
		return err
	}
	f.bytes, f.frames = int64(len(file.Data)), sha(frame(file.Data)...)
	return file.Close()
}

// Finish completes the folder dir, which must not exist yet (else the error wraps
// [fs.ErrExist]), with s: the snapshot that began, or one derived from it. Tables of which it
// holds more than was written are written again. The folder appears whole or not at all, and
// whatever happens, nothing else is left behind.
func (w *Saving) Finish(s *Snapshot, dir string) error {
	defer w.Discard()
	if _, err := os.Lstat(dir); err == nil {
		return fmt.Errorf("save snapshot %q: %w", dir, fs.ErrExist)
	}
	<-w.ended
	err := w.err
	if err == nil {
		err = w.complete(s)
	}
	if err == nil {
		err = os.Chmod(w.tmp, 0o755)
	}
	if err == nil {
		err = os.Rename(w.tmp, dir)
	}
	if err != nil {
		return fmt.Errorf("save snapshot: %w", err)
	}
	return mapped.SyncFolder(filepath.Dir(dir))
}

// Discard waits for what is being written and removes it. After Finish it does nothing.
func (w *Saving) Discard() {
	<-w.ended
	os.RemoveAll(w.tmp) // finds nothing after the renaming
}

// complete writes what the tables do not have yet, and the manifest.
func (w *Saving) complete(s *Snapshot) error {
	err := each(len(s.Tables), func(i int) error {
		if s.Tables[i].holds(w.written.Tables[i]) {
			return nil
		}
		return w.write(i, s.Tables[i])
	})
	if err != nil {
		return err
	}
	m, seen := newManifest(s), openVerified(w.tmp)
	for i, f := range w.files {
		mt := &m.Tables[i]
		mt.Bytes, mt.SHA256, mt.FrameSHA256 = f.bytes, f.sum, f.frames
		seen.add(mt.File, mt.SHA256, seen.mark(mt.File, mt.SHA256))
	}
	seen.save()
	text, err := m.encode()
	if err != nil {
		return err
	}
	_, err = writeFile(filepath.Join(w.tmp, manifestName), func(out io.Writer) error {
		_, err := out.Write(text)
		return err
	})
	return errors.Join(err, mapped.SyncFolder(w.tmp))
}

// holds reports whether the file of t would be that of other: the columns lie in the same
// memory, and so do the parents of the same links.
func (t *Table) holds(other *Table) bool {
	return t == other || slices.EqualFunc(t.Columns, other.Columns, func(a, b Column) bool {
		return a.Kind == b.Kind && same(a.Valid, b.Valid) && same(a.Bits, b.Bits) && same(a.Ints, b.Ints) &&
			same(a.Floats, b.Floats) && same(a.Offsets, b.Offsets) && same(a.Bytes, b.Bytes)
	}) && slices.EqualFunc(t.Parents, other.Parents, func(a, b []int32) bool { return same(a, b) }) &&
		arrowSchema(t.Def).Equal(arrowSchema(other.Def))
}

// same reports whether two slices are the same memory.
func same[T any](a, b []T) bool {
	return len(a) == len(b) && unsafe.SliceData(a) == unsafe.SliceData(b)
}
