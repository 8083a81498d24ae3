package scan

import (
	"context"
	"math"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/internal/phase"
)

// The readout of a seed is brought to mean 0 and variance 1 over the training seeds and
// cut off at readLimit deviations; a column that never moved there says nothing.
const (
	readLimit = 5
	readEps   = 1e-5
	stillness = 1e-6 // variance
)

// normalise brings the part of a readout from column at on to the scale of training.
func (m *Model) normalise(t *tensor.Tape, x *tensor.Var, at int) *tensor.Var {
	cols := x.Cols()
	mean, variance := m.norm[0].Value.Data[at:][:cols], m.norm[1].Value.Data[at:][:cols]
	r := make([]tensor.Real, cols)
	for j, v := range variance {
		if v >= stillness {
			r[j] = tensor.Real(1 / math.Sqrt(float64(v)+readEps))
		}
	}
	out := t.Alloc(x.Rows(), cols)
	t.Pool().Run(x.Rows(), 64, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			dst := out.Row(i)
			for j, v := range x.Val.Row(i) {
				dst[j] = max(-readLimit, min(readLimit, (v-mean[j])*r[j]))
			}
		}
	})
	return t.Const(out)
}

// outputs maps normalised readouts to raw outputs, seeds x Outputs.
func (m *Model) outputs(t *tensor.Tape, fixed, learned *tensor.Var) *tensor.Var {
	return t.Add(t.Linear(fixed, m.head[0].Var(t), m.bias.Var(t), tensor.Identity), t.MatMul(learned, m.head[1].Var(t)))
}

// Scorer answers queries from the states of a bound model, which it makes once. It is safe
// for concurrent use.
type Scorer struct {
	b    *Bound
	made states
}

// NewScorer runs the pass over the rows; where states are made block by block, each batch of
// queries makes those that it reads.
func (b *Bound) NewScorer() *Scorer {
	if b.blocks || b.given != nil {
		return &Scorer{b, nil}
	}
	t := tensor.NewTape(b.keep.Pool())
	t.Train = false
	return &Scorer{b, b.messages(t)}
}

// scoreBatch is the number of queries that are answered together.
const scoreBatch = 512

// Score returns queries x Outputs. The outputs of a query do not depend on the others.
func (s *Scorer) Score(ctx context.Context, queries []model.Query) (tensor.Mat, error) {
	out := tensor.NewMat(len(queries), s.b.Config.Outputs)
	workers := make([]*tensor.Tape, s.b.keep.Pool().Threads())
	s.b.keep.Pool().RunIndexed(len(queries), scoreBatch, func(_, lo, hi, worker int) {
		if ctx.Err() != nil {
			return
		}
		if workers[worker] == nil {
			workers[worker] = tensor.NewTape(tensor.NewPool(1))
			workers[worker].Train = false
		}
		t, clock := workers[worker], phase.Start(ctx)
		defer clock.Computed()
		t.Reset()
		copy(out.Data[lo*out.Cols:], s.answer(t, queries[lo:hi], nil).Data)
	})
	return out, ctx.Err()
}

// answer returns the outputs of queries, in memory of the tape; see [Bound.seeds] for hidden.
func (s *Scorer) answer(t *tensor.Tape, queries []model.Query, hidden []int) tensor.Mat {
	b := s.b
	if b.given != nil {
		return b.givenAnswer(t, queries)
	}
	r := b.seeds(t, queries, hidden)
	return b.outputs(t, b.normalise(t, r.fixed, 0), b.normalise(t, r.messages(t, b, s.made), b.width[0])).Val
}
