package sample_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/rowlink/rowlink/graph/sample"
)

// recencyWorld has one user with an order at each of the times, and later ones.
func recencyWorld(times []int64) *world {
	w := newWorld()
	w.table("users", 1, nil, nil)
	last := times[len(times)-1]
	times = append(append([]int64(nil), times...), last+5, last+6)
	w.link(w.table("orders", len(times), times, nil), 0, "user", make([]int32, len(times)))
	return w
}

// inclusion is the exact probability of each child to be among the first k of a draw
// without replacement, by going through all draws.
func inclusion(weights []float64, k int) []float64 {
	out := make([]float64, len(weights))
	taken := make([]bool, len(weights))
	var draw func(k int, p float64)
	draw = func(k int, p float64) {
		if k == 0 {
			return
		}
		left := 0.0
		for i, w := range weights {
			if !taken[i] {
				left += w
			}
		}
		for i, w := range weights {
			if taken[i] {
				continue
			}
			out[i] += p * w / left
			taken[i] = true
			draw(k-1, p*w/left)
			taken[i] = false
		}
	}
	draw(k, 1)
	return out
}

// TestRecency_inclusion compares how often each child is read with the exact
// probability. The lists cover clocks that are set one by one, ranges that share a
// process, and both together; the seed's own moment plays no part.
func TestRecency_inclusion(t *testing.T) {
	spread := func(n int, step int64) []int64 {
		times := make([]int64, n)
		for i := range times {
			times[i] = int64(i) * step
		}
		return times
	}
	for _, c := range []struct {
		name     string
		times    []int64
		halfLife int64
		k        int
	}{
		{"within one half-life", spread(40, 1), 1000, 1},
		{"within one half-life, two of them", spread(40, 1), 50, 2},
		{"over many half-lives", spread(12, 10), 8, 3},
		{"long ranges behind each other", spread(90, 1), 30, 2},
		{"a few new ones and many old ones", append(spread(60, 1), 300, 301, 302), 40, 2},
		{"equal times", make([]int64, 30), 5, 2},
		{"beyond the last range", append([]int64{-900, -500}, 0, 1), 3, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			const keys = 40_000
			newest := c.times[len(c.times)-1]
			weights := make([]float64, len(c.times))
			for i, at := range c.times {
				weights[i] = math.Exp2(-math.Min(float64(newest-at)/float64(c.halfLife), 63))
			}
			want := inclusion(weights, c.k)
			s := mustNew(t, recencyWorld(c.times).graph(t), sample.Options{FanOut: []int{c.k}, Strategy: "recency", HalfLife: c.halfLife, Seed: 9})
			seeds := make([]sample.Seed, keys)
			for i := range seeds {
				seeds[i] = sample.Seed{At: newest + 4, Key: uint64(i)}
			}
			got := make([]float64, len(c.times))
			set := s.Sample(seeds, 0)
			for _, row := range set.Nodes[1].Rows {
				got[row]++
			}
			if len(set.Nodes[1].Rows) != keys*c.k {
				t.Fatalf("%d children read, want %d", len(set.Nodes[1].Rows), keys*c.k)
			}
			sum, cells := 0.0, 0
			for i, p := range want {
				if e := keys * p; e >= 5 && p < 1-1e-9 {
					sum += (got[i] - e) * (got[i] - e) / (e * (1 - p))
					cells++
				} else if math.Abs(got[i]-e) > 25 {
					t.Errorf("child %d: read %v times, want about %.1f", i, got[i], e)
				}
			}
			if limit := float64(cells) + 5*math.Sqrt(2*float64(cells)+1); sum > limit {
				t.Errorf("chi-square %.1f over %d children, want at most %.1f", sum, cells, limit)
			}
			t.Logf("chi-square %.1f over %d children", sum, cells)
		})
	}
}

// BenchmarkRecency_hub shows that a long list costs little more than a short one.
func BenchmarkRecency_hub(b *testing.B) {
	for _, n := range []int{1_000, 100_000, 10_000_000} {
		times := make([]int64, n)
		for i := range times {
			times[i] = int64(i)
		}
		for _, part := range []int64{10, 1000} { // half-lives in the list
			b.Run(fmt.Sprintf("degree=%d/halflives=%d", n, part), func(b *testing.B) {
				s := mustNew(b, recencyWorld(times).graph(b), sample.Options{FanOut: []int{128}, Strategy: "recency", HalfLife: max(1, int64(n)/part)})
				var batch sample.Batch
				seeds := []sample.Seed{{At: int64(n) + 2}}
				for b.Loop() {
					seeds[0].Key++
					s.SampleInto(&batch, seeds, 0)
				}
			})
		}
	}
}
