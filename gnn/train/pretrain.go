package train

import (
	"context"
	"fmt"
	"runtime"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tasks"
)

// Unlabelled is what a network is pretrained on: what happened, without any task's labels.
type Unlabelled struct {
	Name    string
	Graph   *graph.Graph // without target history
	Entity  int          // table whose rows are the seeds
	Rule    ingest.TimeRule
	Until   int64   // microseconds UTC; no row beyond it is read, neither as input nor as what is foretold
	Horizon float64 // days; windows of one, four and sixteen of them are foretold
}

// pretrainEpochs is how many passes a pretraining makes unless told.
const pretrainEpochs = 5

// Pretrain trains a network to foretell, for rows of the entity table at instants of the
// past, what happens to them next: whether and how many children come within some windows,
// in how many days the next one does, the cells of that row, which are all hidden from the
// input, and which of several rows it points to. Inputs are what was visible at the
// instant, targets rows that came after it and by Until: a task whose validation anchor is
// Until or later may build on the network. Equal data, options and kernel path give equal
// bits at any number of threads, and a resumed run equals an undisturbed one.
func Pretrain(ctx context.Context, d Unlabelled, opt Options) (*Result, error) {
	if opt.Epochs == 0 {
		opt.Epochs = pretrainEpochs
	}
	opt = opt.withDefaults()
	opt.Refit = opt.Epochs // nothing is validated: the last parameters are kept
	if err := opt.validate(); err != nil {
		return nil, err
	}
	r := &run{Data: Data{Graph: d.Graph}, opt: opt, task: d.task(), pool: tensor.NewPool(opt.threads())}
	var err error
	if r.schedule, err = schedules.Get(opt.Schedule); err != nil {
		return nil, err
	}
	if err := r.pretraining(d); err != nil {
		return nil, err
	}
	return r.complete(ctx)
}

// task stands in for a task where encoders, samplers and files want one.
func (d *Unlabelled) task() *tasks.Task {
	return &tasks.Task{Name: d.Name, Type: pretrainedType, Entity: d.Entity, Options: tasks.Options{Rule: d.Rule, ValAnchor: d.Until, TestAnchor: d.Until}}
}

// pretrainedType stands in a file where other networks name their task type.
const pretrainedType = "pretraining"

func (o *Options) threads() int {
	if o.Threads == 0 {
		return runtime.GOMAXPROCS(0)
	}
	return o.Threads
}

// pretraining makes the network and what it is to foretell.
func (r *run) pretraining(d Unlabelled) error {
	c := r.opt.Model
	if c.Layer == model.Scan || len(c.IDs) > 0 {
		return fmt.Errorf("pretraining knows sampled layers without vectors of their own for rows, not layer %q with ids %v", c.Layer, c.IDs)
	}
	c.Outputs, c.Plan = 1, model.PlanPlain // until it is known what there is to foretell
	c = c.Complete(d.Horizon)
	enc, err := c.Encoders(r.Graph, r.task)
	if err != nil {
		return err
	}
	p := &pretraining{run: r, Unlabelled: d}
	if p.parts, c.Outputs = foretold(d, enc, c.Width); len(p.parts) == 0 {
		return &ingest.UserError{Msg: fmt.Sprintf("no table with row times refers to table %s, so nothing of its future can be foretold", r.Graph.Snap.Tables[d.Entity].Def.FullName()),
			Hint: "name another entity table"}
	}
	m, err := model.New(c, r.Graph, d.Entity, enc, r.opt.Seed)
	if err != nil {
		return err
	}
	m.Meta = model.Metadata{Snapshot: r.Graph.Snap.ID, Seed: r.opt.Seed, Kernel: tensor.KernelName()}
	m.Meta.Note(r.task)
	if p.bound, err = m.Bind(r.Graph, r.pool); err != nil {
		return err
	}
	if p.sampler, err = c.Sampler(r.Graph, d.Entity, d.Rule, r.opt.Seed, r.pool); err != nil {
		return err
	}
	p.entities = p.visible()
	if len(p.entities) == 0 {
		return &ingest.UserError{Msg: fmt.Sprintf("table %s has no row that is known before the pretraining ends", r.Graph.Snap.Tables[d.Entity].Def.FullName()), Hint: "choose a later end"}
	}
	p.from = p.first()
	p.tape = tensor.NewTape(r.pool)
	p.tape.Train = true
	p.pass = p.bound.NewPass(p.tape)
	r.learner, r.params = p, m.Params
	r.adam = nn.NewAdamW(r.params, r.pool, nn.AdamOptions{Decay: r.opt.Decay})
	r.average = nn.NewAverage(r.params, max(0, r.opt.Average))
	r.result.Model, r.result.Bound = p.bound, p.bound
	o := r.opt
	r.identity = fmt.Sprintf("pretrain %s %s until=%d horizon=%g rule=%+v model=%+v epochs=%d batch=%d steps=%d rate=%g schedule=%s decay=%g clip=%g seed=%d average=%g",
		r.Graph.Snap.ID, m.Meta.Kernel, d.Until, d.Horizon, d.Rule, c, o.Epochs, o.Batch, o.Steps, o.Rate, o.Schedule, o.Decay, o.Clip, o.Seed, o.Average)
	return nil
}
