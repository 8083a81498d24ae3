package graph

import (
	"os"
	"syscall"
	"unsafe"
)

// hugeMin is the size in bytes from which an array is worth pages of 2 MiB.
const hugeMin = 8 << 20

// spread asks the system for huge pages under a large array that is read at random and
// was not written yet: a sampler then seldom waits for an address translation (a quarter
// more edges per second at 20 million links). It is a request, and may be ignored.
func spread[T any](s []T) {
	size := uintptr(len(s)) * unsafe.Sizeof(*new(T))
	if size < hugeMin {
		return
	}
	page := uintptr(os.Getpagesize())
	start := uintptr(unsafe.Pointer(unsafe.SliceData(s)))
	skip := -start % page
	whole := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), size)[skip:]
	_ = syscall.Madvise(whole[:uintptr(len(whole))/page*page], syscall.MADV_HUGEPAGE)
}
