package mapped

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// The format is described in docs/format/graph.md.
const (
	formatVersion = 1
	magic         = "rowlinkM"
	headSize      = 64
	sectionAlign  = 1 << 16 // a multiple of every page size in use
)

// Key identifies what a file was made from: its owner hashes everything that the arrays
// depend on.
type Key [sha256.Size]byte

// head is the first 64 bytes of a file, little-endian.
type head struct {
	Magic     [8]byte
	Version   uint32
	ByteOrder uint32 // 0x01020304 in the order of the machine that wrote the arrays
	Key       Key
	Directory int64 // where the directory begins
	Length    int64 // of the directory, without its checksum
}

const byteOrder = 0x01020304

// section is one array as the directory lists it.
type section struct {
	Name   string `json:"name"`
	Size   int    `json:"size"` // bytes per value
	Offset int64  `json:"offset"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// directory stands behind the arrays.
type directory struct {
	Notes    json.RawMessage `json:"notes,omitempty"`
	Sections []section       `json:"sections"`
}

// Writer writes a file of arrays. The file appears whole, by Commit, or not at all.
type Writer struct {
	Notes any // small things that belong to the arrays, as JSON

	path string
	key  Key
	file *os.File
	end  int64
	dir  directory
	maps []Mapping
}

// Create begins a file that will stand at path. Its temporary file has the prefix and
// the lock by which package workspace knows what a living process works on, so that one
// which a crash left behind is swept.
func Create(path string, key Key) (*Writer, error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-mapped-*")
	if err != nil {
		return nil, err
	}
	hold(f)
	return &Writer{path: path, key: key, file: f, end: sectionAlign}, nil
}

// Add appends an array of n zeros and returns it for writing until Commit.
func Add[T Element](w *Writer, name string, n int) ([]T, error) {
	s := section{Name: name, Size: sizeOf[T](), Offset: w.end, Bytes: int64(n) * int64(sizeOf[T]())}
	m := Mapping{}
	if n > 0 {
		from := w.end
		w.end += (s.Bytes + sectionAlign - 1) / sectionAlign * sectionAlign
		if err := allocate(w.file, from, w.end); err != nil {
			return nil, fmt.Errorf("make room for %d bytes of %s: %w", s.Bytes, w.path, err)
		}
		var err error
		if m.Data, err = mapFile(w.file, s.Offset, int(s.Bytes), true); err != nil {
			return nil, fmt.Errorf("map %d bytes of %s: %w", s.Bytes, w.path, err)
		}
	}
	w.dir.Sections = append(w.dir.Sections, s)
	w.maps = append(w.maps, m)
	return view[T](m.Data), nil
}

// Discard removes what was written. After Commit it does nothing.
func (w *Writer) Discard() {
	if w.file == nil {
		return
	}
	for i := range w.maps {
		w.maps[i].Close()
	}
	w.file.Close()
	os.Remove(w.file.Name())
	w.file = nil
}

// Commit computes the checksums, flushes the file to disk and gives it its name. The
// arrays must not be used afterwards.
func (w *Writer) Commit() error {
	defer w.Discard()
	if err := w.commit(); err != nil {
		return fmt.Errorf("write %q: %w", w.path, err)
	}
	return nil
}

func (w *Writer) commit() error {
	var group sync.WaitGroup
	for i := range w.maps {
		group.Go(func() { w.dir.Sections[i].SHA256 = sum(w.maps[i].Data) })
	}
	group.Wait()
	var errs []error
	for i := range w.maps {
		errs = append(errs, store(w.file, w.dir.Sections[i].Offset, w.maps[i].Data), w.maps[i].Close())
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	var err error
	if w.Notes != nil {
		if w.dir.Notes, err = json.Marshal(w.Notes); err != nil {
			return err
		}
	}
	text, err := json.Marshal(w.dir)
	if err != nil {
		return err
	}
	h := head{Version: formatVersion, ByteOrder: byteOrder, Key: w.key, Directory: w.end, Length: int64(len(text))}
	copy(h.Magic[:], magic)
	top := h.bytes()
	if _, err := w.file.WriteAt(top, 0); err != nil {
		return err
	}
	if _, err := w.file.WriteAt(append(text, checksum(top, text)...), w.end); err != nil {
		return err
	}
	if err := w.file.Chmod(0o644); err != nil {
		return err
	}
	if err := w.file.Sync(); err != nil {
		return err
	}
	if err := os.Rename(w.file.Name(), w.path); err != nil {
		return err
	}
	return SyncFolder(filepath.Dir(w.path))
}

func (h *head) bytes() []byte {
	var b bytes.Buffer
	// Only the mark is written as the machine keeps it, like the arrays.
	_ = binary.Write(&b, binary.LittleEndian, h) // a buffer takes everything
	binary.NativeEndian.PutUint32(b.Bytes()[12:], byteOrder)
	return b.Bytes()
}

func checksum(parts ...[]byte) []byte {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

func sum(b []byte) string { return hex.EncodeToString(checksum(b)) }

// A StaleError says that a file was made from something else than what is asked for.
type StaleError struct{ Path string }

func (e *StaleError) Error() string { return e.Path + " was made from other data" }

// File is an open file of arrays, mapped read-only.
type File struct {
	dir directory
	m   Mapping
}

// OpenOptions configures [Open]. The zero value is usable.
type OpenOptions struct {
	// SkipChecksum leaves out the SHA-256 of the arrays, which reads the file whole. The
	// directory is verified all the same.
	SkipChecksum bool
}

// Open maps the file at path if it was made with key, else the error is a [*StaleError].
// A file that was cut or altered is an error that says so.
func Open(path string, key Key, opt OpenOptions) (*File, error) {
	m, err := Map(path)
	if err != nil {
		return nil, err
	}
	f := &File{m: m}
	if err := f.read(path, key, opt); err != nil {
		f.Close()
		if stale := (*StaleError)(nil); errors.As(err, &stale) {
			return nil, err
		}
		return nil, fmt.Errorf("open %q: %w", path, err)
	}
	return f, nil
}

// Close unmaps the file; none of its arrays may be used afterwards.
func (f *File) Close() error { return f.m.Close() }

func (f *File) read(path string, key Key, opt OpenOptions) error {
	data := f.m.Data
	if len(data) < headSize || string(data[:len(magic)]) != magic {
		return fmt.Errorf("%d bytes that do not begin as a file of arrays", len(data))
	}
	var h head
	if err := binary.Read(bytes.NewReader(data), binary.LittleEndian, &h); err != nil {
		return err
	}
	if h.Version != formatVersion {
		return &StaleError{path}
	}
	if binary.NativeEndian.Uint32(data[12:]) != byteOrder {
		return fmt.Errorf("written on a machine of other byte order")
	}
	if h.Directory < headSize || h.Length < 0 || h.Directory > int64(len(data))-h.Length-sha256.Size {
		return fmt.Errorf("directory at %d of %d bytes: the file was cut or altered", h.Directory, len(data))
	}
	text := data[h.Directory : h.Directory+h.Length]
	if !bytes.Equal(checksum(data[:headSize], text), data[h.Directory+h.Length:]) {
		return fmt.Errorf("the directory does not match its checksum: the file was cut or altered")
	}
	if h.Key != key {
		return &StaleError{path}
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&f.dir); err != nil {
		return err
	}
	return f.verify(h.Directory, opt)
}

// verify looks at every section. Sums are computed side by side; the first fault in the
// order of the file is named.
func (f *File) verify(end int64, opt OpenOptions) error {
	sums := make([]string, len(f.dir.Sections))
	var group sync.WaitGroup
	for i, s := range f.dir.Sections {
		if s.Size < 1 || s.Offset < headSize || s.Bytes < 0 || s.Bytes%int64(s.Size) != 0 || s.Offset%8 != 0 || s.Offset > end-s.Bytes {
			return fmt.Errorf("array %q is %d bytes at %d, which cannot be", s.Name, s.Bytes, s.Offset)
		}
		if !opt.SkipChecksum {
			group.Go(func() { sums[i] = sum(f.m.Data[s.Offset : s.Offset+s.Bytes]) })
		}
	}
	group.Wait()
	for i, s := range f.dir.Sections {
		if !opt.SkipChecksum && sums[i] != s.SHA256 {
			return fmt.Errorf("array %q has checksum %.12s…, want %.12s…: the file was altered", s.Name, sums[i], s.SHA256)
		}
	}
	return nil
}

// Get returns an array of the file. One that is missing, or has another number of values
// than n (-1 = any), is an error.
func Get[T Element](f *File, name string, n int) ([]T, error) {
	at := slices.IndexFunc(f.dir.Sections, func(s section) bool { return s.Name == name })
	if at < 0 {
		return nil, fmt.Errorf("no array %q", name)
	}
	s := f.dir.Sections[at]
	have := s.Bytes / int64(s.Size)
	if s.Size != sizeOf[T]() || n >= 0 && have != int64(n) {
		return nil, fmt.Errorf("array %q has %d values of %d bytes, want %d of %d", name, have, s.Size, n, sizeOf[T]())
	}
	return view[T](f.m.Data[s.Offset : s.Offset+s.Bytes : s.Offset+s.Bytes]), nil
}

// Notes decodes the writer's Notes.
func (f *File) Notes(into any) error {
	d := json.NewDecoder(bytes.NewReader(f.dir.Notes))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil && err != io.EOF {
		return fmt.Errorf("read the notes of a file of arrays: %w", err)
	}
	return nil
}
