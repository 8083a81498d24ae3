package sample_test

import (
	"slices"
	"testing"

	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/graph/sample"
	"pgregory.net/rapid"
)

// A series hands over the batches that are drawn one by one, in their order, whatever
// the number of threads and of batches drawn ahead.
func TestSeries(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		g, err := graph.Build(w.snap)
		if err != nil {
			t.Fatal(err)
		}
		o := drawOptions(t, g, "uniform")
		o.Threads = rapid.IntRange(1, 4).Draw(t, "threads")
		s, err := sample.New(g, o)
		if err != nil {
			t.Skip("options of no use")
		}
		var seeds []sample.Seed
		for i := range rapid.IntRange(0, 30).Draw(t, "seeds") {
			row := int32(rapid.IntRange(0, g.Snap.Tables[o.Entity].Rows-1).Draw(t, "row"))
			seeds = append(seeds, sample.Seed{Row: row, At: rapid.Int64Range(0, 13).Draw(t, "at"), Key: uint64(i)})
		}
		size := rapid.IntRange(1, 8).Draw(t, "size")
		var want []string
		for part := range slices.Chunk(seeds, size) {
			want = append(want, s.Sample(part, 5).String())
		}
		series := s.NewSeries(rapid.IntRange(0, 5).Draw(t, "ahead"))
		for range 2 { // its memory is used again
			var got []string
			series.Each(seeds, size, 5, func(b *sample.Batch) { got = append(got, b.String()) })
			if !slices.Equal(got, want) {
				t.Fatalf("the series gives\n%s\none by one\n%s", got, want)
			}
		}
	})
}
