package main

import "syscall"

// cpuSeconds is user and system time of all threads.
func cpuSeconds() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// limitMemory lets the system refuse private writable memory (heap, stacks) beyond n
// bytes; the program then dies of it. Mapped files do not count. RLIMIT_DATA covers
// private mappings since Linux 4.7: getrlimit(2).
func limitMemory(n uint64) error {
	return syscall.Setrlimit(syscall.RLIMIT_DATA, &syscall.Rlimit{Cur: n, Max: n})
}
