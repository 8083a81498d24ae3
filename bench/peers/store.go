package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// store keeps the last result of each part, one file per part.
type store struct {
	dir   string
	parts map[string]*partResult
}

func openStore(dir string) (*store, error) {
	s := &store{dir, map[string]*partResult{}}
	for _, name := range partNames() {
		data, err := os.ReadFile(s.file(name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		r := &partResult{}
		if err := json.Unmarshal(data, r); err != nil {
			return nil, fmt.Errorf("read %s (delete it to measure anew): %w", s.file(name), err)
		}
		s.parts[name] = r
	}
	return s, nil
}

func (s *store) file(part string) string { return filepath.Join(s.dir, part+".json") }

func (s *store) put(part string, r *partResult) error {
	s.parts[part] = r
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(s.file(part), data, 0o644)
}

// key names a figure across rounds.
type key struct {
	who, variant, name string
	threads            int
}

// find returns the figures of a key, one per process, with the part that they are of.
func (s *store) find(part string, k key) []said {
	r := s.parts[part]
	if r == nil {
		return nil
	}
	var out []said
	for _, f := range r.Figures {
		if (key{f.Who, f.Variant, f.Case, f.Threads}) == k {
			out = append(out, f)
		}
	}
	return out
}

// median is the median over processes; 0 where nothing was measured.
func (s *store) median(part string, k key) float64 {
	var v []float64
	for _, f := range s.find(part, k) {
		v = append(v, f.Median)
	}
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
