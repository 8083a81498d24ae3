package ingest

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/rowlink/rowlink/schema"
)

// An index finds the row of a table whose columns have given values. Values are
// turned into codes: 64-bit words that are equal exactly when the values are equal
// for the database. A key of several columns is looked up from left to right; a
// prefix of it is named by the first row that has it. It is read-only once built.
type index struct {
	table *Table
	cols  []int
	words []map[string]int32 // per Text column: value -> first row that has it
	// steps[0] finds what the first two codes name, steps[i] what the result of
	// step i-1 and code i+1 name. A single column needs only one of the others.
	steps  []map[[2]uint64]int32
	single map[uint64]int32
	dense  []int32 // single integer column with a narrow range: row of base+i, or -1
	base   int64
	// twice is a row whose values an earlier row has too; -1 when there is none.
	twice int32
}

// newIndex builds the index of t over cols. Rows with a NULL among them are not in it.
func newIndex(t *Table, cols []int) *index {
	ix := &index{table: t, cols: cols, words: make([]map[string]int32, len(cols)), twice: -1}
	if len(cols) == 1 && t.Columns[cols[0]].Kind == schema.Int && ix.buildDense(&t.Columns[cols[0]]) {
		return ix
	}
	for i, c := range cols {
		if t.Columns[c].Kind == schema.Text {
			ix.words[i] = make(map[string]int32, t.Rows)
		}
	}
	switch {
	case len(cols) > 1:
		ix.steps = make([]map[[2]uint64]int32, len(cols)-1)
		for i := range ix.steps {
			ix.steps[i] = make(map[[2]uint64]int32, t.Rows)
		}
	case ix.words[0] == nil:
		ix.single = make(map[uint64]int32, t.Rows)
	}
	for r := range t.Rows {
		ix.insert(r)
	}
	return ix
}

// buildDense tries to index an integer column by an array; false when its values
// lie too far apart.
func (ix *index) buildDense(c *Column) bool {
	lo, hi, any := int64(math.MaxInt64), int64(math.MinInt64), false
	for r, v := range c.Ints {
		if !c.Null(r) {
			lo, hi, any = min(lo, v), max(hi, v), true
		}
	}
	if !any {
		ix.dense = []int32{}
		return true
	}
	span := uint64(hi) - uint64(lo) // exact in modular arithmetic
	if span >= uint64(4*len(c.Ints)+1024) {
		return false
	}
	ix.base, ix.dense = lo, make([]int32, span+1)
	for i := range ix.dense {
		ix.dense[i] = -1
	}
	for r, v := range c.Ints {
		if c.Null(r) {
			continue
		}
		slot := &ix.dense[uint64(v)-uint64(lo)]
		if *slot >= 0 {
			ix.repeated(r)
			continue
		}
		*slot = int32(r)
	}
	return true
}

func (ix *index) repeated(row int) {
	if ix.twice < 0 {
		ix.twice = int32(row)
	}
}

func (ix *index) insert(row int) {
	for _, c := range ix.cols {
		if ix.table.Columns[c].Null(row) {
			return
		}
	}
	at := uint64(0)
	for i, c := range ix.cols {
		col, last := &ix.table.Columns[c], i == len(ix.cols)-1
		var code uint64
		if w := ix.words[i]; w != nil {
			s := ix.form(i, col.Text(row))
			first, known := w[s]
			if !known {
				w[s], first = int32(row), int32(row)
			} else if len(ix.cols) == 1 {
				ix.repeated(row)
			}
			code = uint64(first)
		} else {
			code = col.code(row)
		}
		switch {
		case i > 0:
			at = enter(ix, ix.steps[i-1], [2]uint64{at, code}, row, last)
		case ix.single != nil:
			enter(ix, ix.single, code, row, last)
		default:
			at = code
		}
	}
}

// enter puts row under key k unless an earlier row is there, and returns who is.
func enter[K comparable](ix *index, m map[K]int32, k K, row int, last bool) uint64 {
	first, known := m[k]
	if !known {
		m[k] = int32(row)
		return uint64(row)
	}
	if last {
		ix.repeated(row)
	}
	return uint64(first)
}

// form brings text into the form in which it is compared: char(n) is padded with
// blanks that do not count.
func (ix *index) form(i int, s string) string {
	if padded(ix.table.Def.Columns[ix.cols[i]].DBType) {
		return strings.TrimRight(s, " ")
	}
	return s
}

func padded(dbType string) bool {
	return dbType == "character" || strings.HasPrefix(dbType, "character(") || strings.HasPrefix(dbType, "bpchar")
}

// A probe gives the code of one part of a key in the terms of an index, for row
// numbers of the table that is looked up; ok is false for NULL and for values that
// the index cannot hold.
type probe func(row int) (code uint64, ok bool)

// find returns the row that the codes of the probes name, or -1.
func (ix *index) find(probes []probe, row int) int32 {
	at := uint64(0)
	for i, p := range probes {
		code, ok := p(row)
		if !ok {
			return -1
		}
		switch {
		case i > 0:
			first, known := ix.steps[i-1][[2]uint64{at, code}]
			if !known {
				return -1
			}
			at = uint64(first)
		case ix.dense != nil:
			if d := code - uint64(ix.base); d < uint64(len(ix.dense)) {
				return ix.dense[d]
			}
			return -1
		case ix.single != nil:
			first, known := ix.single[code]
			if !known {
				return -1
			}
			at = uint64(first)
		default:
			at = code
		}
	}
	return int32(at)
}

// probe returns the probe of part i for the values of column c, whose type in the
// database is dbType. Kinds that cannot be compared are an error.
func (ix *index) probe(i int, c *Column, dbType string) (probe, error) {
	own := ix.table.Columns[ix.cols[i]].Kind
	word := func(s string) (uint64, bool) {
		if padded(dbType) {
			s = strings.TrimRight(s, " ")
		}
		return ix.word(i, s)
	}
	var value probe
	switch {
	case own == schema.Opaque || c.Kind == schema.Opaque:
	case own == schema.Text && c.Kind == schema.Text:
		value = func(r int) (uint64, bool) { return word(c.Text(r)) }
	case own == schema.Text && c.Kind == schema.Int:
		value = func(r int) (uint64, bool) { return word(strconv.FormatInt(c.Ints[r], 10)) }
	case own == c.Kind:
		value = func(r int) (uint64, bool) { return c.code(r), true }
	case own == schema.Int && c.Kind == schema.Float:
		value = func(r int) (uint64, bool) { return intOfFloat(c.Floats[r]) }
	case own == schema.Float && c.Kind == schema.Int:
		value = func(r int) (uint64, bool) { return floatOfInt(c.Ints[r]) }
	case own == schema.Int && c.Kind == schema.Text:
		value = func(r int) (uint64, bool) {
			v, err := strconv.ParseInt(c.Text(r), 10, 64)
			return uint64(v), err == nil
		}
	}
	if value == nil {
		return nil, fmt.Errorf("a column of kind %s cannot refer to one of kind %s", c.Kind, own)
	}
	return func(r int) (uint64, bool) {
		if c.Null(r) {
			return 0, false
		}
		return value(r)
	}, nil
}

// word is the code of text in part i: the first row that has it.
func (ix *index) word(i int, s string) (uint64, bool) {
	first, known := ix.words[i][ix.form(i, s)]
	return uint64(first), known
}

// code is the code of a value that is not text and not NULL.
func (c *Column) code(row int) uint64 {
	switch c.Kind {
	case schema.Float:
		return floatCode(c.Floats[row])
	case schema.Bool:
		return uint64(boolToInt(c.Bool(row)))
	}
	return uint64(c.Ints[row])
}

// floatCode gives equal numbers, and all NaNs, the same bits.
func floatCode(v float64) uint64 {
	if v == 0 {
		return 0
	}
	if v != v {
		return math.Float64bits(math.NaN())
	}
	return math.Float64bits(v)
}

func intOfFloat(v float64) (uint64, bool) {
	if v != math.Trunc(v) || v < -1<<63 || v >= 1<<63 {
		return 0, false
	}
	return uint64(int64(v)), true
}

func floatOfInt(v int64) (uint64, bool) {
	f := float64(v)
	back, ok := intOfFloat(f)
	return floatCode(f), ok && int64(back) == v
}
