package ingest

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/rowlink/rowlink/schema"
)

// A redrawn value is that of a row that was known when its new row came, rows keep pairs of
// columns together, what is not named stays, and the same seed draws the same.
func TestRedrawn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "rows")
		times := rapid.SliceOfN(rapid.SampledFrom([]int64{1, 2, 3, 5, 8, Never}), n, n).Draw(t, "times")
		rule := TimeRule{Strict: rapid.Bool().Draw(t, "strict")}
		table := &Table{Def: &schema.Table{Name: "x"}, Rows: n, Times: times, Parents: [][]int32{make([]int32, n)}, Columns: []Column{
			{Kind: schema.Int, Ints: make([]int64, n)}, {Kind: schema.Text, Offsets: make([]int64, 1)}, {Kind: schema.Bool, Bits: make([]byte, 5), Valid: make([]byte, 5)}}}
		for i := range n { // every value names its row
			table.Columns[0].Ints[i], table.Parents[0][i] = int64(i), int32(i)
			table.Columns[1].Bytes = append(table.Columns[1].Bytes, byte(i))
			table.Columns[1].Offsets = append(table.Columns[1].Offsets, int64(i+1))
			table.Columns[2].Bits[i>>3] |= byte(i) & 1 << (i & 7)
			if i%3 > 0 {
				table.Columns[2].Valid[i>>3] |= 1 << (i & 7)
			}
		}
		out, err := table.Redrawn(rule, []int{0, 1, 2}, []int{0}, 7)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			from := out.Columns[0].Ints[i]
			if times[i] == Never && from != int64(i) || times[i] != Never && from != int64(i) && !rule.Visible(times[from], times[i]) {
				t.Fatalf("row %d of time %d has the value of row %d of time %d", i, times[i], from, times[from])
			}
			bit := &out.Columns[2]
			if int64(out.Parents[0][i]) != from || out.Columns[1].Text(i)[0] != byte(from) || bit.Null(i) != (from%3 == 0) || bit.Bool(i) != (from%2 == 1) {
				t.Fatalf("row %d takes its cells from several rows", i)
			}
		}
		again, err := table.Redrawn(rule, []int{0}, nil, 7)
		if err != nil || !slices.Equal(again.Columns[0].Ints, out.Columns[0].Ints) || !slices.Equal(again.Parents[0], table.Parents[0]) {
			t.Fatal("the same seed draws others, or links moved that were not named")
		}
	})
}
