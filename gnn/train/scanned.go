package train

import (
	"context"
	"fmt"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/scan"
	"github.com/rowlink/rowlink/gnn/tensor"
)

// scanned is a network of the layer scan in training: an epoch is one pass over the rows,
// which all examples share, and one step of the optimiser.
type scanned struct {
	*run
	pass    *scan.Training
	outputs int
	order   []int // positions of the examples that take part
}

// everywhere is more hops than any database has: the layer scan goes up and down.
const everywhere = 64

// A TooLargeError says that a network of the layer scan would take more memory than
// [Options].Memory.
type TooLargeError struct{ Need, Limit int64 } // bytes

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the layer scan would take about %.1f GB of memory, of which %.1f GB are there for it", float64(e.Need)/1e9, float64(e.Limit)/1e9)
}

// scanned makes the network and finds what the examples read.
func (r *run) scanned(c model.Config) (model.BoundNetwork, error) {
	enc, err := model.Encoders(r.Graph, r.task, everywhere)
	if err != nil {
		return nil, err
	}
	m, err := scan.New(c, r.Graph, r.task.Entity, enc, r.task.Options.Rule, r.task.Options.ValAnchor, r.opt.Seed)
	if err != nil {
		return nil, err
	}
	s := &scanned{run: r, outputs: c.Outputs, order: r.order(1)}
	if need := m.Bytes(r.Graph, len(s.order)+len(r.val)); r.opt.Memory > 0 && need > r.opt.Memory {
		return nil, &TooLargeError{Need: need, Limit: r.opt.Memory}
	}
	if m.Meta, err = r.about(); err != nil {
		return nil, err
	}
	like, _ := r.Like.(*scan.Bound)
	bound, err := m.BindLike(like, r.Graph, r.task.Options.Rule, r.pool)
	if err != nil {
		return nil, err
	}
	queries := make([]model.Query, len(s.order))
	for i, at := range s.order {
		queries[i] = r.examples[at].Query
	}
	s.pass = bound.NewTraining(queries, r.val)
	r.learner, r.params = s, m.Params
	return bound, nil
}

func (s *scanned) epoch(ctx context.Context, e *Epoch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	e.Seeds = len(s.order)
	s.scratch.resize(len(s.order), s.outputs)
	for _, at := range s.order {
		s.aim(at)
	}
	out, _ := s.forward()
	g := tensor.NewMat(len(s.order), s.outputs)
	var err error
	if e.Loss, err = s.loss(out.Val, g); err != nil {
		return err
	}
	s.params.ZeroGrad()
	s.pass.Backward(out, g)
	s.descend(1)
	if s.opt.OnStep != nil {
		s.opt.OnStep(e.Number, len(s.order), len(s.order))
	}
	return nil
}

func (s *scanned) forward() (train, val *tensor.Var) {
	return s.pass.Forward(tensor.Hash64(s.opt.Seed, 0xd2, uint64(s.step)))
}

// validate implements learner. The statistics of the readout that it leaves in the model
// are those of its parameters.
func (s *scanned) validate(context.Context) (tensor.Mat, error) {
	_, val := s.forward()
	return val.Val, nil
}
