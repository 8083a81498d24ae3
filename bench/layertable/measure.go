package layertable

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/bench"
	"github.com/rowlink/rowlink/bench/quality"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/gnn/train"
	"github.com/rowlink/rowlink/tasks"
)

// tasksOfTable are the tasks, all of them in the rolling regime.
var tasksOfTable = []string{"driver_position", "driver_dnf", "driver_top3", "stats_badge", "quantum_upvotes", "lahman_hr", "journey_redeem"}

// Cases are the tasks of the table.
func Cases() []quality.Case {
	var out []quality.Case
	for _, c := range quality.Cases() {
		if c.Regime == tasks.Rolling && slices.Contains(tasksOfTable, c.Task) {
			out = append(out, c)
		}
	}
	return out
}

// Options configures [Run].
type Options struct {
	Data    string         // folder of the reference data, with data/ in it
	Store   string         // folder that keeps what was measured
	Match   *regexp.Regexp // only the pairs task/layer that it matches; nil = all
	Again   bool           // measures anew what the store has
	Threads int
	OnNote  func(format string, args ...any)
}

// Result is one training.
type Result struct {
	Task       string        `json:"task"`
	Layer      string        `json:"layer"`
	Metric     string        `json:"metric"`
	Higher     bool          `json:"higher_is_better"`
	Val        float64       `json:"val"`
	Test       float64       `json:"test"`
	Examples   [3]int        `json:"examples"` // train, val, test
	Parameters int           `json:"parameters"`
	Network    string        `json:"network"`
	Best       int           `json:"best_epoch"`
	Epochs     int           `json:"epochs"`
	Seconds    float64       `json:"seconds"`     // of the training passes by the clock, without validation
	CPU        float64       `json:"cpu_seconds"` // of the process, training with validation
	Stopped    bool          `json:"stopped_by_time_limit"`
	Machine    bench.Machine `json:"machine"`
}

// tooLarge are the pairs task/layer that are left out, and why.
var tooLarge = map[string]string{
	"lahman_hr/scan": "its states of 88,645 examples took 20 GB and more, and the system ended the process",
}

// Settings are those of every training of a layer. The layer scan samples nothing and has
// settings of its own: its defaults, with fewer epochs.
func Settings(layer string, threads int) train.Options {
	o := train.Options{Model: model.Config{Layer: layer}, Seed: 1, Threads: threads, TimeLimit: 5 * time.Minute}
	if layer == model.Scan {
		o.Epochs = 20
		return o
	}
	o.Model.Width, o.Model.FanOut = 64, []int{16, 8}
	o.Epochs, o.Steps = 4, 25
	return o
}

// Run trains every layer on every task and keeps each result in the store as soon as it
// is there. What the store has is not measured again unless asked for; a database that is
// not on this machine is noted and left out. It returns how many trainings there were.
func Run(ctx context.Context, o Options) (int, error) {
	done := 0
	for _, c := range Cases() {
		layers := o.missing(c)
		if len(layers) == 0 {
			continue
		}
		folder := filepath.Join(o.Data, "data", c.Database)
		if _, err := os.Stat(folder); err != nil {
			o.OnNote("%s is left out: no folder %s", c.Task, folder)
			continue
		}
		n, err := o.task(ctx, c, folder, layers)
		done += n
		if err != nil {
			return done, fmt.Errorf("%s: %w", c.Task, err)
		}
	}
	return done, nil
}

// missing lists the layers that are to be trained on a task.
func (o *Options) missing(c quality.Case) []string {
	var out []string
	for _, layer := range model.Layers() {
		_, err := os.Stat(fileOf(o.Store, c.Task, layer))
		if tooLarge[c.Task+"/"+layer] == "" && (o.Match == nil || o.Match.MatchString(c.Task+"/"+layer)) && (o.Again || err != nil) {
			out = append(out, layer)
		}
	}
	return out
}

func (o *Options) task(ctx context.Context, c quality.Case, folder string, layers []string) (int, error) {
	d, err := quality.Open(ctx, folder, o.Threads)
	if err != nil {
		return 0, err
	}
	defer d.Close()
	w, err := o.prepare(ctx, d, c)
	if err != nil {
		return 0, err
	}
	for i, layer := range layers {
		r, err := w.train(ctx, layer)
		if err != nil {
			return i, fmt.Errorf("%s: %w", layer, err)
		}
		r.Task = c.Task
		if err := r.save(o.Store); err != nil {
			return i, err
		}
		o.OnNote("%s, %s: %s val %.4f, test %.4f, %.1f s", c.Task, layer, r.Metric, r.Val, r.Test, r.Seconds)
	}
	return len(layers), nil
}

// work is a task that is labelled and linked.
type work struct {
	task    *tasks.Task
	data    train.Data
	scaling *tasks.Scaling
	metric  tasks.Metric
	threads int
}

func (o *Options) prepare(ctx context.Context, d *rowlink.Database, c quality.Case) (*work, error) {
	w := &work{threads: o.Threads}
	var err error
	if w.task, err = d.Task(c.Text()); err != nil {
		return nil, err
	}
	w.task.Options.Regime, w.task.Options.ValRegime = c.Regime, c.Regime
	if w.data.Labels, err = tasks.Label(ctx, d.Snap, w.task, o.Threads); err != nil {
		return nil, err
	}
	if w.data.Graph, err = model.Graph(ctx, d.Snap, w.task, true); err != nil {
		return nil, err
	}
	if w.scaling, err = tasks.FitScaling(w.data.Labels); err != nil {
		return nil, err
	}
	w.metric, err = w.task.MetricOf(w.scaling)
	return w, err
}

// train trains one layer and looks at validation and test once.
func (w *work) train(ctx context.Context, layer string) (*Result, error) {
	before := bench.CPUTime()
	fit, err := train.Fit(ctx, w.data, Settings(layer, w.threads))
	if err != nil {
		return nil, err
	}
	cpu := bench.CPUTime() - before
	network, err := predict.Of(fit.Bound, w.task, w.scaling, tensor.NewPool(w.threads))
	if err != nil {
		return nil, err
	}
	r := &Result{Layer: layer, Metric: w.metric.Name(), Higher: w.metric.HigherIsBetter(), Examples: w.data.Labels.Report.Examples,
		Parameters: fit.Model.Parameters(), Network: fit.Model.String(), CPU: cpu.Seconds(), Best: fit.Best.Number, Epochs: len(fit.Epochs),
		Stopped: fit.Interrupted, Machine: bench.ThisMachine()}
	for _, e := range fit.Epochs {
		r.Seconds += e.Seconds
	}
	for split, to := range map[tasks.Split]*float64{tasks.Val: &r.Val, tasks.Test: &r.Test} {
		o, err := rowlink.Ask(ctx, network, w.data.Labels, split)
		if err != nil {
			return nil, err
		}
		*to = w.metric.Compute(o.Truth, o.Predicted)
	}
	if math.IsNaN(r.Val) || math.IsNaN(r.Test) {
		return nil, fmt.Errorf("metric %s is undefined: validation %v, test %v", r.Metric, r.Val, r.Test)
	}
	return r, nil
}
