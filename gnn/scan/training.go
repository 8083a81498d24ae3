package scan

import (
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/tensor"
)

// Training computes the outputs of fixed seeds again and again while parameters change:
// each time one pass over the rows, for all of them.
type Training struct {
	b     *Bound
	tape  *tensor.Tape
	seeds *seeds     // the training seeds, then the validation seeds
	fixed tensor.Mat // their readout that does not change, normalised
	train int

	blocks *inBlocks // nil where the states after all events are in memory
}

// NewTraining finds what training and validation seeds read. The statistics of the
// readout are those of the training seeds.
func (b *Bound) NewTraining(train, val []model.Query) *Training {
	scratch := tensor.NewTape(b.keep.Pool())
	scratch.Train = false
	tr := &Training{b: b, tape: tensor.NewTape(b.keep.Pool()), train: len(train)}
	all := append(append([]model.Query(nil), train...), val...)
	tr.seeds = b.seeds(scratch, all, nil)
	b.moments(tr.seeds.fixed.Val, len(train))
	tr.fixed = b.normalise(scratch, tr.seeds.fixed, 0).Val.Clone()
	tr.seeds.fixed = scratch.Const(tr.fixed)
	if b.blocks {
		tr.blocks = b.inBlocks(tr.seeds)
	}
	return tr
}

// moments stores mean and variance of the first rows of the part of the readout that does
// not change.
func (b *Bound) moments(x tensor.Mat, rows int) {
	for j := range x.Cols {
		var mean, square float64
		for i := range rows {
			mean += float64(x.At(i, j)) / float64(rows)
		}
		for i := range rows {
			d := float64(x.At(i, j)) - mean
			square += d * d / float64(rows)
		}
		b.norm[0].Value.Data[j], b.norm[1].Value.Data[j] = tensor.Real(mean), tensor.Real(square)
	}
}

// Forward returns the raw outputs of the training seeds, with gradient, and of the
// validation seeds, and leaves the statistics of the readout in the model. drop names the
// dropout masks.
func (tr *Training) Forward(drop uint64) (train, val *tensor.Var) {
	b, t := tr.b, tr.tape
	t.Reset()
	var made states
	if tr.blocks != nil {
		made = tr.blocks.forward(t)
	} else {
		made = b.messages(t)
	}
	x := tr.seeds.messages(t, b, made)
	all := x.Rows()
	y, mean, variance := t.BatchNorm(t.SliceRows(x, 0, tr.train), nil, nil, readEps)
	copy(b.norm[0].Value.Data[b.width[0]:], mean)
	copy(b.norm[1].Value.Data[b.width[0]:], variance)
	fixed := t.Const(tr.fixed)
	p := b.Config.Dropout
	train = b.outputs(t, t.Dropout(t.SliceRows(fixed, 0, tr.train), p, tensor.Hash64(drop, 1)), t.Dropout(t.Clamp(y, readLimit), p, tensor.Hash64(drop, 2)))
	val = b.outputs(t, t.SliceRows(fixed, tr.train, all), b.normalise(t, t.SliceRows(x, tr.train, all), b.width[0]))
	return train, val
}

// Backward adds the gradient of the parameters, given that of the training outputs.
func (tr *Training) Backward(train *tensor.Var, grad tensor.Mat) {
	tr.tape.BackwardFrom([]*tensor.Var{train}, []tensor.Mat{grad})
	if tr.blocks != nil {
		tr.blocks.backward()
	}
}
