//go:build unix

package mapped

import (
	"os"
	"syscall"
)

const canMap = true

// mapFile maps n bytes of f from off on, a multiple of the page size. What is written
// into a writable mapping goes to the file.
func mapFile(f *os.File, off int64, n int, write bool) ([]byte, error) {
	prot := syscall.PROT_READ
	if write {
		prot |= syscall.PROT_WRITE
	}
	return syscall.Mmap(int(f.Fd()), off, n, prot, syscall.MAP_SHARED)
}

func unmap(data []byte) error { return syscall.Munmap(data) }

// store does nothing: what was written into the mapping is in the file.
func store(*os.File, int64, []byte) error { return nil }

// hold locks f until it is closed. Where the file system has no locks it does nothing.
func hold(f *os.File) { _ = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }

// SyncFolder makes renamed and created names in a folder outlast a power cut.
func SyncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
