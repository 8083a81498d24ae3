package sample

import (
	"slices"
	"testing"
)

// draws of row numbers below rows, which repeat.
func someRows(n, rows int) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(Stream(5).Below(uint64(i), uint64(rows)))
	}
	return out
}

// TestNodeSet_distinct holds that both ways give the same on small and large tables.
func TestNodeSet_distinct(t *testing.T) {
	for _, c := range []struct{ copies, rows int }{{0, 0}, {1, 1}, {5, 64}, {40, 65}, {300, 100}, {1000, 5000}, {700, 1 << 22}} {
		n := NodeSet{Rows: someRows(c.copies, c.rows)}
		m := n
		var a, b distinctScratch
		n.distinctByBits(&a, (c.rows+63)/64)
		m.distinctBySort(&b, c.rows)
		if !slices.Equal(n.Distinct, m.Distinct) || !slices.Equal(n.CopyOf, m.CopyOf) {
			t.Errorf("%d copies of %d rows: by bits %v %v, by sorting %v %v", c.copies, c.rows, n.Distinct, n.CopyOf, m.Distinct, m.CopyOf)
		}
		for i, row := range n.Rows {
			if n.Distinct[n.CopyOf[i]] != row {
				t.Errorf("%d copies of %d rows: copy %d is row %d, not %d", c.copies, c.rows, i, row, n.Distinct[n.CopyOf[i]])
			}
		}
	}
}

func BenchmarkDistinct(b *testing.B) {
	n := NodeSet{Rows: someRows(50_000, 26_000)}
	var scratch distinctScratch
	b.Run("bits", func(b *testing.B) {
		for b.Loop() {
			n.distinctByBits(&scratch, (26_000+63)/64)
		}
	})
	b.Run("sort", func(b *testing.B) {
		for b.Loop() {
			n.distinctBySort(&scratch, 26_000)
		}
	})
}
