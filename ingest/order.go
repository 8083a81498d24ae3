package ingest

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"strings"

	"github.com/rowlink/rowlink/schema"
)

// order returns the permutation that brings the rows of t into canonical order, or
// nil when they stand in it: by the key, then by all columns in declared order.
func order(t *Table) []int32 {
	cols := sortColumns(t)
	if len(cols) == 0 {
		return nil
	}
	sorted := min(1, t.Rows) // so many rows at the front stand in order
	for sorted < t.Rows && compareRows(cols, sorted-1, sorted) <= 0 {
		sorted++
	}
	if sorted == t.Rows {
		return nil
	}
	if sorted < t.Rows/2 {
		sorted = 0
	}
	return mergeOrder(cols, sorted, sortRows(cols, sorted, t.Rows))
}

// sortRows returns the rows [from, to) in order.
func sortRows(cols []*Column, from, to int) []int32 {
	// Most comparisons are decided by the first 64 bits of the first column.
	type entry struct {
		prefix uint64
		row    int32
	}
	entries := make([]entry, to-from)
	for i := range entries {
		entries[i] = entry{cols[0].prefix(from + i), int32(from + i)}
	}
	slices.SortFunc(entries, func(a, b entry) int {
		if c := cmp.Compare(a.prefix, b.prefix); c != 0 {
			return c
		}
		if c := compareRows(cols, int(a.row), int(b.row)); c != 0 {
			return c
		}
		return cmp.Compare(a.row, b.row)
	})
	perm := make([]int32, len(entries))
	for i, e := range entries {
		perm[i] = e.row
	}
	return perm
}

// mergeOrder merges the first rows, which stand in order, with the others, given in order.
func mergeOrder(cols []*Column, first int, others []int32) []int32 {
	if first == 0 {
		return others
	}
	perm := make([]int32, 0, first+len(others))
	at := 0
	for _, o := range others {
		for at < first && compareRows(cols, at, int(o)) <= 0 {
			perm = append(perm, int32(at))
			at++
		}
		perm = append(perm, o)
	}
	for ; at < first; at++ {
		perm = append(perm, int32(at))
	}
	return perm
}

// sortColumns lists the columns by which rows are ordered: those of the key, then
// the others, which matter where key values are NULL or there is no key.
func sortColumns(t *Table) []*Column {
	var cols []*Column
	for _, c := range t.Def.Key {
		cols = append(cols, &t.Columns[c])
	}
	for c := range t.Columns {
		if t.Columns[c].Kind != schema.Opaque && !slices.Contains(t.Def.Key, c) {
			cols = append(cols, &t.Columns[c])
		}
	}
	return cols
}

func compareRows(cols []*Column, a, b int) int {
	for _, c := range cols {
		if d := c.compare(a, b); d != 0 {
			return d
		}
	}
	return 0
}

// compare orders two values of a column: numbers and times by value with NaN behind
// them, text by its bytes, false before true, NULL last.
func (c *Column) compare(a, b int) int { return compareValues(c, a, c, b) }

// compareValues is [Column.compare] for values of two columns of one kind.
func compareValues(c *Column, a int, d *Column, b int) int {
	if c.Valid != nil || d.Valid != nil || c.Kind == schema.Opaque {
		switch na, nb := c.Null(a), d.Null(b); {
		case na && nb:
			return 0
		case na:
			return 1
		case nb:
			return -1
		}
	}
	switch c.Kind {
	case schema.Int, schema.Time:
		return cmp.Compare(c.Ints[a], d.Ints[b])
	case schema.Float:
		x, y := c.Floats[a], d.Floats[b]
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		case x == y:
			return 0
		}
		return boolToInt(x != x) - boolToInt(y != y)
	case schema.Text:
		return strings.Compare(c.Text(a), d.Text(b))
	case schema.Bool:
		return boolToInt(c.Bool(a)) - boolToInt(d.Bool(b))
	}
	return 0
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// prefix maps a value to 64 bits such that compare(a, b) < 0 implies
// prefix(a) <= prefix(b).
func (c *Column) prefix(row int) uint64 {
	if c.Null(row) {
		return math.MaxUint64
	}
	switch c.Kind {
	case schema.Int, schema.Time:
		return uint64(c.Ints[row]) ^ 1<<63
	case schema.Float:
		bits := math.Float64bits(c.Floats[row])
		if bits>>63 != 0 {
			return ^bits
		}
		return bits | 1<<63
	case schema.Text:
		var head [8]byte
		copy(head[:], c.Bytes[c.Offsets[row]:c.Offsets[row+1]])
		return binary.BigEndian.Uint64(head[:])
	}
	return uint64(boolToInt(c.Bool(row)))
}

// duplicate returns a row of an ordered table whose key equals that of the row
// before it, or -1. Keys with a NULL equal nothing.
func duplicate(t *Table) int {
	if len(t.Def.Key) == 0 {
		return -1
	}
	key := sortColumns(t)[:len(t.Def.Key)]
	for r := 1; r < t.Rows; r++ {
		if compareRows(key, r-1, r) == 0 && !slices.ContainsFunc(key, func(c *Column) bool { return c.Null(r) }) {
			return r
		}
	}
	return -1
}
