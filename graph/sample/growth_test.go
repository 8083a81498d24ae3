package sample_test

import (
	"fmt"
	"testing"

	"github.com/rowlink/rowlink/graph/sample"
)

// TestSample_hub reads whole neighbourhoods of thousands of rows, for which the table
// of seen rows grows several times within a seed and shrinks again for the next one.
func TestSample_hub(t *testing.T) {
	w := shop(3, 300, 4000)
	g := w.graph(t)
	o := sample.Options{FanOut: []int{-1, -1}, Strategy: "latest"}
	seeds := []sample.Seed{{Row: 0, At: 900, Key: 1}, {Row: 1, At: 2, Key: 2}, {Row: 2, At: 500, Key: 3}, {Row: 0, At: 0, Key: 4}}
	b := mustNew(t, g, o).Sample(seeds, 0)
	check(t, g, o, b)
	for i, seed := range seeds {
		hop, read := naive(w.snap, g.Edges, o, seed)
		gotHop, gotRead := flatten(g, b, int32(i))
		if fmt.Sprint(hop) != fmt.Sprint(gotHop) || fmt.Sprint(read) != fmt.Sprint(gotRead) {
			t.Fatalf("seed %d: %d rows and %d lists, want %d and %d", i, len(gotHop), len(gotRead), len(hop), len(read))
		}
	}
	if copies, _ := b.Size(); copies < 2000 {
		t.Errorf("%d copies are too few for this test", copies)
	}
}

// TestSampleInto_allocs holds that a used batch is refilled without any allocation.
func TestSampleInto_allocs(t *testing.T) {
	g := shop(100, 20, 3000).graph(t)
	seeds := make([]sample.Seed, 300)
	for i := range seeds {
		seeds[i] = sample.Seed{Row: int32(i % 100), At: int64(i * 3), Key: uint64(i)}
	}
	for _, strategy := range sample.Strategies() {
		for _, threads := range []int{1, 2} {
			s := mustNew(t, g, sample.Options{FanOut: []int{8, 8, 8}, Strategy: strategy, HalfLife: 50, Threads: threads})
			var b sample.Batch
			for range 20 { // which thread takes which block varies
				s.SampleInto(&b, seeds, 0)
			}
			if n := testing.AllocsPerRun(50, func() { s.SampleInto(&b, seeds, 0) }); n > 0 {
				t.Errorf("%s, %d threads: %v allocations per batch, want none", strategy, threads, n)
			}
		}
	}
}

func TestSampleInto_rowOutOfRange(t *testing.T) {
	s := mustNew(t, shop(2, 1, 5).graph(t), sample.Options{FanOut: []int{1}})
	defer func() {
		if got, want := fmt.Sprint(recover()), "sample: seed 1 is row 2 of 2"; got != want {
			t.Errorf("panic %q, want %q", got, want)
		}
	}()
	s.Sample([]sample.Seed{{Row: 1}, {Row: 2}}, 0)
}

func TestSample_noSeeds(t *testing.T) {
	g := shop(2, 1, 5).graph(t)
	o := sample.Options{FanOut: []int{1, 1}}
	check(t, g, o, mustNew(t, g, o).Sample(nil, 0))
}
