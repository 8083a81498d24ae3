package tensor

import (
	"math"
	"testing"
)

// Residual is what norm, two linear steps and a sum give: the result to the bit, the
// gradients up to the order of their sums.
func TestResidual_isTheCompositionOfItsSteps(t *testing.T) {
	const rows, width = 1100, 24
	shapes := residualShapes(width, 24, 40, 8)
	var in []Mat
	for i, s := range shapes {
		if i == 0 {
			s[0] = rows
		}
		in = append(in, random(uint64(i+1), s[0], s[1]))
	}
	run := func(threads int, op func(*Tape, *Var, []ResidualBlock) *Var) (out Mat, grads []Mat) {
		tape := NewTape(NewPool(threads))
		var vars []*Var
		for _, m := range in {
			grads = append(grads, NewMat(m.Rows, m.Cols))
			vars = append(vars, tape.Leaf(m, grads[len(grads)-1]))
		}
		y := op(tape, tape.Scale(vars[0], 0.5), residuals(tape, vars[1:]))
		tape.Backward(tape.SumAll(tape.Mul(y, tape.Const(random(99, rows, width)))))
		return y.Val, grads
	}
	got, gotGrads := run(2, (*Tape).Residual)
	want, wantGrads := run(1, func(t *Tape, x *Var, blocks []ResidualBlock) *Var {
		for _, b := range blocks {
			mid := t.Linear(t.LayerNorm(x, b.Gamma, b.Beta, normEps), b.Up, b.UpBias, ReLU)
			x = t.Add(x, t.Linear(mid, b.Down, b.Bias, Identity))
		}
		return x
	})
	wantBits(t, "result", got, want)
	tol := tolerance(2e-5, 1e-12)
	for k, g := range gotGrads {
		most := 0.0
		for _, v := range wantGrads[k].Data {
			most = max(most, math.Abs(float64(v)))
		}
		for i, v := range g.Data {
			if d := math.Abs(float64(v - wantGrads[k].Data[i])); !(d <= tol*most) {
				t.Fatalf("gradient of input %d at %d is %v, want %v", k, i, v, wantGrads[k].Data[i])
			}
		}
	}
}
