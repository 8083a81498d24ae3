package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"github.com/rowlink/rowlink/internal/mapped"
)

// Save writes the snapshot to folder dir, which must not exist yet (else the error
// wraps [fs.ErrExist]). The folder appears whole or not at all: files are written
// beside it, flushed to disk and renamed. Links that are not resolved yet are, as
// declared. See docs/format/snapshot.md.
func (s *Snapshot) Save(dir string) error {
	w, err := s.BeginSave(dir)
	if err != nil {
		return err
	}
	return w.Finish(w.written, dir)
}

// sha is the SHA-256 of the parts one after the other, in hexadecimal.
func sha(parts ...[]byte) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	return hex.EncodeToString(h.Sum(nil))
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
