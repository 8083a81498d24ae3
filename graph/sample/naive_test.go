package sample_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/graph/sample"
	"github.com/rowlink/rowlink/ingest"
	"pgregory.net/rapid"
)

// drawWorld draws a small database of any shape: tables with and without time, rows
// that end, rows of unknown time, missing parents, links to later tables and to itself.
func drawWorld(t *rapid.T) *world {
	w := newWorld()
	tables := rapid.IntRange(1, 4).Draw(t, "tables")
	clock := rapid.Int64Range(0, 12)
	for i := range tables {
		rows := rapid.IntRange(1, 14).Draw(t, "rows")
		var times, until []int64
		if rapid.IntRange(0, 3).Draw(t, "timed") > 0 {
			for range rows {
				at := clock.Draw(t, "time")
				if rapid.IntRange(0, 9).Draw(t, "never") == 0 {
					at = ingest.Never
				}
				times = append(times, at)
			}
			if rapid.IntRange(0, 3).Draw(t, "ends") == 0 {
				for range rows {
					end := ingest.Never
					if rapid.Bool().Draw(t, "open") {
						end = clock.Draw(t, "until")
					}
					until = append(until, end)
				}
			}
		}
		w.table(fmt.Sprintf("t%d", i), rows, times, until)
	}
	for child := range tables {
		for l := range rapid.IntRange(0, 2).Draw(t, "links") {
			to := rapid.IntRange(0, tables-1).Draw(t, "to")
			var parents []int32
			for range w.snap.Tables[child].Rows {
				parents = append(parents, int32(rapid.IntRange(-1, w.snap.Tables[to].Rows-1).Draw(t, "parent")))
			}
			w.link(child, to, fmt.Sprintf("c%d", l), parents)
		}
	}
	return w
}

func drawOptions(t *rapid.T, g *graph.Graph, strategy string) sample.Options {
	o := sample.Options{
		Entity:   rapid.IntRange(0, len(g.Snap.Tables)-1).Draw(t, "entity"),
		FanOut:   rapid.SliceOfN(rapid.IntRange(-1, 4), 1, 4).Draw(t, "fan"),
		Strategy: strategy,
		Seed:     rapid.Uint64().Draw(t, "seed"),
		HalfLife: rapid.Int64Range(1, 6).Draw(t, "half-life"),
		Threads:  1,
	}
	o.Rule.Strict = rapid.Bool().Draw(t, "strict")
	if len(g.Edges) > 0 && rapid.Bool().Draw(t, "own fan-out") {
		e := rapid.IntRange(0, len(g.Edges)-1).Draw(t, "edge")
		o.PerEdge = map[int][]int{e: rapid.SliceOfN(rapid.IntRange(-1, 4), len(o.FanOut), len(o.FanOut)).Draw(t, "fan of edge")}
	}
	if rapid.Bool().Draw(t, "windowed") {
		o.Window = rapid.Int64Range(1, 14).Draw(t, "window")
	}
	if rapid.Bool().Draw(t, "off") {
		o.Edges = rapid.SliceOfN(rapid.Bool(), len(g.Edges), len(g.Edges)).Draw(t, "on")
	}
	return o
}

func drawSeeds(t *rapid.T, rows, most int) []sample.Seed {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) sample.Seed {
		return sample.Seed{Row: int32(rapid.IntRange(0, rows-1).Draw(t, "row")), At: rapid.Int64Range(0, 13).Draw(t, "at"), Key: rapid.Uint64().Draw(t, "key")}
	}), 1, most).Draw(t, "seeds")
}

func mustNew(t fataler, g *graph.Graph, o sample.Options) *sample.Sampler {
	t.Helper()
	s, err := sample.New(g, o)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return s
}

type node struct {
	table int
	row   int32
}

// naive samples one seed with maps straight from the columns: it scans a whole table
// for the children of a row. It returns the hop of each row and, per edge type and
// destination row, how many neighbours are visible, how many are wanted at most, and
// which are read when the newest are.
func naive(snap *ingest.Snapshot, edges []graph.EdgeType, o sample.Options, seed sample.Seed) (map[node]int, map[string][]int32) {
	hop := map[node]int{{o.Entity, seed.Row}: 0}
	read := map[string][]int32{}
	frontier := []node{{o.Entity, seed.Row}}
	for h := range o.FanOut {
		var found []node
		for _, at := range frontier {
			for e, et := range edges {
				fan, own := o.FanOut[h], false
				if f, ok := o.PerEdge[e]; ok {
					fan, own = f[h], true
				}
				if et.Dst != at.table || o.Edges != nil && !o.Edges[e] || et.Rev && own && fan == 0 {
					continue
				}
				rows := neighbours(snap, et, o, at.row, seed.At)
				if !et.Rev && fan >= 0 && len(rows) > fan {
					rows = rows[len(rows)-fan:]
				}
				if len(rows) > 0 {
					read[fmt.Sprint(e, at.row)] = rows
				}
				for _, row := range rows {
					n := node{et.Src, row}
					if _, ok := hop[n]; !ok {
						hop[n] = h + 1
						found = append(found, n)
					}
				}
			}
		}
		frontier = found
	}
	return hop, read
}

// neighbours returns the rows that row may read over et at moment at, in time order.
func neighbours(snap *ingest.Snapshot, et graph.EdgeType, o sample.Options, row int32, at int64) []int32 {
	src := snap.Tables[et.Src]
	var rows []int32
	for child, p := range snap.Tables[et.Table].Parents[et.Link] {
		switch {
		case et.Rev && int32(child) == row && p >= 0 && src.VisibleAt(o.Rule, p, at):
			rows = append(rows, p)
		case !et.Rev && o.Window > 0 && src.Times != nil && at-src.Times[child] >= o.Window:
		case !et.Rev && p == row && src.VisibleAt(o.Rule, int32(child), at):
			rows = append(rows, int32(child))
		}
	}
	slices.SortStableFunc(rows, func(a, b int32) int {
		return cmp.Compare(src.TimeOf(a), src.TimeOf(b))
	})
	return rows
}

// TestSample_naive compares the newest-first strategy with the naive sampler, copy by
// copy and edge by edge, on random databases.
func TestSample_naive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		g, err := graph.Build(w.snap)
		if err != nil {
			t.Fatal(err)
		}
		o := drawOptions(t, g, "latest")
		seeds := drawSeeds(t, w.snap.Tables[o.Entity].Rows, 3)
		b := mustNew(t, g, o).Sample(seeds, 0)
		check(t, g, o, b)
		for i, seed := range seeds {
			hop, read := naive(w.snap, g.Edges, o, seed)
			gotHop, gotRead := flatten(g, b, int32(i))
			if fmt.Sprint(hop) != fmt.Sprint(gotHop) || fmt.Sprint(read) != fmt.Sprint(gotRead) {
				t.Fatalf("seed %d:\n got %v\n     %v\nwant %v\n     %v", i, gotHop, gotRead, hop, read)
			}
		}
	})
}

// flatten turns the subgraph of seed i into the form that naive returns.
func flatten(g *graph.Graph, b *sample.Batch, i int32) (map[node]int, map[string][]int32) {
	hop, read := map[node]int{}, map[string][]int32{}
	for t := range b.Nodes {
		n := &b.Nodes[t]
		for c, row := range n.Rows {
			if n.SeedOf[c] == i {
				hop[node{t, row}], _ = slices.BinarySearch(n.HopEnd, c+1)
			}
		}
	}
	for e := range b.Edges {
		set, dst, src := &b.Edges[e], &b.Nodes[g.Edges[e].Dst], &b.Nodes[g.Edges[e].Src]
		for d := range len(set.Ptr) - 1 {
			if dst.SeedOf[d] != i {
				continue
			}
			var rows []int32
			for _, s := range set.Src[set.Ptr[d]:set.Ptr[d+1]] {
				rows = append(rows, src.Rows[s])
			}
			if len(rows) > 0 {
				read[fmt.Sprint(e, dst.Rows[d])] = rows
			}
		}
	}
	return hop, read
}

// TestSample_uniformCounts holds that the uniform strategy reads as many children as
// wanted and visible, and only visible ones (check), on random databases.
func TestSample_uniformCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		g, err := graph.Build(w.snap)
		if err != nil {
			t.Fatal(err)
		}
		o := drawOptions(t, g, "uniform")
		b := mustNew(t, g, o).Sample(drawSeeds(t, w.snap.Tables[o.Entity].Rows, 3), 5)
		check(t, g, o, b)
		for e, et := range g.Edges {
			set, dst := &b.Edges[e], &b.Nodes[et.Dst]
			for d := range len(set.Ptr) - 1 {
				h, _ := slices.BinarySearch(dst.HopEnd, d+1)
				want := len(neighbours(w.snap, et, o, dst.Rows[d], b.Seeds[dst.SeedOf[d]].At))
				fan := o.FanOut[h]
				if f, ok := o.PerEdge[e]; ok {
					fan = f[h]
				} else if et.Rev {
					fan = -1
				}
				if et.Rev && fan != 0 {
					fan = -1
				}
				if fan >= 0 {
					want = min(want, fan)
				}
				if o.Edges != nil && !o.Edges[e] {
					want = 0
				}
				if got := int(set.Ptr[d+1] - set.Ptr[d]); got != want {
					t.Fatalf("%s: copy %d reads %d rows, want %d", g.Label(e), d, got, want)
				}
			}
		}
	})
}
