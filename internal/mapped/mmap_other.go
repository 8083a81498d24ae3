//go:build !unix

package mapped

import (
	"io"
	"os"
)

const canMap = false

// mapFile reads n bytes of f, because the system has no mmap that package syscall
// offers: arrays then need memory.
func mapFile(f *os.File, off int64, n int, write bool) ([]byte, error) {
	data := Bytes(make([]int64, (n+7)/8))[:n] // begins at a multiple of 8, as arrays must
	_, err := io.ReadFull(io.NewSectionReader(f, off, int64(n)), data)
	return data, err
}

func unmap([]byte) error { return nil }

// store writes the bytes of a mapping that was handed out for writing to the file.
func store(f *os.File, off int64, data []byte) error {
	_, err := f.WriteAt(data, off)
	return err
}

// hold does nothing: package syscall offers no locks here.
func hold(*os.File) {}

// SyncFolder does nothing: folders cannot be flushed here.
func SyncFolder(string) error { return nil }
