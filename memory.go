package rowlink

import (
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

// peakBytes is the largest resident memory that the process has had, 0 where the system
// does not tell (it is read from /proc on Linux).
func peakBytes() int64 {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			if err == nil {
				return kb * 1024
			}
		}
	}
	return 0
}

// memoryBytes is what the process may use: the smallest of the Go memory limit, the
// limit of the control group, and the machine's memory; 0 where nothing tells.
func memoryBytes() int64 {
	least := debug.SetMemoryLimit(-1)
	if data, err := os.ReadFile("/sys/fs/cgroup/memory.max"); err == nil {
		if n, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64); err == nil {
			least = min(least, n)
		}
	}
	if data, err := os.ReadFile("/proc/meminfo"); err == nil {
		for line := range strings.Lines(string(data)) {
			if rest, ok := strings.CutPrefix(line, "MemTotal:"); ok {
				if kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64); err == nil {
					least = min(least, kb*1024)
				}
			}
		}
	}
	if least == math.MaxInt64 {
		return 0
	}
	return least
}
