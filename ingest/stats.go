package ingest

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rowlink/rowlink/schema"
)

const (
	distinctCap = 1 << 16 // different values that are counted exactly
	topValues   = 10      // most frequent values that are reported
	rankSample  = 1 << 14 // rows from which a rank correlation is taken
)

// Stats describes the values of every column of every table, as inference of
// semantic types wants them; the result is aligned with s.Tables and their columns.
func (s *Snapshot) Stats() [][]schema.ColumnStats {
	type place struct{ table, column int }
	var places []place
	out := make([][]schema.ColumnStats, len(s.Tables))
	for i, t := range s.Tables {
		out[i] = make([]schema.ColumnStats, len(t.Columns))
		for c := range t.Columns {
			places = append(places, place{i, c})
		}
	}
	_ = each(len(places), func(i int) error {
		p := places[i]
		out[p.table][p.column] = s.Tables[p.table].Stats(p.column, nil)
		return nil
	})
	s.totals(out)
	return out
}

// Stats describes the values of one column in the rows that upTo accepts; nil
// accepts all. Different values are counted up to 65,536, and the most frequent ones
// (ties: the smaller first) are named only where all were counted. KeyOrder is known
// for numbers and times outside the key of a table that has one; in a large table it
// comes from 16,384 rows at equal distances. Cost: O(rows).
func (t *Table) Stats(col int, upTo func(row int) bool) schema.ColumnStats {
	c := &t.Columns[col]
	rows := make([]int32, 0, t.Rows)
	var st schema.ColumnStats
	for r := range t.Rows {
		if upTo != nil && !upTo(r) {
			continue
		}
		st.Rows++
		if c.Null(r) {
			st.Nulls++
			continue
		}
		rows = append(rows, int32(r))
	}
	switch c.Kind {
	case schema.Opaque:
		return st
	case schema.Text:
		c.textStats(rows, &st)
	default:
		c.numberStats(rows, &st)
		if len(t.Def.Key) > 0 && !slices.Contains(t.Def.Key, col) && c.Kind != schema.Bool {
			st.KeyOrder = c.rowOrder(rows)
		}
	}
	return st
}

func (c *Column) textStats(rows []int32, st *schema.ColumnStats) {
	var length, words float64
	count := map[string]int{}
	for _, r := range rows {
		s := c.Text(int(r))
		length += float64(len(s))
		st.MaxLen = max(st.MaxLen, float64(len(s)))
		words += float64(wordCount(s))
		if !st.DistinctCapped {
			count[s]++
			st.DistinctCapped = len(count) > distinctCap
		}
	}
	if len(rows) > 0 {
		st.MeanLen, st.MeanWords = length/float64(len(rows)), words/float64(len(rows))
	}
	st.Distinct = min(len(count), distinctCap)
	if !st.DistinctCapped {
		st.Top = top(count, cmp.Compare[string], strings.Clone)
	}
}

// wordCount is the number of runs of characters between white space.
func wordCount(s string) (n int) {
	inside := false
	for i := 0; i < len(s); {
		r, size := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
		}
		i += size
		space := unicode.IsSpace(r)
		if !space && !inside {
			n++
		}
		inside = !space
	}
	return n
}

func (c *Column) numberStats(rows []int32, st *schema.ColumnStats) {
	count := map[uint64]int{}
	first := map[uint64]int32{} // a row that has the value
	st.Integers = c.Kind == schema.Int || c.Kind == schema.Bool || c.Kind == schema.Float && len(rows) > 0
	some := false
	for _, r := range rows {
		if v, ok := c.Number(int(r)); ok {
			if !some {
				st.Min, st.Max, some = v, v, true
			}
			st.Min, st.Max = min(st.Min, v), max(st.Max, v)
			st.Integers = st.Integers && v == math.Trunc(v) && !math.IsInf(v, 0)
		} else {
			st.Integers = false
		}
		if !st.DistinctCapped {
			code := c.code(int(r))
			if count[code]++; count[code] == 1 {
				first[code] = r
				st.DistinctCapped = len(count) > distinctCap
			}
		}
	}
	st.Distinct = min(len(count), distinctCap)
	if !st.DistinctCapped {
		st.Top = top(count, func(a, b uint64) int { return c.compare(int(first[a]), int(first[b])) },
			func(code uint64) string { return partText(c.Value(int(first[code]))) })
	}
}

// top returns the most frequent values, of equally frequent ones the smaller first.
func top[K comparable](count map[K]int, compare func(a, b K) int, text func(K) string) []schema.ValueCount {
	keys := make([]K, 0, len(count))
	for k := range count {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b K) int {
		if d := cmp.Compare(count[b], count[a]); d != 0 {
			return d
		}
		return compare(a, b)
	})
	var out []schema.ValueCount
	for _, k := range keys[:min(len(keys), topValues)] {
		out = append(out, schema.ValueCount{Value: text(k), Count: count[k]})
	}
	return out
}

// rowOrder is Spearman's rank correlation of values with row numbers, equal values
// sharing their mean rank; 0 where one side is constant.
func (c *Column) rowOrder(rows []int32) float64 {
	if n := len(rows); n > rankSample {
		sample := make([]int32, rankSample)
		for i := range sample {
			sample[i] = rows[i*n/rankSample]
		}
		rows = sample
	}
	n := len(rows)
	byValue := make([]int, n) // positions in rows
	for i := range byValue {
		byValue[i] = i
	}
	slices.SortFunc(byValue, func(a, b int) int {
		if d := c.compare(int(rows[a]), int(rows[b])); d != 0 {
			return d
		}
		return cmp.Compare(a, b)
	})
	var cov, varRank, varRow float64
	mean := float64(n-1) / 2
	for lo := 0; lo < n; {
		hi := lo + 1
		for hi < n && c.compare(int(rows[byValue[lo]]), int(rows[byValue[hi]])) == 0 {
			hi++
		}
		rank := float64(lo+hi-1)/2 - mean
		for _, i := range byValue[lo:hi] {
			d := float64(i) - mean
			cov += rank * d
			varRank += rank * rank
			varRow += d * d
		}
		lo = hi
	}
	if varRank == 0 || varRow == 0 {
		return 0
	}
	return cov / math.Sqrt(varRank*varRow)
}
