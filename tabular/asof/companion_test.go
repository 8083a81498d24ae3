package asof

import (
	"math"
	"testing"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// timed is a table of one column with the given times.
func timed(times []int64, values ...float64) *ingest.Table {
	return &ingest.Table{Def: &schema.Table{Name: "t", Columns: []schema.Column{{Name: "x", Kind: schema.Float}}}, Rows: len(values),
		Columns: []ingest.Column{{Kind: schema.Float, Floats: values}}, Times: times}
}

// TestRanksAmong ranks rows of one time only, and counts places from the most on.
func TestRanksAmong(t *testing.T) {
	table := timed([]int64{1, 1, 1, 2}, 5, 3, 3, 9)
	number := table.Columns[0].Number
	for i, want := range []float64{2.5 / 3, 1.0 / 3, 1.0 / 3, 0.5} {
		if v := ranksAmong(table, number, share)[i]; math.Abs(float64(v)-want) > 1e-6 {
			t.Errorf("row %d: share %g, want %g", i, v, want)
		}
	}
	for i, want := range []float32{1, 2.5, 2.5, 1} {
		if v := ranksAmong(table, number, place)[i]; v != want {
			t.Errorf("row %d: place %g, want %g", i, v, want)
		}
	}
}

// TestSteps takes a total that falls once for one that began anew, and one that falls
// often for none. Only rows visible at the instant judge.
func TestSteps(t *testing.T) {
	before := []int32{-1, 0, 1, 2, 3, 4}
	times := []int64{1, 2, 3, 4, 5, 6}
	for _, c := range []struct {
		values, want []float64
		at           int64
	}{
		{[]float64{1, 3, 4, 6, 2, 5}, []float64{math.NaN(), 2, 1, 2, 2, 3}, 6},
		{[]float64{5, 3, 4, 1, 2, 1}, []float64{math.NaN(), -2, 1, -3, 1, -1}, 6},
		{[]float64{1, 3, 4, 1, 0, -2}, []float64{math.NaN(), 2, 1, 1, 0, -2}, 3},
	} {
		got := steps(timed(times, c.values...), 0, before, Options{At: c.at})
		for i, v := range got {
			if v != c.want[i] && !(math.IsNaN(v) && math.IsNaN(c.want[i])) {
				t.Errorf("steps of %v: %v, want %v", c.values, got, c.want)
				break
			}
		}
	}
}

// TestCompanion finds the youngest visible row of both parents.
func TestCompanion(t *testing.T) {
	ours := &ingest.Table{Def: &schema.Table{Name: "a", Links: []schema.Link{{Name: "p", To: 0}, {Name: "q", To: 1}}}, Rows: 1, Parents: [][]int32{{4}, {7}}}
	theirs := timed([]int64{10, 20, 15}, 1, 2, 3)
	theirs.Def.Links, theirs.Parents = []schema.Link{{Name: "q", To: 1}, {Name: "p", To: 0}}, [][]int32{{7, 7, 7}, {4, 4, 5}}
	links := sharedLinks(ours, theirs)
	if len(links) != 2 || links[0] != (shared{0, 1}) || links[1] != (shared{1, 0}) {
		t.Fatalf("shared links %v", links)
	}
	c := newCompanion(ours, theirs, links, ingest.TimeRule{})
	for at, want := range map[int64]int32{9: -1, 10: 0, 19: 0, 20: 1} {
		if row := c.find(0, at); row != want {
			t.Errorf("at %d: row %d, want %d", at, row, want)
		}
	}
}
