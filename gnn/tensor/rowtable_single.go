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
