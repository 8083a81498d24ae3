package encode

import (
	"slices"

	"github.com/rowlink/rowlink/gnn/tensor"
)

// onDemandFrom is the number of bytes from which the rows of a table are encoded when
// they are asked for: what a table costs then does not grow with it, and binding a model
// costs nothing. The price is the arithmetic of a row at every use, two to three times
// the time of copying it from memory (docs/scale.md), which is small beside the products
// per row; below the limit the memory is worth it. It is a variable for tests only.
var onDemandFrom = 64 << 20

// onDemand encodes rows when they are asked for. It is safe for concurrent use.
type onDemand struct {
	enc     *Table
	sources []Source
}

// row writes the dense features of a row into dense, which is zeroed, and appends its codes.
func (d *onDemand) row(row int, dense []tensor.Real, codes []Code) []Code {
	return d.enc.encodeRow(d.sources, row, dense, codes)
}

// Row is the features of one row, with memory for those of the next.
type Row struct {
	Dense []tensor.Real
	Codes []Code

	own []tensor.Real // Dense of a row that was encoded on demand
}

// Width is the number of dense features.
func (f *Features) Width() int {
	if f.demand != nil {
		return f.demand.enc.Dense
	}
	return f.Dense.Cols
}

// Read sets r to the features of a row. They may be shared with f and are valid until
// r is read into again.
func (f *Features) Read(row int32, r *Row) {
	r.Codes = r.Codes[:0]
	if f.demand != nil {
		r.own = slices.Grow(r.own[:0], f.demand.enc.Dense)[:f.demand.enc.Dense]
		clear(r.own)
		r.Dense = r.own
		r.Codes = f.demand.row(int(row), r.Dense, r.Codes)
		return
	}
	r.Dense = f.Dense.Row(int(row))
	for j := f.Codes.Ptr[row]; j < f.Codes.Ptr[row+1]; j++ {
		r.Codes = append(r.Codes, Code{f.Codes.Src[j], f.Weights[j]})
	}
}

// Same reports whether a row of f and a row of other, the features of another snapshot
// made by the same encoders, are equal. scratch is memory for both.
func (f *Features) Same(row int32, other *Features, at int32, scratch *[2]Row) bool {
	a, b := &scratch[0], &scratch[1]
	f.Read(row, a)
	other.Read(at, b)
	return slices.Equal(a.Dense, b.Dense) && slices.Equal(a.Codes, b.Codes)
}
