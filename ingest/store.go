package ingest

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/rowlink/rowlink/internal/mapped"
)

// Save writes the snapshot to folder dir, which must not exist yet (else the error
// wraps [fs.ErrExist]). The folder appears whole or not at all: files are written
// beside it, flushed to disk and renamed. Links that are not resolved yet are, as
// declared. See docs/format/snapshot.md.
func (s *Snapshot) Save(dir string) (err error) {
	if slices.ContainsFunc(s.Tables, func(t *Table) bool { return len(t.Parents) != len(t.Def.Links) }) {
		if s, err = s.Derive(s.Schema); err != nil {
			return err
		}
	}
	if _, err := os.Lstat(dir); err == nil {
		return fmt.Errorf("save snapshot %q: %w", dir, fs.ErrExist)
	}
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("save snapshot: %w", err)
	}
	tmp, err := os.MkdirTemp(parent, ".snapshot-*")
	if err != nil {
		return fmt.Errorf("save snapshot: %w", err)
	}
	defer os.RemoveAll(tmp) // finds nothing after the renaming
	if err := s.writeFiles(tmp); err != nil {
		return fmt.Errorf("save snapshot: %w", err)
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return fmt.Errorf("save snapshot: %w", err)
	}
	if err := os.Rename(tmp, dir); err != nil {
		return fmt.Errorf("save snapshot: %w", err)
	}
	return mapped.SyncFolder(parent)
}

func (s *Snapshot) writeFiles(dir string) error {
	m, seen := newManifest(s), openVerified(dir)
	err := each(len(s.Tables), func(i int) error {
		mt := &m.Tables[i]
		path := filepath.Join(dir, mt.File)
		if err := writeFile(path, func(w io.Writer) error { return writeTable(w, s.Tables[i]) }); err != nil {
			return fmt.Errorf("write table %q: %w", mt.Name, err)
		}
		file, err := mapped.Map(path)
		if err != nil {
			return err
		}
		defer file.Close()
		mt.Bytes, mt.SHA256, mt.FrameSHA256 = int64(len(file.Data)), sha(file.Data), sha(frame(file.Data)...)
		seen.add(mt.File, mt.SHA256, seen.mark(mt.File, mt.SHA256))
		return nil
	})
	if err != nil {
		return err
	}
	seen.save()
	text, err := m.encode()
	if err != nil {
		return err
	}
	err = writeFile(filepath.Join(dir, manifestName), func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
	if err != nil {
		return err
	}
	return mapped.SyncFolder(dir)
}

// sha is the SHA-256 of the parts one after the other, in hexadecimal.
func sha(parts ...[]byte) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// writeFile creates a file and flushes it to disk.
func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close() // a second time after success, which does nothing
	w := bufio.NewWriterSize(f, 1<<20)
	if err := write(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

// StoreOptions configures [OpenSnapshotWith]. The zero value is usable.
type StoreOptions struct {
	// SkipChecksum leaves out the SHA-256 of the values, which reads the files whole. On Linux
	// it is left out anyway for files of 1 MiB or more that were verified before and were not
	// touched since.
	// Sizes, structure and everything that could break a reader are checked all the same.
	SkipChecksum bool
}

// OpenSnapshot opens a folder written by [Snapshot.Save] and verifies it: sizes,
// checksums and structure. Columns are slices into the memory-mapped files, so a
// snapshot larger than memory can be opened, and several processes share one copy.
// Nobody may alter the files while it is open; Close unmaps them.
func OpenSnapshot(dir string) (*Snapshot, error) { return OpenSnapshotWith(dir, StoreOptions{}) }

// OpenSnapshotWith is [OpenSnapshot] with options.
func OpenSnapshotWith(dir string, opt StoreOptions) (*Snapshot, error) {
	s, err := openSnapshot(dir, opt)
	if err != nil {
		return nil, fmt.Errorf("open snapshot %q: %w", dir, err)
	}
	return s, nil
}

func openSnapshot(dir string, opt StoreOptions) (*Snapshot, error) {
	text, err := os.ReadFile(filepath.Join(dir, manifestName))
	if err != nil {
		return nil, err
	}
	m, err := decodeManifest(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", manifestName, err)
	}
	sc, err := m.schema()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", manifestName, err)
	}
	s := &Snapshot{ID: m.ID, Taken: m.Taken, Schema: sc, Findings: m.Findings, Tables: make([]*Table, len(m.Tables)),
		held: &held{}, derived: derivedFile{folder: dir, skipChecksum: opt.SkipChecksum}}
	seen := openVerified(dir)
	err = each(len(m.Tables), func(i int) (err error) {
		mt := &m.Tables[i]
		path := filepath.Join(dir, mt.File)
		file, err := mapped.Map(path)
		if err != nil {
			return err
		}
		s.held.add(file.Close)
		if err := mt.verifyOnce(file.Data, opt, seen); err != nil {
			return fmt.Errorf("%s (table %q): %w", mt.File, mt.Name, err)
		}
		s.Tables[i], err = readTable(file.Data, sc.Tables[i], mt.Rows, func(link int) int { return m.Tables[mt.Links[link].To].Rows })
		if err != nil {
			return fmt.Errorf("%s (table %q): %w", mt.File, mt.Name, err)
		}
		for _, l := range mt.Links {
			s.Tables[i].Dangling = append(s.Tables[i].Dangling, l.Dangling)
		}
		return nil
	})
	var d *Snapshot
	if err == nil {
		seen.save()
		d, err = s.Derive(sc) // computes the row times; the links are there
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return d, nil
}

// verifyOnce is verify without the checksum where seen knows it.
func (m *manifestTable) verifyOnce(data []byte, opt StoreOptions, seen *verified) error {
	if opt.SkipChecksum || seen.holds(m.File, m.SHA256) {
		return m.verify(data, StoreOptions{SkipChecksum: true})
	}
	before := seen.mark(m.File, m.SHA256)
	if err := m.verify(data, opt); err != nil {
		return err
	}
	seen.add(m.File, m.SHA256, before)
	return nil
}

// verify compares a file with what the manifest says of it.
func (m *manifestTable) verify(data []byte, opt StoreOptions) error {
	if int64(len(data)) != m.Bytes {
		return fmt.Errorf("%d bytes, want %d: the file was cut or altered", len(data), m.Bytes)
	}
	// The decoder of Arrow trusts the structure, so it is always verified first.
	got, want := sha(frame(data)...), m.FrameSHA256
	if got == want && !opt.SkipChecksum {
		got, want = sha(data), m.SHA256
	}
	if got != want {
		return fmt.Errorf("checksum %.12s…, want %.12s…: the file was altered", got, want)
	}
	return nil
}
