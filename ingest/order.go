package ingest

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"unsafe"

	"github.com/rowlink/rowlink/internal/mapped"
	"github.com/rowlink/rowlink/schema"
)

// order returns the permutation that brings the rows of t into canonical order, or
// nil when they stand in it: by the key, then by all columns in declared order.
func order(t *Table, space *mapped.Space) ([]int32, error) {
	if t.risingKey() {
		return nil, nil
	}
	cols := sortColumns(t)
	if len(cols) == 0 {
		return nil, nil
	}
	sorted := min(1, t.Rows) // so many rows at the front stand in order
	for sorted < t.Rows && compareRows(cols, sorted-1, sorted) <= 0 {
		sorted++
	}
	if sorted == t.Rows {
		return nil, nil
	}
	if sorted < t.Rows/2 {
		sorted = 0
	}
	others, err := sortRows(cols, sorted, t.Rows, space)
	if err != nil {
		return nil, err
	}
	return mergeOrder(cols, sorted, others, space)
}

// sortRows returns the rows [from, to) in order.
func sortRows(cols []*Column, from, to int, space *mapped.Space) ([]int32, error) {
	// Most comparisons are decided by the first 64 bits of the first column.
	type entry struct {
		prefix uint64
		row    int32
	}
	memory, err := mapped.Make[int64](space, 2*(to-from)) // of two words each
	if err != nil {
		return nil, err
	}
	entries := unsafe.Slice((*entry)(unsafe.Pointer(unsafe.SliceData(memory))), to-from)
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
	perm, err := mapped.Make[int32](space, len(entries))
	if err != nil {
		return nil, err
	}
	for i, e := range entries {
		perm[i] = e.row
	}
	return perm, nil
}

// risingKey reports whether the key is one integer that rises from row to row, as it does
// in most tables: then the rows are in order and no key occurs twice.
func (t *Table) risingKey() bool {
	if len(t.Def.Key) != 1 {
		return false
	}
	c := &t.Columns[t.Def.Key[0]]
	if c.Kind != schema.Int || c.Valid != nil {
		return false
	}
	for r := 1; r < len(c.Ints); r++ {
		if c.Ints[r-1] >= c.Ints[r] {
			return false
		}
	}
	return true
}

// mergeOrder merges the first rows, which stand in order, with the others, given in order.
func mergeOrder(cols []*Column, first int, others []int32, space *mapped.Space) ([]int32, error) {
	if first == 0 {
		return others, nil
	}
	perm, err := mapped.Make[int32](space, first+len(others))
	if err != nil {
		return nil, err
	}
	at, n := 0, 0
	for _, o := range others {
		for ; at < first && compareRows(cols, at, int(o)) <= 0; at++ {
			perm[n] = int32(at)
			n++
		}
		perm[n] = o
		n++
	}
	for ; at < first; at++ {
		perm[n] = int32(at)
		n++
	}
	return perm, nil
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
	if len(t.Def.Key) == 0 || t.risingKey() {
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
