package nn

import "github.com/rowlink/rowlink/gnn/tensor"

// normEps keeps the deviation of constant rows or columns above 0; PyTorch's default.
const normEps = 1e-5

// LayerNorm normalises every row, then scales and shifts each column.
type LayerNorm struct{ Gamma, Beta *Param }

// NewLayerNorm adds name.weight (ones) and name.bias (zeros), 1 x width each.
func NewLayerNorm(s *Set, name string, width int) *LayerNorm {
	return &LayerNorm{s.bias(name+".weight", width, Ones), s.bias(name+".bias", width, Zeros)}
}

// Apply normalises x.
func (l *LayerNorm) Apply(t *tensor.Tape, x *tensor.Var) *tensor.Var {
	return t.LayerNorm(x, l.Gamma.Var(t), l.Beta.Var(t), normEps)
}

// BatchNorm normalises every column: by the batch in training, by running values
// otherwise. The running values are buffers of the set.
type BatchNorm struct {
	Gamma, Beta    *Param // nil without affine
	Mean, Variance *Param
	Momentum       float64 // share of the batch in the new running value
}

// NewBatchNorm adds name.running_mean and name.running_var and, with affine,
// name.weight and name.bias, 1 x width each.
func NewBatchNorm(s *Set, name string, width int, affine bool) *BatchNorm {
	b := &BatchNorm{Momentum: 0.1}
	if affine {
		b.Gamma, b.Beta = s.bias(name+".weight", width, Ones), s.bias(name+".bias", width, Zeros)
	}
	b.Mean = s.Buffer(name+".running_mean", 1, width, Zeros)
	b.Variance = s.Buffer(name+".running_var", 1, width, Ones)
	return b
}

// Apply normalises x and, in training, moves the running values.
func (b *BatchNorm) Apply(t *tensor.Tape, x *tensor.Var) *tensor.Var {
	var gamma, beta *tensor.Var
	if b.Gamma != nil {
		gamma, beta = b.Gamma.Var(t), b.Beta.Var(t)
	}
	if t.Train {
		y, mean, variance := t.BatchNorm(x, gamma, beta, normEps)
		b.follow(mean, variance, x.Rows())
		return y
	}
	y := t.AddBias(x, t.Scale(b.Mean.Var(t), -1))
	y = t.ScaleCols(y, t.Const(b.inverseDeviation(t)))
	if gamma != nil {
		y = t.AddBias(t.ScaleCols(y, gamma), beta)
	}
	return y
}

// follow moves the running values towards those of a batch; the variance is made
// unbiased first, as in PyTorch.
func (b *BatchNorm) follow(mean, variance []tensor.Real, rows int) {
	if rows < 2 {
		return
	}
	m := tensor.Real(b.Momentum)
	unbias := tensor.Real(rows) / tensor.Real(rows-1)
	for j := range mean {
		b.Mean.Value.Data[j] += m * (mean[j] - b.Mean.Value.Data[j])
		b.Variance.Value.Data[j] += m * (variance[j]*unbias - b.Variance.Value.Data[j])
	}
}

func (b *BatchNorm) inverseDeviation(t *tensor.Tape) tensor.Mat {
	r := t.Alloc(1, b.Variance.Value.Cols)
	for j, v := range b.Variance.Value.Data {
		r.Data[j] = 1 / sqrt(v+normEps)
	}
	return r
}
