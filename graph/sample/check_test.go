package sample_test

import (
	"slices"
	"testing"

	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/graph/sample"
)

// fataler is what check needs of a test, be it of testing or of rapid.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

var _ fataler = (*testing.T)(nil)

// check holds every invariant that a batch promises, against the plain columns.
func check(t fataler, g *graph.Graph, o sample.Options, b *sample.Batch) {
	t.Helper()
	seeds, hops := len(b.Seeds), len(o.FanOut)
	type copyOf struct {
		seed int32
		row  int32
	}
	for table := range b.Nodes {
		n := &b.Nodes[table]
		if len(n.HopEnd) != hops+1 || n.HopEnd[hops] != len(n.Rows) || !slices.IsSorted(n.HopEnd) {
			t.Fatalf("table %d: HopEnd %v for %d copies", table, n.HopEnd, len(n.Rows))
		}
		if len(n.SeedOf) != len(n.Rows) || len(n.Age) != len(n.Rows) || len(n.CopyOf) != len(n.Rows) {
			t.Fatalf("table %d: lengths differ", table)
		}
		first := 0
		for _, end := range n.HopEnd {
			if !slices.IsSorted(n.SeedOf[first:end]) {
				t.Fatalf("table %d: seeds of a hop out of order: %v", table, n.SeedOf[first:end])
			}
			first = end
		}
		if want := seeds; table == o.Entity && n.HopEnd[0] != want || table != o.Entity && n.HopEnd[0] != 0 {
			t.Fatalf("table %d: %d copies in hop 0", table, n.HopEnd[0])
		}
		once := map[copyOf]bool{}
		tab := g.Snap.Tables[table]
		for i, row := range n.Rows {
			c := copyOf{n.SeedOf[i], row}
			if once[c] {
				t.Fatalf("table %d: row %d twice within seed %d", table, row, c.seed)
			}
			once[c] = true
			seed := b.Seeds[c.seed]
			visible := tab.VisibleAt(o.Rule, row, seed.At)
			if isSeed := table == o.Entity && i < seeds; isSeed && (row != seed.Row || int(c.seed) != i) || !isSeed && !visible {
				t.Fatalf("table %d copy %d: row %d of seed %d (visible %v)", table, i, row, c.seed, visible)
			}
			want := int64(0)
			if visible && tab.Times != nil {
				want = seed.At - tab.Times[row]
			}
			if n.Age[i] != want {
				t.Fatalf("table %d copy %d: age %d, want %d", table, i, n.Age[i], want)
			}
			if n.Distinct[n.CopyOf[i]] != row {
				t.Fatalf("table %d copy %d: distinct row %d, want %d", table, i, n.Distinct[n.CopyOf[i]], row)
			}
		}
		want := slices.Clone(n.Rows)
		slices.Sort(want)
		if want = slices.Compact(want); !slices.Equal(want, n.Distinct) {
			t.Fatalf("table %d: distinct %v, want %v", table, n.Distinct, want)
		}
	}
	for e := range b.Edges {
		checkEdges(t, g, b, e)
	}
}

// checkEdges also holds that every copy beyond the seeds is read by a copy of the hop before.
func checkEdges(t fataler, g *graph.Graph, b *sample.Batch, e int) {
	t.Helper()
	et, set := g.Edges[e], &b.Edges[e]
	src, dst := &b.Nodes[et.Src], &b.Nodes[et.Dst]
	up := g.Snap.Tables[et.Table].Parents[et.Link]
	if want := dst.HopEnd[b.Hops()-1] + 1; len(set.Ptr) != want || set.Ptr[0] != 0 || int(set.Ptr[want-1]) != len(set.Src) || !slices.IsSorted(set.Ptr) {
		t.Fatalf("%s: Ptr %v for %d edges and %d destinations", g.Label(e), set.Ptr, len(set.Src), want-1)
	}
	if want := len(set.Ptr) - 1; et.Rev && len(set.Parent) != want || !et.Rev && set.Parent != nil {
		t.Fatalf("%s: %d parents for %d destinations", g.Label(e), len(set.Parent), want)
	}
	for d := range len(set.Ptr) - 1 {
		if et.Rev {
			want := int32(-1)
			if set.Ptr[d] < set.Ptr[d+1] {
				want = set.Src[set.Ptr[d]]
			}
			if set.Parent[d] != want {
				t.Fatalf("%s: parent of copy %d is %d, want %d", g.Label(e), d, set.Parent[d], want)
			}
		}
		last := int32(-1)
		for _, s := range set.Src[set.Ptr[d]:set.Ptr[d+1]] {
			if src.SeedOf[s] != dst.SeedOf[d] {
				t.Fatalf("%s: edge between seeds %d and %d", g.Label(e), src.SeedOf[s], dst.SeedOf[d])
			}
			child, parent := src.Rows[s], dst.Rows[d]
			if et.Rev {
				child, parent = parent, child
			}
			if up[child] != parent {
				t.Fatalf("%s: row %d does not point to row %d", g.Label(e), child, parent)
			}
			if et.Rev && last >= 0 {
				t.Fatalf("%s: two parents", g.Label(e))
			}
			times := g.Snap.Tables[et.Src].Times
			if row := src.Rows[s]; last >= 0 && (times != nil && times[row] < times[last] || (times == nil || times[row] == times[last]) && row <= last) {
				t.Fatalf("%s: rows %d and %d out of order", g.Label(e), last, row)
			}
			last = src.Rows[s]
		}
	}
}
