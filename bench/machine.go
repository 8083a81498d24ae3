package bench

import (
	"bufio"
	"bytes"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/cpu"

	"github.com/rowlink/rowlink/gnn/tensor"
)

// Machine is where and with what figures were measured.
type Machine struct {
	CPU      string    `json:"cpu"`
	Cores    int       `json:"cores"`
	Features []string  `json:"features"` // of those that kernels ask for
	MemoryGB float64   `json:"memory_gb"`
	OS       string    `json:"os"`
	Go       string    `json:"go"`
	Kernels  string    `json:"kernels"` // kernel path in use
	Commit   string    `json:"commit,omitempty"`
	Load     string    `json:"load,omitempty"` // average load of the last minute
	Time     time.Time `json:"time"`
}

// ThisMachine describes the machine and the program that runs.
func ThisMachine() Machine {
	m := Machine{CPU: cpuName(), Cores: runtime.GOMAXPROCS(0), OS: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(),
		Kernels: tensor.KernelName(), Load: firstWord("/proc/loadavg"), Time: time.Now().UTC().Truncate(time.Second)}
	kib, _ := strconv.ParseFloat(procField("/proc/meminfo", "MemTotal"), 64)
	m.MemoryGB = kib * 1024 / 1e9
	for _, f := range []struct {
		name string
		have bool
	}{{"avx2", cpu.X86.HasAVX2}, {"fma", cpu.X86.HasFMA}, {"avx512f", cpu.X86.HasAVX512F}, {"avx512bf16", cpu.X86.HasAVX512BF16},
		{"amx", cpu.X86.HasAMXTile}, {"asimd", cpu.ARM64.HasASIMD}} {
		if f.have {
			m.Features = append(m.Features, f.name)
		}
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				m.Commit = s.Value[:min(len(s.Value), 12)]
			}
			if s.Key == "vcs.modified" && s.Value == "true" {
				m.Commit += "+changes"
			}
		}
	}
	return m
}

// cpuName is the model as Linux names it, else the architecture.
func cpuName() string {
	data, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func firstWord(path string) string {
	data, _ := os.ReadFile(path)
	word, _, _ := strings.Cut(string(data), " ")
	return strings.TrimSpace(word)
}
