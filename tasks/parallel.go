package tasks

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// entityBlock is the number of entities in one block of work. It is fixed, so that the
// blocks do not depend on the number of threads.
const entityBlock = 4096

// inBlocks cuts 0..n into blocks of a fixed size and calls f once per block; worker
// numbers lie below threads, and a worker has one block at a time.
func inBlocks(n, size, threads int, f func(worker, lo, hi int)) {
	blocks := (n + size - 1) / size
	threads = min(threadsOf(threads), blocks)
	if threads <= 1 {
		for lo := 0; lo < n; lo += size {
			f(0, lo, min(n, lo+size))
		}
		return
	}
	var next atomic.Int64
	var done sync.WaitGroup
	for w := range threads {
		done.Go(func() {
			for b := int(next.Add(1)) - 1; b < blocks; b = int(next.Add(1)) - 1 {
				f(w, b*size, min(n, (b+1)*size))
			}
		})
	}
	done.Wait()
}

// threadsOf resolves 0 to all cores.
func threadsOf(threads int) int {
	if threads <= 0 {
		return runtime.GOMAXPROCS(0)
	}
	return threads
}
