package nn

import (
	"math"

	"github.com/rowlink/rowlink/gnn/tensor"
)

// Linear is act(x W + b): W is in x out, B is 1 x out or nil.
type Linear struct{ W, B *Param }

// NewLinear adds the parameters name.weight and name.bias with the start values of
// PyTorch's linear layer: even within 1/sqrt(in).
func NewLinear(s *Set, name string, in, out int) *Linear {
	l := NewLinearNoBias(s, name, in, out)
	l.B = s.bias(name+".bias", out, Uniform(1/math.Sqrt(float64(max(in, 1)))))
	return l
}

// NewLinearNoBias is NewLinear without a bias.
func NewLinearNoBias(s *Set, name string, in, out int) *Linear {
	return &Linear{W: s.New(name+".weight", in, out, KaimingUniform)}
}

// Apply computes the layer for x of rows x in.
func (l *Linear) Apply(t *tensor.Tape, x *tensor.Var, act tensor.Activation) *tensor.Var {
	var b *tensor.Var
	if l.B != nil {
		b = l.B.Var(t)
	}
	return t.Linear(x, l.W.Var(t), b, act)
}

// Embedding is a table of rows looked up by number.
type Embedding struct{ Table *Param }

// NewEmbedding adds the parameter name.weight, rows x cols, of normal numbers with
// deviation 1/sqrt(cols), so that a looked-up row has length near 1.
func NewEmbedding(s *Set, name string, rows, cols int) *Embedding {
	return &Embedding{s.New(name+".weight", rows, cols, Normal(1/math.Sqrt(float64(max(cols, 1)))))}
}

// Apply looks up the rows idx; -1 (unknown) gives zeros.
func (e *Embedding) Apply(t *tensor.Tape, idx []int32) *tensor.Var {
	return t.Embedding(e.Table.Var(t), idx)
}
