package convtest

import (
	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/tensor"
)

// FarEnds are the far ends of a route, with ages where the table has times.
type FarEnds struct {
	X, Te, T tensor.Mat
	Of, TeOf []int32

	gradX, gradT tensor.Mat // after backward
}

// randomFar gives each copy one of five far ends or none.
func randomFar(s *tensor.Stream, copies, in int, timed bool) FarEnds {
	terms := 0
	if timed {
		terms = 3
	}
	f := FarEnds{X: tensor.NewMat(5, in), Te: tensor.NewMat(copies, terms), T: tensor.NewMat(terms, in)}
	for _, m := range []tensor.Mat{f.X, f.Te, f.T} {
		for i := range m.Data {
			m.Data[i] = tensor.Real(2*s.Float64() - 1)
		}
	}
	for c := range int32(copies) {
		of := int32(s.IntN(f.X.Rows+1)) - 1
		f.Of, f.TeOf = append(f.Of, of), append(f.TeOf, c|of>>31) // -1 without far end
	}
	return f
}

// on records the far ends on a tape.
func (f *FarEnds) on(tape *tensor.Tape) conv.Far {
	f.gradX, f.gradT = tensor.NewMat(f.X.Rows, f.X.Cols), tensor.NewMat(f.T.Rows, f.T.Cols)
	out := conv.Far{X: tape.Leaf(f.X, f.gradX), Of: f.Of}
	if f.T.Rows > 0 {
		out.Te, out.TeOf, out.T = tape.Const(f.Te), f.TeOf, tape.Leaf(f.T, f.gradT)
	}
	return out
}

// of are the far ends of the listed copies.
func (f *FarEnds) of(copies []int32) FarEnds {
	out := FarEnds{X: f.X, Te: f.Te, T: f.T}
	for _, c := range copies {
		out.Of, out.TeOf = append(out.Of, f.Of[c]), append(out.TeOf, f.TeOf[c])
	}
	return out
}
