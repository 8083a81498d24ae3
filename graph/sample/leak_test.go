package sample_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/graph/sample"
	"github.com/rowlink/rowlink/ingest"
	"pgregory.net/rapid"
)

// TestSample_future holds the rule that everything else rests on: adding, deleting and
// altering rows after the seed's moment, which renumbers all rows, leaves the subgraph
// as it was up to the new numbers.
func TestSample_future(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		at := rapid.Int64Range(0, 12).Draw(t, "cut")
		g, err := graph.Build(w.snap)
		if err != nil {
			t.Fatal(err)
		}
		o := drawOptions(t, g, rapid.SampledFrom(sample.Strategies()).Draw(t, "strategy"))
		seeds := drawSeeds(t, w.snap.Tables[o.Entity].Rows, 4)
		keep := make([][]bool, len(w.snap.Tables))
		for i, table := range w.snap.Tables {
			keep[i] = make([]bool, table.Rows)
		}
		for i := range seeds {
			seeds[i].At = at
			keep[o.Entity][seeds[i].Row] = true
		}
		later, number := alterFuture(t, w, o.Rule, at, keep)
		g2, err := graph.Build(later.snap)
		if err != nil {
			t.Fatal(err)
		}
		moved := slices.Clone(seeds)
		for i := range moved {
			moved[i].Row = number[o.Entity][moved[i].Row]
		}
		before, after := mustNew(t, g, o).Sample(seeds, 3), mustNew(t, g2, o).Sample(moved, 3)
		check(t, g2, o, after)
		for table := range before.Nodes {
			rows := slices.Clone(before.Nodes[table].Rows)
			for i, r := range rows {
				rows[i] = number[table][r]
			}
			a, b := before.Nodes[table], after.Nodes[table]
			if !slices.Equal(rows, b.Rows) || !slices.Equal(a.Age, b.Age) || !slices.Equal(a.SeedOf, b.SeedOf) ||
				!slices.Equal(a.HopEnd, b.HopEnd) || !slices.Equal(a.CopyOf, b.CopyOf) {
				t.Fatalf("rows after the cut changed table %d\nbefore (renumbered) %v %v\nafter %v %v", table, rows, a.Age, b.Rows, b.Age)
			}
		}
		for e := range before.Edges {
			if !slices.Equal(before.Edges[e].Ptr, after.Edges[e].Ptr) || !slices.Equal(before.Edges[e].Src, after.Edges[e].Src) {
				t.Fatalf("rows after the cut changed %s", g.Label(e))
			}
		}
	})
}

// alterFuture copies w with its rows that are not visible at the cut deleted, altered
// or multiplied, and rows of no consequence added. It returns the new number of each
// old row, -1 for deleted ones. Rows to keep are not deleted.
func alterFuture(t *rapid.T, w *world, rule ingest.TimeRule, at int64, keep [][]bool) (*world, [][]int32) {
	later := newWorld()
	number, old := make([][]int32, len(w.snap.Tables)), make([][]int32, len(w.snap.Tables))
	for i, table := range w.snap.Tables {
		number[i] = make([]int32, table.Rows)
		for row := range int32(table.Rows) {
			for range rapid.IntRange(0, 2).Draw(t, "new rows") {
				old[i] = append(old[i], -1)
			}
			future := table.Times != nil && !rule.Visible(table.Times[row], at)
			if future && !keep[i][row] && rapid.Bool().Draw(t, "delete") {
				number[i][row] = -1
				continue
			}
			number[i][row] = int32(len(old[i]))
			old[i] = append(old[i], row)
		}
	}
	// Times after the cut, none of them visible under either rule.
	futureTime := func() int64 {
		if rapid.IntRange(0, 9).Draw(t, "never") == 0 {
			return ingest.Never
		}
		return at + rapid.Int64Range(1, 9).Draw(t, "future")
	}
	for i, table := range w.snap.Tables {
		var times, until []int64
		for _, row := range old[i] {
			switch {
			case table.Times == nil:
				continue
			case row >= 0 && rule.Visible(table.Times[row], at):
				times = append(times, table.Times[row])
			default:
				times = append(times, futureTime())
			}
			if table.Until == nil {
				continue
			}
			// The end of a row may become known later than the cut.
			end := at + rapid.Int64Range(1, 9).Draw(t, "end")
			if row >= 0 && table.Until[row] <= at {
				end = table.Until[row]
			}
			until = append(until, end)
		}
		later.table(table.Def.Name, len(old[i]), times, until)
	}
	for i, table := range w.snap.Tables {
		for l, link := range table.Def.Links {
			parents := make([]int32, len(old[i]))
			for j, row := range old[i] {
				parents[j] = -1
				switch {
				case row >= 0 && (table.Times == nil || rule.Visible(table.Times[row], at)):
					if p := table.Parents[l][row]; p >= 0 {
						parents[j] = number[link.To][p]
					}
				case table.Times != nil && (row < 0 || !keep[i][row]):
					parents[j] = int32(rapid.IntRange(-1, len(old[link.To])-1).Draw(t, "any parent"))
				case row >= 0:
					// The row of a seed is read whatever its time: its links stay.
					if p := table.Parents[l][row]; p >= 0 {
						parents[j] = number[link.To][p]
					}
				}
			}
			later.link(i, link.To, table.Def.Columns[link.Columns[0]].Name, parents)
		}
	}
	return later, number
}

// TestSample_alone holds that a seed's subgraph does not depend on its batch.
func TestSample_alone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		g, err := graph.Build(w.snap)
		if err != nil {
			t.Fatal(err)
		}
		o := drawOptions(t, g, rapid.SampledFrom(sample.Strategies()).Draw(t, "strategy"))
		seeds := drawSeeds(t, w.snap.Tables[o.Entity].Rows, 200)
		s := mustNew(t, g, o)
		whole := s.Sample(seeds, 9)
		var alone sample.Batch
		for i := range seeds {
			s.SampleInto(&alone, seeds[i:i+1], 9)
			hop, read := flatten(g, &alone, 0)
			hop2, read2 := flatten(g, whole, int32(i))
			if fmt.Sprint(hop) != fmt.Sprint(hop2) || fmt.Sprint(read) != fmt.Sprint(read2) {
				t.Fatalf("seed %d alone: %v %v\nin the batch: %v %v", i, hop, read, hop2, read2)
			}
		}
	})
}

// encode writes every exported number of a batch.
func encode(b *sample.Batch) []byte {
	var buf bytes.Buffer
	for _, n := range b.Nodes {
		fmt.Fprintln(&buf, n.Rows, n.SeedOf, n.Age, n.HopEnd, n.Distinct, n.CopyOf)
	}
	for _, e := range b.Edges {
		fmt.Fprintln(&buf, e.Ptr, e.Src)
	}
	return buf.Bytes()
}

// TestSampleInto_threads holds that batches are equal at any number of threads, on a
// database large enough for many blocks, and that a used batch changes nothing.
func TestSampleInto_threads(t *testing.T) {
	w := shop(400, 60, 30000)
	g := w.graph(t)
	seeds := make([]sample.Seed, 700)
	for i := range seeds {
		seeds[i] = sample.Seed{Row: int32(i * 7 % 400), At: int64(200 + i), Key: uint64(i)}
	}
	for _, strategy := range sample.Strategies() {
		o := sample.Options{FanOut: []int{20, 6, 3}, Strategy: strategy, HalfLife: 100, Seed: 1, Threads: 1}
		b := mustNew(t, g, o).Sample(seeds, 4)
		check(t, g, o, b)
		want := encode(b)
		copies, edges := b.Size()
		t.Logf("%s: %d copies, %d edges", strategy, copies, edges)
		if other := encode(mustNew(t, g, o).Sample(seeds, 5)); (strategy == "latest") != bytes.Equal(other, want) {
			t.Errorf("%s: epochs 4 and 5 equal: %v", strategy, bytes.Equal(other, want))
		}
		for _, threads := range []int{2, 4, 8} {
			o.Threads = threads
			s := mustNew(t, g, o)
			s.SampleInto(b, seeds[100:], 8)
			s.SampleInto(b, seeds, 4)
			if !bytes.Equal(encode(b), want) {
				t.Errorf("%s: another batch at %d threads", strategy, threads)
			}
		}
	}
}
