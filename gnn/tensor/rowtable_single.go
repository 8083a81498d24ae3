//go:build !real64

package tensor

import "github.com/rowlink/rowlink/gnn/tensor/internal/kernel"

func singles(x []Real) []float32 { return x }

// gather stores rows of the table in dst.
func (r *RowTable) gather(dst []Real, idx []int32) {
	switch r.Format {
	case Float16:
		kernel.GatherHalf(dst, r.half, r.Cols, idx)
	case BFloat16:
		kernel.GatherBrain(dst, r.half, r.Cols, idx)
	default:
		kernel.GatherRows(dst, r.single, r.Cols, idx, kernel.Store)
	}
}

// Whole puts the table itself on a tape, as a constant and without a copy; ok is false
// when its numbers must be converted, which [Tape.Lookup] does. A table of 16-bit numbers
// may only be gathered: by GatherRows, GatherSum, GatherReduce with a sum or a mean, and
// GatherReduceMix.
func (t *Tape) Whole(r *RowTable) (v *Var, ok bool) {
	if r.Format == Float32 {
		return t.Const(Mat{r.Rows, r.Cols, r.single}), true
	}
	if !r.Format.InPlace(r.Cols) {
		return nil, false
	}
	v = t.Const(Mat{Rows: r.Rows, Cols: r.Cols})
	v.stored = r
	return v, true
}

// InPlace says whether [Tape.Whole] takes tables of the format with that many columns.
func (f Format) InPlace(cols int) bool { return f == Float32 || kernel.WholeHalves(cols) }
