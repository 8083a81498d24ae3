package kernel

import (
	"fmt"
	"syscall"
	"testing"
	"time"
)

// spent is the processor time of this process, which other work on the machine
// disturbs less than the clock on the wall.
func spent() time.Duration {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// flops reports 10^9 operations per second of the wall's clock and of processor time.
func flops(b *testing.B, work float64, f func()) {
	f()
	start := spent()
	for b.Loop() {
		f()
	}
	used := spent() - start
	b.ReportMetric(work*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
	b.ReportMetric(work*float64(b.N)/used.Seconds()/1e9, "GFLOP/cpu-s")
}

// The shapes of a row encoder's step and of a wide input; the small ones are those
// of the default model: thin inputs, a narrow result, a batch of 500 rows.
func BenchmarkGemm(b *testing.B) {
	for _, s := range [][3]int{{20000, 128, 128}, {2000, 128, 512}, {500, 128, 128}, {20000, 32, 32}, {20000, 32, 8}, {20000, 1, 32}, {48, 16, 128}} {
		m, n, k := s[0], s[1], s[2]
		x, w, y, dw := make([]Real, m*k), make([]Real, k*n), make([]Real, m*n), make([]Real, k*n)
		fill(x, 1)
		fill(w, 2)
		for _, c := range []struct {
			name string
			f    func()
		}{
			{"NN", func() { active.NN(m, n, k, x, k, w, n, y, n, false) }},
			{"NT", func() { active.NT(m, n, k, x, k, w, k, y, n, false) }},
			{"TN", func() { active.TN(k, n, m, x, k, y, n, dw, n, false) }},
		} {
			b.Run(fmt.Sprintf("%s/%dx%dx%d", c.name, m, k, n), func(b *testing.B) {
				flops(b, 2*float64(m)*float64(n)*float64(k), c.f)
			})
		}
	}
}
