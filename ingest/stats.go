package ingest

import (
	"cmp"
	"hash/maphash"
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
	st := schema.ColumnStats{Rows: t.Rows}
	if c.Kind == schema.Opaque {
		st.Rows = t.accepted(upTo)
		st.Nulls = st.Rows
		return st
	}
	p := picked{n: t.Rows}
	if upTo != nil || c.Valid != nil {
		p.rows, st.Rows = c.pick(t.Rows, upTo)
		p.n = len(p.rows)
		st.Nulls = st.Rows - p.n
	}
	if c.Kind == schema.Text {
		c.textStats(p, &st)
		return st
	}
	c.numberStats(p, &st)
	if len(t.Def.Key) > 0 && !slices.Contains(t.Def.Key, col) && c.Kind != schema.Bool {
		st.KeyOrder = c.rowOrder(p)
	}
	return st
}

// accepted is the number of rows that upTo accepts.
func (t *Table) accepted(upTo func(row int) bool) (n int) {
	if upTo == nil {
		return t.Rows
	}
	for r := range t.Rows {
		if upTo(r) {
			n++
		}
	}
	return n
}

// picked are the rows of a column that count: all n, or those that are listed.
type picked struct {
	rows []int32
	n    int
}

func (p *picked) at(i int) int32 {
	if p.rows == nil {
		return int32(i)
	}
	return p.rows[i]
}

// pick lists the rows that upTo accepts and whose value is not NULL; of tells how many it
// accepts.
func (c *Column) pick(rows int, upTo func(row int) bool) (out []int32, of int) {
	out = make([]int32, 0, rows)
	for r := range rows {
		if upTo != nil && !upTo(r) {
			continue
		}
		of++
		if !c.Null(r) {
			out = append(out, int32(r))
		}
	}
	return out, of
}

func (c *Column) textStats(p picked, st *schema.ColumnStats) {
	var length, words float64
	count, seed := newTally(), maphash.MakeSeed() // hashes decide where an entry lies, not what is counted
	var s string
	same := func(row int32) bool { return c.Text(int(row)) == s }
	for i := range p.n {
		r := p.at(i)
		s = c.Text(int(r))
		length += float64(len(s))
		st.MaxLen = max(st.MaxLen, float64(len(s)))
		words += float64(wordCount(s))
		if !st.DistinctCapped {
			count.add(maphash.String(seed, s), r, same)
			st.DistinctCapped = count.different() > distinctCap
		}
	}
	if p.n > 0 {
		st.MeanLen, st.MeanWords = length/float64(p.n), words/float64(p.n)
	}
	c.distinct(count, st)
}

// distinct takes over what was counted.
func (c *Column) distinct(count *tally, st *schema.ColumnStats) {
	st.Distinct = min(count.different(), distinctCap)
	if !st.DistinctCapped {
		st.Top = c.top(count)
	}
}

// wordCount is the number of runs of characters between white space.
func wordCount(s string) (n int) {
	inside := false
	for i := 0; i < len(s); {
		space, size := false, 1
		if b := s[i]; b < utf8.RuneSelf {
			space = b == ' ' || b-'\t' < 5 // \t \n \v \f \r
		} else {
			var r rune
			r, size = utf8.DecodeRuneInString(s[i:])
			space = unicode.IsSpace(r)
		}
		i += size
		if !space && !inside {
			n++
		}
		inside = !space
	}
	return n
}

func (c *Column) numberStats(p picked, st *schema.ColumnStats) {
	switch c.Kind {
	case schema.Int, schema.Time:
		c.intRange(p, st)
		st.Integers = c.Kind == schema.Int
	case schema.Float:
		c.floatRange(p, st)
	case schema.Bool:
		st.Integers = true
		for i := range p.n {
			v, _ := c.Number(int(p.at(i)))
			if i == 0 {
				st.Min, st.Max = v, v
			}
			st.Min, st.Max = min(st.Min, v), max(st.Max, v)
		}
	}
	count := newTally()
	for i := 0; i < p.n && !st.DistinctCapped; i++ {
		r := p.at(i)
		count.add(c.code(int(r)), r, nil)
		st.DistinctCapped = count.different() > distinctCap
	}
	c.distinct(count, st)
}

func (c *Column) intRange(p picked, st *schema.ColumnStats) {
	if p.n == 0 {
		return
	}
	lo := c.Ints[p.at(0)]
	hi := lo
	for i := range p.n {
		v := c.Ints[p.at(i)]
		lo, hi = min(lo, v), max(hi, v)
	}
	st.Min, st.Max = float64(lo), float64(hi)
}

// floatRange leaves NaN out.
func (c *Column) floatRange(p picked, st *schema.ColumnStats) {
	st.Integers = p.n > 0
	some := false
	for i := range p.n {
		v := c.Floats[p.at(i)]
		if v != v {
			st.Integers = false
			continue
		}
		if !some {
			st.Min, st.Max, some = v, v, true
		}
		st.Min, st.Max = min(st.Min, v), max(st.Max, v)
		st.Integers = st.Integers && v == math.Trunc(v) && !math.IsInf(v, 0)
	}
}

// top returns the most frequent values, of equally frequent ones the smaller first.
func (c *Column) top(count *tally) []schema.ValueCount {
	entries := make([]int, count.different())
	for e := range entries {
		entries[e] = e
	}
	slices.SortFunc(entries, func(a, b int) int {
		if d := cmp.Compare(count.counts[b], count.counts[a]); d != 0 {
			return d
		}
		return c.compare(int(count.first[a]), int(count.first[b]))
	})
	var out []schema.ValueCount
	for _, e := range entries[:min(len(entries), topValues)] {
		value := partText(c.Value(int(count.first[e])))
		out = append(out, schema.ValueCount{Value: strings.Clone(value), Count: count.counts[e]})
	}
	return out
}

// rowOrder is Spearman's rank correlation of values with row numbers, equal values
// sharing their mean rank; 0 where one side is constant.
func (c *Column) rowOrder(p picked) float64 {
	n := min(p.n, rankSample)
	rows := make([]int32, n)
	for i := range rows {
		rows[i] = p.at(i * p.n / n)
	}
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
