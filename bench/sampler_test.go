package bench

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"time"
)

// f1Examples is the number of training examples of driver-position in RelBench.
const f1Examples = 7453

// f1Edges is what pyg-lib 0.9.0 draws for them: the number follows from the data and the
// fan-out, whatever the random numbers.
const f1Edges = 2_183_703

func TestSamplerCase_f1(t *testing.T) {
	l := mustLoad(t, "f1")
	if len(l.seeds) != f1Examples {
		t.Errorf("%d training seeds, want %d", len(l.seeds), f1Examples)
	}
	one, two := mustCase(t, "f1", 1), mustCase(t, "f1", 2)
	if a, b := one(), two(); a != f1Edges || b != f1Edges {
		t.Errorf("%d edges on one thread, %d on two; want %d", a, b, f1Edges)
	}
}

func TestSamplerCase_unknown(t *testing.T) {
	_, err := SamplerCase("f2", 1)
	if err == nil || !strings.Contains(err.Error(), `"f2" (have f1, synth, synth+parents)`) {
		t.Errorf("error %v", err)
	}
}

func mustLoad(t testing.TB, name string) *samplerLoad {
	t.Helper()
	if _, err := referenceFile("data", "f1", "races.csv"); err != nil && name == "f1" {
		t.Skip(err)
	}
	l, err := samplerLoadOf(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return l
}

func mustCase(t testing.TB, name string, threads int) func() int64 {
	t.Helper()
	mustLoad(t, name)
	pass, err := SamplerCase(name, threads)
	if err != nil {
		t.Fatal(err)
	}
	return pass
}

// processorTime is the time that the process has spent on all cores. On a machine that
// is shared with others it says more than the clock.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkSampler(b *testing.B) {
	for _, load := range []string{"f1", "synth", "synth+parents"} {
		if testing.Short() && load != "f1" {
			continue // needs 1 GB of memory
		}
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("load=%s/threads=%d", load, threads), func(b *testing.B) {
				pass := mustCase(b, load, threads)
				pass() // grows the buffers
				edges, before := int64(0), processorTime(b)
				b.ReportAllocs()
				for b.Loop() {
					edges += pass()
				}
				b.ReportMetric(float64(edges)/b.Elapsed().Seconds()/1e6, "Medges/s")
				b.ReportMetric(float64(edges)/(processorTime(b)-before).Seconds()/1e6, "Medges/cpu-s")
			})
		}
	}
}
