package bench

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/rowlink/rowlink/bench/relf1"
)

// TestMain lets the loads find the reference data from this folder, too.
func TestMain(m *testing.M) {
	if os.Getenv(relf1.Env) == "" {
		os.Setenv(relf1.Env, filepath.Join("..", "..", "shared"))
	}
	os.Exit(m.Run())
}

// BenchmarkCase runs every load; benchstat reads what it prints. The two long ones are
// measured by rowlink bench alone where -short is set.
func BenchmarkCase(b *testing.B) {
	for _, c := range Cases() {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/threads=%d", c.Name, threads), func(b *testing.B) { c.benchmark(b, threads) })
		}
	}
}

func (c Case) benchmark(b *testing.B, threads int) {
	if reason := c.unfit(Env{Quick: testing.Short()}); reason != "" {
		b.Skip(reason)
	}
	e := Env{Threads: threads, Quick: testing.Short(), Epochs: 1}
	if c.measure != nil {
		for b.Loop() {
			figures, err := c.measure(b.Context(), e)
			if err != nil {
				b.Fatal(err)
			}
			for _, f := range figures {
				b.ReportMetric(f.Median, metricName(f.Unit))
			}
		}
		return
	}
	pass, err := c.prepare(b.Context(), e)
	if err != nil {
		b.Fatal(err)
	}
	total := 0.0
	b.ReportAllocs()
	for b.Loop() {
		work, err := pass()
		if err != nil {
			b.Fatal(err)
		}
		total += work
	}
	if c.Unit.Higher {
		b.ReportMetric(c.Unit.of(total, b.Elapsed().Seconds()), metricName(c.Unit.Name))
	}
}

// metricName is a unit as Go's benchmarks print it: without blanks.
func metricName(unit string) string { return regexp.MustCompile(`\s`).ReplaceAllString(unit, "") }

func TestCases(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Cases() {
		if seen[c.Name] {
			t.Errorf("two cases named %q", c.Name)
		}
		seen[c.Name] = true
		if (c.prepare == nil) == (c.measure == nil) || c.What == "" || c.Unit.Scale == 0 {
			t.Errorf("case %q: prepare %t, measure %t, what %q, unit %v", c.Name, c.prepare != nil, c.measure != nil, c.What, c.Unit)
		}
	}
}

func TestUnitOf(t *testing.T) {
	for _, tt := range []struct {
		unit          Unit
		work, seconds float64
		want          float64
	}{
		{Millis, 7, 0.25, 250}, {Seconds, 7, 0.25, 0.25}, {Flops, 3e9, 0.5, 6}, {Seeds, 512, 2, 256}, {Edges, 4e6, 2, 2},
	} {
		if got := tt.unit.of(tt.work, tt.seconds); math.Abs(got-tt.want) > 1e-9 {
			t.Errorf("%s of %g in %g s: %g, want %g", tt.unit.Name, tt.work, tt.seconds, got, tt.want)
		}
	}
}

func TestNewFigure(t *testing.T) {
	rate := newFigure(Case{Name: "a", Unit: Flops}, 2, 3, 1, 2, 10)
	if rate.Median != 2.5 || rate.Best != 10 {
		t.Errorf("rate: median %g, best %g, want 2.5 and 10", rate.Median, rate.Best)
	}
	span := newFigure(Case{Name: "b", Unit: Millis}, 2, 3, 1, 2)
	if span.Median != 2 || span.Best != 1 {
		t.Errorf("time: median %g, best %g, want 2 and 1", span.Median, span.Best)
	}
}

func TestRun(t *testing.T) {
	var told []string
	got, err := Run(t.Context(), Options{Match: regexp.MustCompile("^gather/"), Threads: []int{1, 2}, Env: Env{Quick: true},
		OnFigure: func(f Figure) { told = append(told, f.Case) }})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) == 0 || len(got) != len(told) || len(got)%2 != 0 {
		t.Fatalf("%d figures, told %v", len(got), told)
	}
	for _, f := range got {
		if !(f.Median > 0) || len(f.Samples) < 5 {
			t.Errorf("%s: median %g of %d samples", f.Case, f.Median, len(f.Samples))
		}
	}
}

// A load whose data are not there is left out with a reason, and a cancelled run stops.
func TestRun_noData(t *testing.T) {
	t.Setenv(relf1.Env, t.TempDir())
	var skipped []string
	got, err := Run(t.Context(), Options{Match: regexp.MustCompile("driver-position"), OnSkip: func(c Case, _ string) { skipped = append(skipped, c.Name) }})
	if err != nil || len(got) != 0 || !slices.Equal(skipped, []string{"epoch/driver-position", "gbdt/driver-position"}) {
		t.Errorf("figures %v, skipped %v, error %v", got, skipped, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, Options{Match: regexp.MustCompile("gemm")}); err == nil {
		t.Error("a cancelled run went on")
	}
}

func TestRandomCSR(t *testing.T) {
	c := randomCSR(1, 50, 700, 30)
	if err := c.Check(30); err != nil || c.Rows() != 50 || c.Edges() != 700 {
		t.Errorf("%d destinations, %d edges, error %v", c.Rows(), c.Edges(), err)
	}
}

func TestPeak(t *testing.T) {
	resetPeak()
	before := peakMB()
	if before == 0 {
		t.Skip("this system tells no peak memory")
	}
	held := make([]byte, 64<<20)
	for i := range held {
		held[i] = byte(i)
	}
	if after := peakMB(); after < before+40 || held[7] != 7 {
		t.Errorf("peak %.0f MB before and %.0f MB after holding 67 MB", before, after)
	}
}
