package ingest

import (
	"fmt"
	"math"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rowlink/rowlink/schema"
)

func TestStats(t *testing.T) {
	s := &schema.Schema{Tables: []*schema.Table{{Name: "t", Key: []int{0}, Columns: cols("id int", "price float", "note text", "ok bool", "at time", "blob opaque")}}}
	snap := mustFinish(t, s, [][]any{
		{1, 2.5, "two words", true, instant("2024-01-01 00:00"), nil},
		{2, -1.0, "", false, instant("2024-01-02 00:00"), nil},
		{3, math.NaN(), "two words", nil, instant("2024-01-03 00:00"), nil},
		{4, nil, " très  long mot ", true, instant("2024-01-03 00:00"), nil},
		{5, 2.5, nil, true, nil, nil},
	})
	day := float64(24 * 3600 * 1e6)
	first := float64(utc("2024-01-01 00:00"))
	want := []schema.ColumnStats{
		{Rows: 5, Distinct: 5, Min: 1, Max: 5, Integers: true, Top: []schema.ValueCount{{Value: "1", Count: 1}, {Value: "2", Count: 1}, {Value: "3", Count: 1}, {Value: "4", Count: 1}, {Value: "5", Count: 1}}},
		// Ranks of 2.5, -1, NaN, 2.5 in rows 0, 1, 2, 3 (NULL left out): 1.5, 0, 3, 1.5; about the
		// mean 0, -1.5, 1.5, 0 against -1.5, -0.5, 0.5, 1.5: 1.5 / sqrt(4.5 * 5).
		{Rows: 5, Nulls: 1, Distinct: 3, Min: -1, Max: 2.5, KeyOrder: 1.5 / math.Sqrt(4.5*5), Top: []schema.ValueCount{{Value: "2.5", Count: 2}, {Value: "-1", Count: 1}, {Value: "NaN", Count: 1}}},
		{Rows: 5, Nulls: 1, Distinct: 3, MeanLen: (9 + 0 + 9 + 17) / 4.0, MaxLen: 17, MeanWords: (2 + 0 + 2 + 3) / 4.0,
			Top: []schema.ValueCount{{Value: "two words", Count: 2}, {Value: "", Count: 1}, {Value: " très  long mot ", Count: 1}}},
		{Rows: 5, Nulls: 1, Distinct: 2, Max: 1, Integers: true, Top: []schema.ValueCount{{Value: "true", Count: 3}, {Value: "false", Count: 1}}},
		// Ranks 0, 1, 2.5, 2.5: about the mean -1.5, -0.5, 1, 1 against -1.5, -0.5, 0.5, 1.5.
		{Rows: 5, Nulls: 1, Distinct: 3, Min: first, Max: first + 2*day, KeyOrder: 4.5 / math.Sqrt(4.5*5),
			Top: []schema.ValueCount{{Value: "2024-01-03T00:00:00Z", Count: 2}, {Value: "2024-01-01T00:00:00Z", Count: 1}, {Value: "2024-01-02T00:00:00Z", Count: 1}}},
		{Rows: 5, Nulls: 5},
	}
	near := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) <= 1e-12*math.Max(1, math.Abs(a)) })
	if d := cmp.Diff([][]schema.ColumnStats{want}, snap.Stats(), near); d != "" {
		t.Errorf("statistics (-want +got):\n%s", d)
	}
	part := snap.Tables[0].Stats(1, func(row int) bool { return row < 2 })
	if part.Rows != 2 || part.Distinct != 2 || part.KeyOrder != -1 {
		t.Errorf("of two falling rows: %+v", part)
	}
	if none := snap.Tables[0].Stats(2, func(int) bool { return false }); !cmp.Equal(none, schema.ColumnStats{}) {
		t.Errorf("of no rows: %+v", none)
	}
}

func TestStats_large(t *testing.T) {
	s := &schema.Schema{Tables: []*schema.Table{
		{Name: "keyed", Key: []int{0}, Columns: cols("id int", "rising time", "mixed int", "name text")},
		{Name: "log", Columns: cols("x int")}}}
	b := NewBuilder(s)
	const rows = 100_000
	for i := range rows {
		c := b.Tables[0].Columns
		c[0].Int(int64(i))
		c[1].Int(int64(i + i%100)) // nearly in order
		c[2].Int(int64(mix(uint64(i)) % 1000))
		c[3].Text(fmt.Append(nil, i%70_000))
		b.Tables[0].EndRow()
		b.Tables[1].Columns[0].Int(int64(i))
		b.Tables[1].EndRow()
	}
	snap, err := b.Finish(s, 0)
	if err != nil {
		t.Fatal(err)
	}
	all := snap.Stats()
	if got := all[0][1].KeyOrder; got < 0.999 {
		t.Errorf("times in order have rank correlation %g, want nearly 1", got)
	}
	if got := all[0][2].KeyOrder; math.Abs(got) > 0.05 { // 6 standard deviations of 16,384 rows
		t.Errorf("random values have rank correlation %g, want nearly 0", got)
	}
	if got := all[0][2].Distinct; got != 1000 || all[0][2].DistinctCapped {
		t.Errorf("%d different values, want 1000", got)
	}
	if st := all[0][3]; st.Distinct != distinctCap || !st.DistinctCapped || st.Top != nil {
		t.Errorf("70,000 different texts: %d, capped %v, top %v; want a cap and no top", st.Distinct, st.DistinctCapped, st.Top)
	}
	if got := all[1][0].KeyOrder; got != 0 {
		t.Errorf("a table without key has rank correlation %g, want 0", got)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if d := cmp.Diff(all, snap.Stats()); d != "" {
		t.Errorf("on one processor (-many +one):\n%s", d)
	}
}
