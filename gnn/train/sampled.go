package train

import (
	"context"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph/sample"
)

// sampled is a network of sampled layers in training.
type sampled struct {
	*run
	bound   *model.Bound
	sampler *sample.Sampler
	tape    *tensor.Tape
	pass    *model.Pass
	loading
}

// sampled makes the network, its sampler and its tape.
func (r *run) sampled(c model.Config) (model.BoundNetwork, error) {
	enc, err := c.Encoders(r.Graph, r.task)
	if err != nil {
		return nil, err
	}
	if r.Pretrained != nil {
		model.AdoptEncoders(enc, r.Pretrained, r.Graph, r.task)
	}
	if err := c.AddIDs(r.Graph, r.task, enc); err != nil {
		return nil, err
	}
	m, err := model.New(c, r.Graph, r.task.Entity, enc, r.opt.Seed)
	if err != nil {
		return nil, err
	}
	if r.Pretrained != nil {
		m.Adopt(r.Pretrained)
	}
	if m.Meta, err = r.about(); err != nil {
		return nil, err
	}
	s := &sampled{run: r}
	if s.bound, err = m.Bind(r.Graph, r.pool); err != nil {
		return nil, err
	}
	if s.sampler, err = c.Sampler(r.Graph, r.task.Entity, r.task.Options.Rule, r.opt.Seed, r.pool); err != nil {
		return nil, err
	}
	m.Config.Plan = s.plan().Chosen
	s.tape = tensor.NewTape(r.pool)
	s.tape.Train = true
	s.pass = s.bound.NewPass(s.tape)
	r.learner, r.params = s, m.Params
	return s.bound, nil
}

func (s *sampled) epoch(ctx context.Context, e *Epoch) error {
	order := s.order(e.Number)
	e.Seeds = len(order)
	loader := s.load(ctx, order, uint64(e.Number))
	defer loader.stop()
	for lo := 0; lo < len(order); lo += s.opt.Batch {
		batch, err := loader.next(ctx)
		if err != nil {
			return err
		}
		part := order[lo:min(lo+s.opt.Batch, len(order))]
		loss, err := s.train(batch, part, len(order))
		if err != nil {
			return err
		}
		loader.free(batch)
		e.Loss += loss * float64(len(part)) / float64(len(order))
		if s.opt.OnStep != nil {
			s.opt.OnStep(e.Number, lo+len(part), len(order))
		}
	}
	return nil
}

// train makes one step of the optimiser and returns the mean loss.
func (s *sampled) train(batch *sample.Batch, part []int, epochSeeds int) (float64, error) {
	s.tape.Reset()
	s.scratch.resize(len(part), s.bound.Config.Outputs)
	for i, p := range part {
		s.scratch.anchor[i] = s.examples[p].Anchor
		s.aim(p)
	}
	out := s.pass.Forward(batch, model.Seeds{Anchor: s.scratch.anchor, Drop: tensor.Hash64(s.opt.Seed, 0xd2, uint64(s.step))})
	g := s.tape.Alloc(out.Val.Rows, out.Val.Cols)
	loss, err := s.loss(out.Val, g)
	if err != nil {
		return 0, err
	}
	s.params.ZeroGrad()
	s.tape.Backward(s.tape.SumAll(s.tape.Mul(out, s.tape.Const(g))))
	s.descend((epochSeeds + s.opt.Batch - 1) / s.opt.Batch)
	return loss, nil
}

func (s *sampled) validate(ctx context.Context) (tensor.Mat, error) {
	s.tape.Train = false
	defer func() { s.tape.Train = true }()
	scorer, err := s.bound.NewScorerOn(s.tape, s.task.Options.Rule) // the memory of a training step is enough
	if err != nil {
		return tensor.Mat{}, err
	}
	return scorer.Score(ctx, s.val)
}
