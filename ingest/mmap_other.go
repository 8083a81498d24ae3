//go:build !unix

package ingest

import (
	"io"
	"os"
	"unsafe"
)

// mapping is a file in memory, here read whole because the system has no mmap that
// package syscall offers.
type mapping struct{ data []byte }

func openMapping(path string) (mapping, error) {
	f, err := os.Open(path)
	if err != nil {
		return mapping{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return mapping{}, err
	}
	words := make([]int64, (info.Size()+7)/8) // begins at a multiple of 8, as columns must
	data := unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), info.Size())
	_, err = io.ReadFull(f, data)
	return mapping{data}, err
}

func (m *mapping) close() error { return nil }

// syncFolder does nothing: folders cannot be flushed here.
func syncFolder(string) error { return nil }
