package train

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tasks"
)

// Data is what a model is trained on.
type Data struct {
	Graph  *graph.Graph // from [model.Graph]: with target history unless Options.NoHistory
	Labels *tasks.LabelTable
	// Pretrained, if not nil, gives a network of sampled layers the encoders and parameters
	// that it begins with; see [Pretrain]. It must have seen no row after the validation anchor.
	Pretrained *model.Model
	Like       model.BoundNetwork // nil, or a network over the same graph, whose rows one of the layer scan shares
}

// Result is a trained model with the figures of its training.
type Result struct {
	Model           model.Network
	Bound           model.BoundNetwork // over the snapshot that it was trained on
	Epochs          []Epoch
	Best            Epoch
	Metric          string
	SecondsPerEpoch float64 // median of the training passes
	SeedsPerSecond  float64
	Elapsed         time.Duration // of the whole training in this process
	Interrupted     bool          // stopped by the time limit
	Recent          int           // of the layer scan: the youngest examples that it learned from; negative = all
	Stale           bool          // it learned from stale cuts
}

// Fit trains a model on the training examples and keeps the parameters of the epoch
// with the best validation metric (rules R12, R20: each example reads no further than
// its own feature cut). Equal data, options and kernel path give equal bits at any
// number of threads, and a resumed run equals an undisturbed one.
func Fit(ctx context.Context, d Data, opt Options) (*Result, error) {
	opt = opt.withDefaults()
	if err := opt.validate(); err != nil {
		return nil, err
	}
	if opt.Model.Layer == model.Scan && opt.Recent == 0 {
		return fitEras(ctx, d, opt)
	}
	best, err := fit(ctx, d, opt)
	if err != nil || opt.Refit > 0 || !opt.tryStale(d.Labels.Task) {
		return best, err
	}
	opt.Stale = true
	return better(ctx, d, opt, best)
}

// tryStale is true where validation is frozen: whether training examples should be read as
// stale as it reads its own, validation then says.
func (o *Options) tryStale(t *tasks.Task) bool {
	return t.Options.ValRegime == tasks.Frozen && !o.Stale
}

// fit is one training.
func fit(ctx context.Context, d Data, opt Options) (*Result, error) {
	r, err := newRun(d, opt)
	if err != nil {
		return nil, err
	}
	return r.complete(ctx)
}

// complete trains from where a checkpoint stands to the end.
func (r *run) complete(ctx context.Context) (*Result, error) {
	opt := r.opt
	if err := r.resume(); err != nil {
		return nil, err
	}
	start := time.Now()
	for !r.done() {
		if err := r.epoch(ctx); err != nil {
			return nil, err
		}
		if err := r.save(); err != nil {
			return nil, err
		}
		if opt.TimeLimit > 0 && time.Since(start) > opt.TimeLimit {
			r.result.Interrupted = true
			break
		}
	}
	r.result.Elapsed = time.Since(start)
	return r.finish()
}

// Refit trains anew on training and validation examples together, as long as the given
// training took to its best epoch: nothing is left to choose by, so nothing is chosen.
// The windows of validation examples close before the test anchor.
func Refit(ctx context.Context, d Data, opt Options, chosen *Result) (*Result, error) {
	opt.Refit, opt.Seed = chosen.Best.Number, chosen.Model.About().Seed
	if opt.Recent, opt.Stale = chosen.Recent, chosen.Stale; opt.Recent > 0 {
		opt.Recent += len(d.Labels.Rows(tasks.Val)) // the youngest of all
	}
	opt.Model.Plan = chosen.Model.Options().Plan
	if opt.Checkpoint != "" {
		opt.Checkpoint += "-refit"
	}
	return Fit(ctx, d, opt)
}

// run is a training in progress.
type run struct {
	Data
	opt      Options
	task     *tasks.Task
	typ      tasks.Type
	metric   tasks.Metric
	scaling  *tasks.Scaling
	pool     *tensor.Pool
	learner  learner
	params   *nn.Set
	adam     *nn.Adam
	average  *nn.Average // its values are what is validated and kept
	schedule func(rate float64, total int) nn.Schedule
	examples []example // of training
	val      []model.Query
	valRows  []int
	identity string       // everything that decides the run's bits: a checkpoint of another run is refused
	best     []tensor.Mat // parameters of the best epoch
	result   Result
	step     int
	scratch  scratch
}

// learner is a network in training: what differs between sampled layers and the layer scan.
type learner interface {
	// epoch makes one pass over the training examples, a step of the optimiser after each
	// of its batches, and fills in loss and seeds.
	epoch(ctx context.Context, e *Epoch) error
	// validate returns the raw outputs for the validation queries.
	validate(ctx context.Context) (tensor.Mat, error)
}

// example is one training example: its query, the row of its targets in the label table, and
// the key of its seed, by which it is also ordered.
type example struct {
	model.Query
	label int
	key   uint64
}

func newRun(d Data, opt Options) (*run, error) {
	r := &run{Data: d, opt: opt, task: d.Labels.Task, pool: tensor.NewPool(opt.threads())}
	var err error
	if r.schedule, err = schedules.Get(opt.Schedule); err != nil {
		return nil, err
	}
	if r.typ, err = tasks.TypeOf(r.task.Type); err != nil {
		return nil, err
	}
	if r.scaling, err = tasks.FitScaling(d.Labels); err != nil {
		return nil, err
	}
	if r.metric, err = r.task.MetricOf(r.scaling); err != nil {
		return nil, err
	}
	r.result.Metric, r.result.Recent, r.result.Stale = r.metric.Name(), opt.Recent, opt.Stale
	r.collect()
	if len(r.examples) == 0 || len(r.val) == 0 {
		return nil, fmt.Errorf("task %s has %d training and %d validation examples, want at least one of each", r.task.Name, len(r.examples), len(r.val))
	}
	return r, r.build()
}

// build makes the network and its optimiser.
func (r *run) build() error {
	c := r.opt.Model
	c.Outputs = r.typ.Outputs(r.scaling)
	if pre := r.Pretrained; pre != nil && c.Layer != model.Scan {
		var err error
		if c, err = r.pretrained(c, pre); err != nil {
			return err
		}
	}
	c = c.Complete(r.task.Pace())
	var net model.BoundNetwork
	var err error
	if c.Layer == model.Scan {
		net, err = r.scanned(c)
	} else {
		net, err = r.sampled(c)
	}
	if err != nil {
		return err
	}
	r.adam = nn.NewAdamW(r.params, r.pool, nn.AdamOptions{Decay: r.opt.Decay})
	r.average = nn.NewAverage(r.params, max(0, r.opt.Average))
	r.result.Model, r.result.Bound = net, net
	r.identity = r.identify()
	return nil
}

// pretrained is the config of a network that begins with another's parameters.
func (r *run) pretrained(c model.Config, pre *model.Model) (model.Config, error) {
	if pre.Meta.ValAnchor > r.task.Options.ValAnchor {
		return c, &ingest.UserError{Msg: fmt.Sprintf("the pretrained network has seen rows until %s, after the validation anchor %s of task %s", moment(pre.Meta.ValAnchor), moment(r.task.Options.ValAnchor), r.task.Name),
			Hint: "pretrain until that anchor at the latest"}
	}
	if entity := r.Graph.Snap.Tables[r.task.Entity].Def.FullName(); pre.Entity != entity {
		return c, &ingest.UserError{Msg: fmt.Sprintf("the pretrained network is of table %s, task %s asks about %s", pre.Entity, r.task.Name, entity), Hint: "pretrain one for that table"}
	}
	like, err := c.Like(pre.Config)
	if err != nil {
		err = &ingest.UserError{Msg: err.Error(), Hint: "leave out what the pretrained network decides"}
	}
	return like, err
}

func moment(us int64) string { return time.UnixMicro(us).UTC().Format(time.DateTime) }

// about is what the network's file says of the training.
func (r *run) about() (model.Metadata, error) {
	m := model.Metadata{LabelHash: r.Labels.Hash(), Snapshot: r.Graph.Snap.ID, Seed: r.opt.Seed, Kernel: tensor.KernelName(), History: !r.opt.NoHistory}
	m.Note(r.task)
	var err error
	m.Scaling, err = json.Marshal(r.scaling)
	return m, err
}

// collect lists training examples and validation queries.
func (r *run) collect() {
	entity := r.Graph.Snap.Tables[r.task.Entity]
	train := r.Labels.Rows(tasks.Train)
	if r.opt.Refit > 0 {
		train = slices.Concat(train, r.Labels.Rows(tasks.Val)) // their windows close before the test anchor
	}
	train = r.youngest(train)
	source := train
	if r.opt.Shuffle {
		source = permute(train, func(i int) uint64 { return tensor.Hash64(r.opt.Seed, 0x5f, uint64(i)) })
	}
	for i, row := range train {
		query := model.Query{Row: r.Labels.Entity[row], Anchor: r.Labels.Anchor[row]}
		key := query.Seed(entity).Key
		cut := r.Labels.Cut(row)
		if r.opt.Stale {
			cut = r.stale(cut, key)
		}
		query.Cut = cut
		r.examples = append(r.examples, example{Query: query, label: source[i], key: key})
	}
	r.valRows = r.Labels.Rows(tasks.Val)
	for _, row := range r.valRows {
		r.val = append(r.val, model.Query{Row: r.Labels.Entity[row], Cut: r.Labels.Cut(row), Anchor: r.Labels.Anchor[row]})
	}
}

// stale draws a cut uniformly between the anchor and one evaluation grid before it, as
// a frozen evaluation reads its rows.
func (r *run) stale(cut int64, key uint64) int64 {
	o := &r.task.Options
	reach := float64(o.EvalAnchors-1) * o.Step.ApproxDays() * 86_400_000_000
	return cut - int64(reach*float64(tensor.Uniform(tensor.Hash64(r.opt.Seed, 0x57a1e), key)))
}

// aim puts the targets of an example behind those of the step so far.
func (r *run) aim(at int) {
	r.scratch.target = append(r.scratch.target, r.Labels.Truth(r.examples[at].label)...)
}

func (r *run) done() bool {
	n := len(r.result.Epochs)
	if r.opt.Refit > 0 {
		return n >= r.opt.Refit
	}
	return n >= r.opt.Epochs || n-r.result.Best.Number >= r.opt.Patience && n > 0
}

// finish puts the best parameters back and sums up.
func (r *run) finish() (*Result, error) {
	r.params.Restore(r.best)
	var seconds []float64
	for _, e := range r.result.Epochs {
		seconds = append(seconds, e.Seconds)
	}
	r.result.SecondsPerEpoch = median(seconds)
	if r.result.SecondsPerEpoch > 0 {
		r.result.SeedsPerSecond = float64(r.result.Epochs[0].Seeds) / r.result.SecondsPerEpoch
	}
	done := r.result // alone: the run holds the memory of training
	return &done, nil
}

func wide(in []tensor.Real) []float64 {
	out := make([]float64, len(in))
	for i, v := range in {
		out[i] = float64(v)
	}
	return out
}
