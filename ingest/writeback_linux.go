package ingest

import (
	"os"
	"syscall"
)

// beginWriteback asks the system to begin writing n bytes from off on to the disk. It is a
// hint: the flush at the end tells of faults.
func beginWriteback(f *os.File, off, n int64) {
	const rangeWrite = 2 // SYNC_FILE_RANGE_WRITE
	_ = syscall.SyncFileRange(int(f.Fd()), off, n, rangeWrite)
}
