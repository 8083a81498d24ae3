//go:build !linux

package mapped

import "os"

// allocate makes f size bytes long. Their room on the disk is not reserved.
func allocate(f *os.File, _, size int64) error { return f.Truncate(size) }
