package encode

import (
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/schema"
)

func init() { Register(schema.SemBoolean, func() Encoder { return &Boolean{} }) }

// Boolean has two dense features: +1 or -1 for the value (0 for NULL), and the flag
// for NULL. It keeps no statistics.
type Boolean struct{}

// Fit has nothing to learn.
func (*Boolean) Fit(Source, []int32) {}

// Shape is 2 dense features.
func (*Boolean) Shape() (dense, codes int) { return 2, 0 }

// Cell encodes one value; a number counts as true unless it is 0.
func (*Boolean) Cell(src Source, row int, out []tensor.Real, codes []Code) []Code {
	switch v, ok := src.Cells().Number(row); {
	case !ok:
		out[1] = 1
	case v != 0:
		out[0] = 1
	default:
		out[0] = -1
	}
	return codes
}
