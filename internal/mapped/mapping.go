// Package mapped owns arrays that lie in files and are mapped into memory: the system
// reads their pages when they are touched and may drop them again, so they do not count
// against the memory that a process needs. [Create] and [Open] keep named arrays in one
// checked file, [Space] hands out arrays of temporary files, and [Vector] collects
// values whose number is not known beforehand.
package mapped

import (
	"fmt"
	"os"
	"unsafe"
)

// Element is what an array may hold.
type Element interface {
	~uint8 | ~int32 | ~int64 | ~float32 | ~float64
}

// Mapping is a file in memory. The zero value is an empty one.
type Mapping struct{ Data []byte }

// Map maps a whole file read-only. Its bytes begin at a multiple of 8.
func Map(path string) (Mapping, error) {
	f, err := os.Open(path)
	if err != nil {
		return Mapping{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() == 0 { // nothing to map
		return Mapping{}, err
	}
	data, err := mapFile(f, 0, int(info.Size()), false)
	if err != nil {
		return Mapping{}, fmt.Errorf("map %q: %w", path, err)
	}
	return Mapping{data}, nil
}

// Close unmaps the file; no slice of Data may be used afterwards.
func (m *Mapping) Close() error {
	if m.Data == nil {
		return nil
	}
	data := m.Data
	m.Data = nil
	return unmap(data)
}

// Bytes returns the memory of v.
func Bytes[T Element](v []T) []byte {
	if len(v) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&v[0])), len(v)*int(unsafe.Sizeof(v[0])))
}

// view returns memory that begins at a multiple of the size of T as values of it.
func view[T Element](b []byte) []T {
	var v T
	if len(b) == 0 {
		return []T{}
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&b[0])), len(b)/int(unsafe.Sizeof(v)))
}

func sizeOf[T Element]() int {
	var v T
	return int(unsafe.Sizeof(v))
}
