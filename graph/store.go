package graph

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/mapped"
)

// fileName is the name of a stored graph in the folder of its snapshot.
const fileName = "graph.arrays"

// formatVersion enters the key of a stored graph: another order of children needs
// another number. See docs/format/graph.md.
const formatVersion = 1

// Store writes the graph of s to a file in folder dir, which becomes what [Open] reads.
// The lists are made in the mapped file, so they may be larger than memory: the heap
// holds a few megabytes per thread, and temporary files in dir 4 bytes per link. The
// file appears whole or not at all.
func Store(dir string, s *ingest.Snapshot) error { return store(dir, s, runtime.GOMAXPROCS(0)) }

func store(dir string, s *ingest.Snapshot, threads int) error {
	key, err := keyOf(s)
	if err != nil {
		return err
	}
	w, err := mapped.Create(filepath.Join(dir, fileName), key)
	if err != nil {
		return fmt.Errorf("store graph: %w", err)
	}
	defer w.Discard()
	g := &Graph{}
	err = g.extend(s, func(link edgeLink) (List, error) {
		space := mapped.NewSpace(dir)
		defer space.Close()
		return children(link.table, link.link, link.parents, threads, place{w, space},
			func(array string) string { return arrayName(link.number, array) })
	})
	if err != nil {
		return err
	}
	return w.Commit()
}

func arrayName(list int, array string) string { return fmt.Sprintf("%d/%s", list, array) }

// keyOf identifies what a stored graph was made from.
func keyOf(s *ingest.Snapshot) (mapped.Key, error) {
	if s.ID == "" {
		return mapped.Key{}, errors.New("store graph: the snapshot has no ID")
	}
	structure := s.Structure()
	return sha256.Sum256(fmt.Appendf(nil, "graph %d of %s %x", formatVersion, s.ID, structure)), nil
}

// Open returns the graph of s from the file that [Store] left in folder dir: its lists
// are slices of the mapped file. The result equals that of [Build]. The error is a
// [*mapped.StaleError] when the file was made from another snapshot or mapping, wraps
// [fs.ErrNotExist] when there is none, and says what is wrong with a damaged one. The
// file's checksums are verified unless skipChecksum is set.
func Open(dir string, s *ingest.Snapshot, skipChecksum bool) (*Graph, error) {
	key, err := keyOf(s)
	if err != nil {
		return nil, err
	}
	f, err := mapped.Open(filepath.Join(dir, fileName), key, mapped.OpenOptions{SkipChecksum: skipChecksum})
	if err != nil {
		return nil, err
	}
	g := &Graph{file: f}
	err = g.extend(s, func(link edgeLink) (List, error) { return readList(f, link) })
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("open graph in %q: %w", dir, err)
	}
	return g, nil
}

// readList finds the arrays of a list. What would make a reader panic is an error.
func readList(f *mapped.File, link edgeLink) (l List, err error) {
	if l.Offsets, err = mapped.Get[int64](f, arrayName(link.number, "offsets"), link.parents+1); err != nil {
		return l, err
	}
	n := int(l.Offsets[link.parents])
	if l.Children, err = mapped.Get[int32](f, arrayName(link.number, "children"), n); err != nil {
		return l, err
	}
	if link.table.Times != nil {
		if l.Times, err = mapped.Get[int64](f, arrayName(link.number, "times"), n); err != nil {
			return l, err
		}
	}
	before := int64(0)
	for p, at := range l.Offsets {
		if at < before || p == 0 && at != 0 {
			return l, fmt.Errorf("the children of row %d begin at %d, before %d", p, at, before)
		}
		before = at
	}
	for i, c := range l.Children {
		if c < 0 || int(c) >= link.table.Rows {
			return l, fmt.Errorf("link %d comes from row %d of %d", i, c, link.table.Rows)
		}
	}
	return l, nil
}

// OpenOrStore is [Open] and, where the folder holds no sound graph of s, [Store] first.
// note is told why a file that was there is written anew; nil = silent.
func OpenOrStore(dir string, s *ingest.Snapshot, note func(format string, args ...any)) (*Graph, error) {
	g, err := Open(dir, s, false)
	if err == nil {
		return g, nil
	}
	if !errors.Is(err, fs.ErrNotExist) && note != nil {
		note("the stored graph is made again: %v", err)
	}
	if err := Store(dir, s); err != nil {
		return nil, err
	}
	return Open(dir, s, true) // this process has just written it
}

// Close unmaps the lists of a graph that was opened; those that continue it (see
// [Graph.Append]) end with it. A graph that was built has nothing to close.
func (g *Graph) Close() error {
	if g.file == nil {
		return nil
	}
	f := g.file
	g.file = nil
	return f.Close()
}
