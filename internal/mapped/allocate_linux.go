package mapped

import (
	"errors"
	"os"
	"syscall"
)

// allocate makes f size bytes long and reserves their room on the disk from off on, so that
// a full disk is an error now and no fault when a mapping is written.
func allocate(f *os.File, off, size int64) error {
	err := syscall.Fallocate(int(f.Fd()), 0, off, size-off)
	if errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.ENOSYS) {
		return f.Truncate(size)
	}
	return err
}
