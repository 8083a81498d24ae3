//go:build real64

package tensor

import "github.com/rowlink/rowlink/gnn/tensor/internal/kernel"

func singles(x []Real) []float32 {
	s := make([]float32, len(x))
	for i, v := range x {
		s[i] = float32(v)
	}
	return s
}

// gather stores rows of the table in dst.
func (r *RowTable) gather(dst []Real, idx []int32) {
	numbers := make([]float32, len(dst))
	switch r.Format {
	case Float16:
		kernel.GatherHalf(numbers, r.half, r.Cols, idx)
	case BFloat16:
		kernel.GatherBrain(numbers, r.half, r.Cols, idx)
	default:
		for i, from := range idx {
			if from >= 0 {
				copy(numbers[i*r.Cols:], r.single[int(from)*r.Cols:][:r.Cols])
			}
		}
	}
	for i, v := range numbers {
		dst[i] = Real(v)
	}
}

// Whole reports that the table's numbers must be converted, which [Tape.Lookup] does.
func (*Tape) Whole(*RowTable) (v *Var, ok bool) { return nil, false }

// InPlace says whether [Tape.Whole] takes tables of the format with that many columns.
func (Format) InPlace(int) bool { return false }
