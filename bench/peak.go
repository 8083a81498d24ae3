package bench

import (
	"bufio"
	"bytes"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

// resetPeak gives unused memory back and makes the system count the peak anew, where it
// can (Linux); elsewhere the peak of the whole process stays.
func resetPeak() {
	debug.FreeOSMemory()
	// Value 5 resets the peak resident size: proc_pid_clear_refs(5).
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
}

// peakMB is the peak resident size of this process in MB of 1e6 bytes, 0 where the
// system does not tell.
func peakMB() float64 {
	kib, _ := strconv.ParseFloat(procField("/proc/self/status", "VmHWM"), 64)
	return kib * 1024 / 1e6
}

// procField returns the first word behind "name:" in a file of /proc.
func procField(path, name string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		key, value, ok := strings.Cut(lines.Text(), ":")
		if ok && strings.TrimSpace(key) == name {
			if words := strings.Fields(value); len(words) > 0 {
				return words[0]
			}
		}
	}
	return ""
}
