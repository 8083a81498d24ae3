package train

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
)

// order lists the training examples of an epoch.
func (r *run) order(epoch int) []int {
	order := permute(indices(len(r.examples)), func(i int) uint64 {
		return tensor.Hash64(r.opt.Seed, uint64(epoch), r.examples[i].key)
	})
	return order[:min(len(order), r.opt.Steps*r.opt.Batch)]
}

// epoch makes one pass over the training seeds and validates.
func (r *run) epoch(ctx context.Context) error {
	e := Epoch{Number: len(r.result.Epochs) + 1}
	start := time.Now()
	if err := r.learner.epoch(ctx, &e); err != nil {
		return err
	}
	e.Seconds = time.Since(start).Seconds()
	defer r.average.Use()()
	return r.validate(ctx, e)
}

// loss returns the mean loss of raw outputs for the targets in r.scratch, whose gradient
// it leaves in grad.
func (r *run) loss(out, grad tensor.Mat) (float64, error) {
	for i, v := range out.Data {
		r.scratch.out[i] = float64(v)
	}
	loss := r.typ.Loss(r.scaling, r.scratch.out, r.scratch.target, r.scratch.grad)
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return 0, fmt.Errorf("the loss is %v at step %d: lower the learning rate (now %g)", loss, r.step+1, r.opt.Rate)
	}
	for i, v := range r.scratch.grad {
		grad.Data[i] = tensor.Real(v)
	}
	return loss, nil
}

// descend makes a step of the optimiser, with the gradient in the parameters, of so many
// in an epoch.
func (r *run) descend(steps int) {
	if r.opt.Clip > 0 {
		nn.ClipGradNorm(r.params, r.pool, r.opt.Clip)
	}
	r.adam.Step(r.schedule(r.opt.Rate, r.opt.Epochs*steps)(r.step))
	r.average.Step(r.step)
	r.step++
}

// scratch is what a step needs beside the tape, used again by the next one.
type scratch struct {
	anchor            []int64
	target, out, grad []float64
}

func (s *scratch) resize(seeds, outputs int) {
	s.anchor, s.target = slices.Grow(s.anchor[:0], seeds)[:seeds], s.target[:0]
	s.out, s.grad = slices.Grow(s.out[:0], seeds*outputs)[:seeds*outputs], slices.Grow(s.grad[:0], seeds*outputs)[:seeds*outputs]
}

// validate scores the validation rows and keeps the parameters if they are the best.
func (r *run) validate(ctx context.Context, e Epoch) error {
	out, err := r.learner.validate(ctx)
	if err != nil {
		return err
	}
	if r.opt.Refit > 0 {
		e.Val = math.NaN()
		r.take(e, true)
		return nil
	}
	var truth []float64
	for _, row := range r.valRows {
		truth = append(truth, r.Labels.Truth(row)...)
	}
	e.Val = r.metric.Compute(truth, r.typ.Decode(r.scaling, wide(out.Data)))
	best := r.result.Best.Val
	better := math.IsNaN(best) || e.Val != best && r.metric.HigherIsBetter() == (e.Val > best)
	r.take(e, r.best == nil || better && !math.IsNaN(e.Val))
	return nil
}

// take notes an epoch, and keeps its parameters if they are the best.
func (r *run) take(e Epoch, best bool) {
	e.Best = best
	r.result.Epochs = append(r.result.Epochs, e)
	if e.Best {
		r.result.Best = e
		r.keep()
	}
	if r.opt.OnEpoch != nil {
		r.opt.OnEpoch(e)
	}
}

// keep copies the parameters as those of the best epoch.
func (r *run) keep() { r.best = r.params.Copy() }
