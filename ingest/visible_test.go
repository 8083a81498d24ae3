package ingest

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestTimeRule_visible(t *testing.T) {
	inclusive, strict := TimeRule{}, TimeRule{Strict: true}
	for _, tc := range []struct {
		rule        TimeRule
		time, until int64
		at          int64
		want        bool
	}{
		{inclusive, 5, Never, 4, false}, {inclusive, 5, Never, 5, true}, {inclusive, 5, Never, 6, true},
		{strict, 5, Never, 5, false}, {strict, 5, Never, 6, true},
		{inclusive, 5, 8, 7, true}, {inclusive, 5, 8, 8, false}, {inclusive, 5, 5, 5, false},
		{inclusive, Always, Never, math.MinInt64, true}, {strict, Always, Never, math.MinInt64, true},
		{inclusive, Never, Never, math.MaxInt64, false}, {strict, Never, Never, math.MaxInt64, false},
	} {
		if got := tc.rule.Valid(tc.time, tc.until, tc.at); got != tc.want {
			t.Errorf("strict %v: row [%d, %d) at %d: %v, want %v", tc.rule.Strict, tc.time, tc.until, tc.at, got, tc.want)
		}
	}
}

func TestTimeRule_cutAgreesWithVisible(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		edge := rapid.SampledFrom([]int64{Always, Always + 1, -1, 0, 1, Never - 1, Never})
		times := rapid.SliceOf(rapid.OneOf(rapid.Int64Range(-3, 3), edge)).Draw(t, "times")
		slices.Sort(times)
		at := rapid.OneOf(rapid.Int64Range(-4, 4), edge).Draw(t, "at")
		rule := TimeRule{Strict: rapid.Bool().Draw(t, "strict")}
		want := 0
		for _, v := range times {
			visible := v == Always || v != Never && (v < at || v == at && !rule.Strict)
			if rule.Visible(v, at) != visible {
				t.Fatalf("a row at %d is visible at %d: %v, want %v", v, at, !visible, visible)
			}
			if visible {
				want++
			}
		}
		if got := rule.Cut(times, at); got != want {
			t.Fatalf("%d of %v are visible at %d, want %d", got, times, at, want)
		}
	})
}
