package kernel

import (
	"fmt"
	"math"
)

// checkRows runs the kernels over rows, whole and cut vectors, and compares.
func checkRows(p *Path) string {
	for _, cols := range []int{5, 50} {
		got, want := rowSample(p, cols), rowSample(&plain, cols)
		for i, w := range want {
			if d := math.Abs(float64(got[i] - w)); !(d < 1e-4) {
				return fmt.Sprintf("its kernels over rows of %d columns differ from plain Go's by %g in result %d", cols, d, i)
			}
		}
	}
	return ""
}

// rowSample returns the results of all kernels over rows for one small problem: four
// destinations, three sources, seven edges, two heads.
func rowSample(p *Path, cols int) []Real {
	const dst, sources, heads = 4, 3, 2
	ptr, src := []int32{0, 3, 3, 4, 7}, []int32{2, 0, 1, 2, 2, 1, 1}
	back, to, edge := []int32{0, 1, 4, 7}, []int32{0, 0, 3, 3, 0, 2, 3}, []int32{1, 2, 5, 6, 0, 3, 4}
	x, g, w := ramp(sources*cols), ramp(dst*heads*cols), ramp(7*heads)
	all := make([]Real, 0, 64*cols+64) // results stay where they are written
	out := func(n int) []Real {
		at := len(all)
		all = append(all, ramp(n)...)
		return all[at:]
	}
	arg := make([]int32, dst*cols)
	p.SegmentSum(out(dst*cols), x, cols, ptr, src, MeanOf)
	p.SegmentMix(out(dst*heads*cols), x, cols, ptr, src, w, heads, AddTo)
	p.SegmentUnmix(out(sources*cols), g, cols, back, to, edge, w, heads, Store)
	p.SegmentMax(out(dst*cols), arg, x, cols, ptr, src, Least)
	p.SegmentMaxBack(out(sources*cols), g, arg, cols, back, to, edge, AddTo)
	p.GatherRows(out(3*cols), x, cols, []int32{2, -1, 0}, AddTo)
	p.SumTerms(out(3*cols), cols, 0, []Term{TermOf(x, []int32{1, -1, 0}), TermOf(x, nil), ProductTermOf(w, heads, x, nil)})
	p.ColumnSums(out(cols), x, g[:len(x)])
	n := Norm{Cols: cols, Dst: out(sources * cols), X: x, Gamma: ramp(cols), Beta: ramp(cols), Residual: g, Stats: out(2 * sources),
		Eps: 1e-3, ReLU: true, G: g, DX: out(sources * cols), Add: true}
	sums := out(2 * cols)
	n.DGamma, n.DBeta = sums[:cols], sums[cols:]
	p.NormRows(n)
	p.NormBack(n)
	p.Scan(Scan{Cols: cols, Rows: 3, Dst: out(3 * cols), X: x, A: w, DstStep: cols, XStep: cols, AStep: heads})
	return append(all, flatSample(p, cols)...)
}

func flatSample(p *Path, n int) []Real {
	all := make([]Real, 0, 64*n+64) // results stay where they are written
	x, y := ramp(n), ramp(2 * n)[n:]
	out := func() []Real {
		at := len(all)
		all = append(all, ramp(n)...)
		return all[at:]
	}
	p.Add(out(), x)
	p.Axpy(out(), 0.3, x)
	p.Scale(out(), 0.3, x)
	p.Product(out(), x, y, AddTo)
	p.ReLU(out(), x)
	p.ReLUBack(out(), x, y, AddTo)
	p.Exp(out(), x)
	p.Sigmoid(out(), x)
	p.SiLU(out(), x)
	p.Dropout(out(), x, Dropout{Key: 7, First: 2, Limit: 1 << 31, Scale: 2}, AddTo)
	v := out()
	for i := range v {
		v[i] *= v[i]
	}
	p.Log1p(out(), v)
	p.Adam(out(), x, out(), v, AdamStep{Beta1: 0.9, Beta2: 0.99, Rate: 0.1, Root: 3, Eps: 1e-3, Shrink: 0.99, L2: 0.1})
	return append(all, p.Dot(x, y))
}
