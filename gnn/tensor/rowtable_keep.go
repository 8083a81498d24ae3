package tensor

import (
	"fmt"
	"slices"
)

// CopyRow stores row at of from, which has the same format and columns, as row to.
func (r *RowTable) CopyRow(to int, from *RowTable, at int) {
	if r.Format != from.Format || r.Cols != from.Cols {
		panic(fmt.Sprintf("tensor: row of a %s table of %d columns into a %s table of %d", from.Format, from.Cols, r.Format, r.Cols))
	}
	if r.Format == Float32 {
		copy(r.single[to*r.Cols:][:r.Cols], from.single[at*r.Cols:][:r.Cols])
		return
	}
	copy(r.half[to*r.Cols:][:r.Cols], from.half[at*r.Cols:][:r.Cols])
}

// Equal reports whether two tables hold the same numbers in the same format.
func (r *RowTable) Equal(other *RowTable) bool {
	return r.Format == other.Format && r.Rows == other.Rows && r.Cols == other.Cols &&
		slices.Equal(r.single, other.single) && slices.Equal(r.half, other.half)
}

// Bytes returns what a table of that many numbers takes.
func (f Format) Bytes(numbers int) int64 {
	if f == Float32 {
		return 4 * int64(numbers)
	}
	return 2 * int64(numbers)
}

// Count returns 0, 1, ..., n-1; it must not be written to.
func (t *Tape) Count(n int) []int32 { return t.count(n) }
