package tensor

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/tensor/internal/kernel"
	"github.com/rowlink/rowlink/internal/registry"
)

// Format is how a [RowTable] keeps its numbers.
type Format uint8

// The formats. Two bytes per number halve the memory and the traffic of a lookup.
const (
	Float32  Format = iota
	Float16         // IEEE half precision: relative error up to 2^-11, largest number 65504
	BFloat16        // relative error up to 2^-8, range of float32
)

var formatNames = [...]string{Float32: "float32", Float16: "float16", BFloat16: "bfloat16"}

var formats = registry.New[Format]("number format")

func init() {
	for f, name := range formatNames {
		formats.Add(name, Format(f))
	}
}

// ParseFormat returns the format of that name; the error of an unknown name lists the
// known ones.
func ParseFormat(name string) (Format, error) { return formats.Get(name) }

// String returns the name.
func (f Format) String() string { return formatNames[f] }

// RowTable is a matrix to look rows up in, stored in a format of its own, in memory or
// in a mapped file: cached vectors of rows, for example. Readers may share it; nobody
// may write while they read.
type RowTable struct {
	Format     Format
	Rows, Cols int

	single []float32
	half   []uint16
}

// NewRowTable returns a table of zeros.
func NewRowTable(f Format, rows, cols int) *RowTable {
	if f == Float32 {
		return RowTableOf(rows, cols, make([]float32, rows*cols))
	}
	return HalfRowTableOf(f, rows, cols, make([]uint16, rows*cols))
}

// RowTableOf wraps rows*cols numbers, of a mapping for example, without a copy.
func RowTableOf(rows, cols int, data []float32) *RowTable {
	wantNumbers(Float32, rows, cols, len(data))
	return &RowTable{Format: Float32, Rows: rows, Cols: cols, single: data}
}

// HalfRowTableOf wraps rows*cols numbers of a format of two bytes.
func HalfRowTableOf(f Format, rows, cols int, data []uint16) *RowTable {
	if f == Float32 {
		panic("tensor: a table of 16-bit numbers cannot be float32")
	}
	wantNumbers(f, rows, cols, len(data))
	return &RowTable{Format: f, Rows: rows, Cols: cols, half: data}
}

func wantNumbers(f Format, rows, cols, n int) {
	if n != rows*cols {
		panic(fmt.Sprintf("tensor: %d numbers for a %s table of %dx%d", n, f, rows, cols))
	}
}

// Bytes returns the size of the numbers.
func (r *RowTable) Bytes() int { return 4*len(r.single) + 2*len(r.half) }

// SetRows stores m as the rows from lo on, rounded to the format, to the nearest and
// ties to even.
func (r *RowTable) SetRows(lo int, m Mat) {
	if m.Cols != r.Cols || lo+m.Rows > r.Rows {
		panic(fmt.Sprintf("tensor: rows of %s from %d on into a table of %dx%d", m.shape(), lo, r.Rows, r.Cols))
	}
	from, to := lo*r.Cols, (lo+m.Rows)*r.Cols
	numbers := singles(m.Data)
	switch r.Format {
	case Float16:
		kernel.ToHalf(r.half[from:to], numbers)
	case BFloat16:
		kernel.ToBrain(r.half[from:to], numbers)
	default:
		copy(r.single[from:to], numbers)
	}
}

// term is the table, of 16-bit numbers, as a summand of rows.
func (r *RowTable) term(index []int32) kernel.Term {
	return kernel.HalfTermOf(r.half, r.Format == BFloat16, index)
}

// Lookup is the matrix of rows idx[0], idx[1], ... of a table; index -1 gives a zero
// row. It is a constant: nothing is learnt through it.
func (t *Tape) Lookup(r *RowTable, idx []int32) *Var {
	n := t.scratch()
	n.a, n.idx, n.table = t.raw(len(idx), r.Cols), idx, r
	t.run(len(idx), rowGrain(r.Cols), n, lookupBlock)
	return t.Const(n.a)
}

func lookupBlock(n *node, s span) {
	n.table.gather(n.a.slice(s.lo, s.hi).Data, n.idx[s.lo:s.hi])
}
