package baseline

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// design is a dense matrix of examples x features, row-major.
type design struct {
	n, k int
	x    []float64
}

func (d design) row(i int) []float64 { return d.x[i*d.k : (i+1)*d.k] }

// standardise scales every column to mean 0 and deviation 1 and returns what was
// taken; a constant column becomes 0.
func (d design) standardise() (mean, scale []float64) {
	mean, scale = make([]float64, d.k), make([]float64, d.k)
	for i := range d.n {
		for j, v := range d.row(i) {
			mean[j] += v / float64(d.n)
		}
	}
	for i := range d.n {
		for j, v := range d.row(i) {
			scale[j] += (v - mean[j]) * (v - mean[j]) / float64(d.n)
		}
	}
	for j := range scale {
		scale[j] = math.Sqrt(scale[j])
		if scale[j] < 1e-9 {
			scale[j] = 0
		}
	}
	d.apply(mean, scale)
	return mean, scale
}

// apply scales the columns by given means and scales; scale 0 marks a constant column.
func (d design) apply(mean, scale []float64) {
	for i := range d.n {
		row := d.row(i)
		for j := range row {
			if scale[j] == 0 {
				row[j] = 0
				continue
			}
			row[j] = (row[j] - mean[j]) / scale[j]
		}
	}
}

// weighted solves (X'WX + lambda n I) b = X'Wz with an unpenalised intercept; b[k] is
// the intercept. w nil means all 1.
func (d design) weighted(w, z []float64, lambda float64) ([]float64, error) {
	k := d.k + 1
	a := mat.NewDense(d.n, k, nil)
	rhs := make([]float64, k)
	for i := range d.n {
		root, wi := 1.0, 1.0
		if w != nil {
			wi = w[i]
			root = math.Sqrt(wi)
		}
		for j, v := range d.row(i) {
			a.Set(i, j, root*v)
			rhs[j] += wi * v * z[i]
		}
		a.Set(i, d.k, root)
		rhs[d.k] += wi * z[i]
	}
	var gram mat.SymDense
	gram.SymOuterK(1, a.T())
	for j := range d.k {
		gram.SetSym(j, j, gram.At(j, j)+lambda*float64(d.n))
	}
	gram.SetSym(d.k, d.k, gram.At(d.k, d.k)+1e-9)
	var chol mat.Cholesky
	if !chol.Factorize(&gram) {
		return nil, fmt.Errorf("the normal equations of %d features are not positive definite at penalty %g", d.k, lambda)
	}
	var b mat.VecDense
	if err := chol.SolveVecTo(&b, mat.NewVecDense(k, rhs)); err != nil {
		return nil, fmt.Errorf("solve the normal equations: %w", err)
	}
	return b.RawVector().Data, nil
}

// newtonSteps bounds the iterations of logistic regression; with a penalty it
// converges in far fewer.
const newtonSteps = 12

// logistic fits P(y = 1) = sigmoid(x b) with a quadratic penalty by iteratively
// reweighted least squares.
func (d design) logistic(y []float64, lambda float64) ([]float64, error) {
	b := make([]float64, d.k+1)
	w, z := make([]float64, d.n), make([]float64, d.n)
	for range newtonSteps {
		for i := range d.n {
			eta := dot(b, d.row(i))
			p := sigmoid(eta)
			w[i] = math.Max(p*(1-p), 1e-5)
			z[i] = eta + (y[i]-p)/w[i]
		}
		next, err := d.weighted(w, z, lambda)
		if err != nil {
			return nil, err
		}
		var change float64
		for j := range b {
			change = math.Max(change, math.Abs(next[j]-b[j]))
		}
		b = next
		if change < 1e-6 {
			break
		}
	}
	return b, nil
}

// absolute fits the conditional median: least absolute deviations with a quadratic
// penalty, by iteratively reweighted least squares.
func (d design) absolute(y []float64, lambda float64) ([]float64, error) {
	b, err := d.weighted(nil, y, lambda)
	if err != nil {
		return nil, err
	}
	scale := spread(y)
	w := make([]float64, d.n)
	for range newtonSteps {
		for i := range d.n {
			w[i] = scale / math.Max(math.Abs(y[i]-dot(b, d.row(i))), 0.05*scale)
		}
		if b, err = d.weighted(w, y, lambda); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// dot is the linear predictor of one row; b's last slot is the intercept.
func dot(b, x []float64) float64 {
	s := b[len(x)]
	for j, v := range x {
		s += b[j] * v
	}
	return s
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// telling returns the positions of the n columns of a standardised matrix that go most
// with the labels: by the size of their covariance with the ranks of those.
func (d design) telling(labels []float64, n int) []int {
	order := make([]int, len(labels))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(labels[a], labels[b]) })
	rank := make([]float64, len(labels))
	for lo := 0; lo < len(order); {
		hi := lo
		for hi < len(order) && labels[order[hi]] == labels[order[lo]] {
			hi++
		}
		for _, i := range order[lo:hi] {
			rank[i] = float64(lo+hi-len(order)) / 2 // ties share a rank; their mean is 0
		}
		lo = hi
	}
	with := make([]float64, d.k)
	for i := range d.n {
		for j, v := range d.row(i) {
			with[j] += rank[i] * v
		}
	}
	columns := make([]int, d.k)
	for j := range columns {
		columns[j] = j
	}
	slices.SortStableFunc(columns, func(a, b int) int { return cmp.Compare(math.Abs(with[b]), math.Abs(with[a])) })
	columns = columns[:n]
	slices.Sort(columns)
	return columns
}

// take returns the matrix of some columns.
func (d design) take(columns []int) design {
	out := design{d.n, len(columns), make([]float64, d.n*len(columns))}
	for i := range d.n {
		copy(out.row(i), at(d.row(i), columns))
	}
	return out
}

// at are the values at some positions.
func at(v []float64, positions []int) []float64 {
	out := make([]float64, len(positions))
	for i, j := range positions {
		out[i] = v[j]
	}
	return out
}
