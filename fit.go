package rowlink

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/gnn/train"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tabular/baseline"
	"github.com/rowlink/rowlink/tasks"
)

// FitOptions configures [Database.Fit]. The zero value is usable.
type FitOptions struct {
	Train train.Options
	// Model says what is served: "auto" (the blend, or the simplest predictor that is no worse than the
	// best on validation by more than chance, whatever it is; the default), "gnn", "scan",
	// "blend", or the name of a baseline.
	Model  string
	Regime *tasks.Regime // replaces the task's evaluation regime; nil = as the task says
	// Ensemble is the number of networks, each from a seed of its own, whose predictions
	// are averaged; 0 means 1.
	Ensemble int
	// Scan is the number of networks of the layer scan that are trained beside those of
	// Train; 0 means none.
	Scan int
	// ValBlocks is the number of validation blocks that choose among predictors: the last
	// and earlier ones, for which everything is fitted again as of their validation
	// anchors. 0 means 1, and 3 in the frozen regime.
	ValBlocks int
	// Refit fits what is served anew on training and validation examples together, whose
	// windows close before the test anchor, with all settings as validation chose them.
	Refit bool
	// EvalExamples bounds the examples of validation and of test, each: of more, so many are
	// drawn by a hash of key and anchor, for every predictor the same, and the report says so.
	// 0 means 50,000, less means all. [Evaluate] over [Database.Labels] looks at all.
	EvalExamples int
	// Pretrained names a network of [Database.Pretrain] whose encoders and parameters those
	// of Train begin with; earlier validation blocks that lie before its end begin anew.
	Pretrained string
	// Job is the server's job that the training is for; see [Provenance].
	Job string
	// OnStage, if set, is told what begins: the labels, each predictor by its name.
	OnStage func(what string)
}

// Fitted is a trained task: the network, the baselines beside it, and how all of them did.
type Fitted struct {
	Task      *tasks.Task
	Labels    *tasks.LabelTable
	Graph     *graph.Graph
	Networks  []*train.Result // members of the ensemble
	Scans     []*train.Result // those of the layer scan beside them
	Baselines map[string]baseline.Baseline
	Report    *Report

	pre      *model.Model // to begin with; nil = anew
	data     *baseline.Data
	outcomes map[string]outcomes // of the report's rows, by name
	refitted *Outcome            // of what is served, on test, where it was fitted anew
	splits   []tasks.Split       // that predictors are asked about
	earlier  []*Fitted           // earlier validation blocks, the latest first
	quick    bool                // an answer is wanted in seconds
	settings *Settings           // as asked for
	job      string              // that it is for

	labelHash string   // of the whole label table
	drawn     []string // says of which splits only some examples are looked at
	run       string   // names the training's checkpoints in the workspace; empty = none

	onStage func(what string)
}

// begin tells what begins.
func (f *Fitted) begin(what string) {
	if f.onStage != nil {
		f.onStage(what)
	}
}

// Fit walks the path from a task's text to a trained model: bind, label, link, train,
// compare. Everything that is chosen is chosen on validation.
func (d *Database) Fit(ctx context.Context, text string, opt FitOptions) (*Fitted, error) {
	start := time.Now()
	f, err := d.prepare(ctx, text, opt, 0)
	if err != nil {
		return nil, err
	}
	opt.Train.Threads = d.opt.Threads
	pool := tensor.NewPool(d.opt.Threads)
	if f.data, err = tabular(f.Graph, f.Task, f.Labels, pool); err != nil {
		return nil, err
	}
	f.Report = newReport(d, f)
	f.job, f.settings = opt.Job, opt.settings(f.Report.Regime)
	if err := f.baselines(ctx, baseline.Names()); err != nil {
		return nil, err
	}
	unsaved := opt // earlier blocks are trained anew when a training is resumed
	if err := d.checkpoint(f, &opt.Train); err != nil {
		return nil, err
	}
	if err := f.train(ctx, opt); err != nil {
		return nil, err
	}
	if err := f.scoreNetworks(ctx, pool); err != nil {
		return nil, err
	}
	if err := d.earlierBlocks(ctx, text, unsaved, f); err != nil {
		return nil, err
	}
	if err := f.blend(opt.Model); err != nil {
		return nil, err
	}
	if opt.Refit {
		if err := f.refit(ctx, opt, pool); err != nil {
			return nil, err
		}
	}
	f.calibrate()
	f.byFrame()
	f.note()
	f.Report.finish(start)
	return f, f.Report.err
}

// prepare binds, labels and links: what every training starts from. Validation and test
// anchors lie earlier by so many microseconds than the task's.
func (d *Database) prepare(ctx context.Context, text string, opt FitOptions, earlier int64) (*Fitted, error) {
	f := &Fitted{splits: []tasks.Split{tasks.Val, tasks.Test}, onStage: opt.OnStage}
	if earlier != 0 && opt.OnStage != nil {
		f.onStage = func(what string) { opt.OnStage("an earlier block: " + what) }
	}
	f.begin("labels")
	err := checkModel(opt.Model)
	if err == nil && opt.Model == Scan && opt.Scan < 1 {
		err = &ingest.UserError{Msg: "no network of the layer scan is trained, so none can be served", Hint: "ask for one at least: --scan 1; what --layer names is called gnn, also if it is scan"}
	}
	if err != nil {
		return nil, err
	}
	if f.Task, err = d.Task(text); err != nil {
		return nil, err
	}
	if opt.Regime != nil {
		f.Task.Options.Regime, f.Task.Options.ValRegime = *opt.Regime, *opt.Regime
	}
	f.Task.Options.ValAnchor -= earlier
	f.Task.Options.TestAnchor -= earlier
	if f.pre, err = d.pretrained(opt.Pretrained); err != nil {
		return nil, err
	}
	if f.pre != nil && earlier > 0 && f.pre.Meta.ValAnchor > f.Task.Options.ValAnchor {
		f.pre = nil
	}
	if err := d.label(ctx, f); err != nil {
		return nil, err
	}
	f.bound(opt.EvalExamples)
	return f, nil
}

// evalExamples bounds the examples of an evaluation split: a share of so many is known to a
// quarter of a percent.
const evalExamples = 50_000

// bound draws the examples by which predictors are judged, where there are very many.
func (f *Fitted) bound(most int) {
	if most == 0 {
		most = evalExamples
	}
	for _, s := range []tasks.Split{tasks.Val, tasks.Test} {
		before := f.Labels.Report.Examples[s]
		if f.Labels = f.Labels.Thinned(s, most); f.Labels.Report.Examples[s] < before {
			f.drawn = append(f.drawn, fmt.Sprintf("%s is judged by %d of %d examples, drawn by a hash of key and anchor", s, f.Labels.Report.Examples[s], before))
		}
	}
}

// Plan tells how [Database.Fit] would compute the network's first layer and what a step
// would cost, without training.
func (d *Database) Plan(ctx context.Context, text string, opt FitOptions) (*model.Plan, error) {
	f, err := d.prepare(ctx, text, opt, 0)
	if err != nil {
		return nil, err
	}
	opt.Train.Threads = d.opt.Threads
	return train.Plan(train.Data{Graph: f.Graph, Labels: f.Labels, Pretrained: f.pre}, opt.Train)
}

// checkModel refuses a name that no row of the report will have.
func checkModel(name string) error {
	known := append([]string{"auto"}, predictors()...)
	if name == "" || slices.Contains(known, name) {
		return nil
	}
	return &ingest.UserError{Msg: fmt.Sprintf("unknown model %q", name), Hint: "have " + strings.Join(known, ", ")}
}

// member returns the options of ensemble member i: a seed and a checkpoint of its own.
// The first has those of the run.
func member(o train.Options, i int) train.Options {
	if i == 0 {
		return o
	}
	o.Seed = tensor.Hash64(o.Seed, uint64(i)) >> 12 // below 2^52: exact in JSON
	if o.Checkpoint != "" {
		o.Checkpoint = fmt.Sprintf("%s-%d", o.Checkpoint, i+1)
	}
	return o
}

// tabularHops is how many foreign keys from the entity tables may lie that the baselines read.
const tabularHops = 3

// tabular gathers what the baselines read: the graph with its target history, and the
// encoders of the tables around the entity.
func tabular(g *graph.Graph, task *tasks.Task, labels *tasks.LabelTable, pool *tensor.Pool) (*baseline.Data, error) {
	enc, err := model.Encoders(g, task, tabularHops)
	if err != nil {
		return nil, err
	}
	return attach(g, task, labels.Classes, enc, pool), nil
}

func attach(g *graph.Graph, task *tasks.Task, classes []string, enc []*encode.Table, pool *tensor.Pool) *baseline.Data {
	return &baseline.Data{Graph: g, Task: task, Classes: classes, Encoders: enc, Pool: pool, History: historyLabels(g, classes)}
}
