package rowlink

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/gnn/train"
)

// Names of networks among the predictors of a task.
const (
	GNN  = "gnn"  // of the layer that the training names
	Scan = "scan" // of the layer scan, trained beside the others
)

// train trains the networks of a task, and those of the layer scan beside them.
func (f *Fitted) train(ctx context.Context, opt FitOptions) (err error) {
	if f.Networks, err = f.members(ctx, GNN, opt.Train, opt.Ensemble); err != nil {
		return err
	}
	if opt.Scan > 0 {
		f.Scans, err = f.members(ctx, Scan, opt.scan(), opt.Scan)
		if large := (*train.TooLargeError)(nil); errors.As(err, &large) && opt.Model != Scan {
			f.Report.LeftOut = append(f.Report.LeftOut, Scan+": "+large.Error())
			f.Scans, err = nil, nil
		}
	}
	return err
}

// scan are the options of the networks of the layer scan: its own defaults.
func (o *FitOptions) scan() train.Options {
	t := o.Train
	s := train.Options{Seed: t.Seed, Threads: t.Threads, TimeLimit: t.TimeLimit, Resume: t.Resume, NoHistory: t.NoHistory, Shuffle: t.Shuffle, OnEpoch: t.OnEpoch, OnStep: t.OnStep}
	s.Model.Layer, s.Memory = model.Scan, memoryBytes()/4
	if t.Checkpoint != "" {
		s.Checkpoint = t.Checkpoint + "-scan"
	}
	return s
}

// members trains some networks, each from a seed of its own.
func (f *Fitted) members(ctx context.Context, kind string, opt train.Options, count int) ([]*train.Result, error) {
	data := train.Data{Graph: f.Graph, Labels: f.Labels, Pretrained: f.pre}
	var out []*train.Result
	for i := range max(1, count) {
		what := kind
		if count > 1 {
			what = fmt.Sprintf("%s, network %d of %d", kind, i+1, count)
		}
		f.begin(what)
		n, err := train.Fit(ctx, data, member(opt, i))
		if err != nil {
			return nil, err
		}
		out = append(out, n)
		data.Like = n.Bound // the layer scan shares what no parameter changes
	}
	return out, nil
}

// scoreNetworks scores the ensembles of networks beside the baselines, the simpler first.
func (f *Fitted) scoreNetworks(ctx context.Context, pool *tensor.Pool) error {
	r, first := f.Report, f.Networks[0]
	r.Ensemble, r.Scans = len(f.Networks), len(f.Scans)
	r.Model, r.Parameters = first.Model.String(), first.Model.Parameters()
	r.Epochs, r.BestEpoch = first.Epochs, first.Best.Number
	r.SecondsPerEpoch, r.SeedsPerSecond = first.SecondsPerEpoch, first.SeedsPerSecond
	r.Seed, r.Kernel, r.Weights = first.Model.About().Seed, first.Model.About().Kernel, first.Model.WeightsHash()
	if len(f.Scans) > 0 {
		if err := f.scoreEnsemble(ctx, Scan, f.Scans, pool); err != nil {
			return err
		}
	}
	return f.scoreEnsemble(ctx, GNN, f.Networks, pool)
}

// scoreEnsemble scores networks together and, where there are several, each alone.
func (f *Fitted) scoreEnsemble(ctx context.Context, kind string, networks []*train.Result, pool *tensor.Pool) error {
	var members predict.Ensemble
	start, first := time.Now(), networks[0]
	for _, n := range networks {
		start = start.Add(-n.Elapsed)
		member, err := predict.Of(n.Bound, f.Task, f.Report.scaling, pool)
		if err != nil {
			return err
		}
		if err := member.CacheRows(ctx, Options{}.rowCache(len(networks))); err != nil {
			return err
		}
		members = append(members, member)
		if len(networks) == 1 {
			continue
		}
		name := fmt.Sprintf("%s, seed %d", kind, n.Model.About().Seed)
		o, err := f.ask(ctx, name, member)
		if err != nil {
			return err
		}
		row, err := f.row(name, settingOf(n), o, n.Elapsed)
		if err != nil {
			return err
		}
		f.Report.Members = append(f.Report.Members, row)
	}
	setting := settingOf(first)
	if len(networks) > 1 {
		setting = fmt.Sprintf("mean of %d networks", len(networks))
	}
	o, err := f.ask(ctx, kind, members)
	if err != nil {
		return err
	}
	return f.add(kind, setting, o, time.Since(start))
}

// settingOf says what validation chose of a network.
func settingOf(n *train.Result) string {
	text := fmt.Sprintf("epoch %d of %d", n.Best.Number, len(n.Epochs))
	if n.Stale {
		text += ", stale examples"
	}
	return text
}

// refits reports whether a predictor is fitted anew. Those of the layer scan stay as validation
// chose them in a blend: fitted anew for as many passes they did worse on the stretch behind, in
// both regimes, while trees and sampled networks did better (docs/log.md).
func (f *Fitted) refits(name string) bool { return name != Scan || f.Report.Served != Blend }

// refitNetworks trains the networks of a kind anew on training and validation examples.
func (f *Fitted) refitNetworks(ctx context.Context, kind string, opt FitOptions, pool *tensor.Pool) (predict.Scorer, error) {
	networks, o := f.Networks, opt.Train
	if kind == Scan {
		networks, o = f.Scans, opt.scan()
	}
	var members predict.Ensemble
	for i, n := range networks {
		if f.refits(kind) {
			again, err := train.Refit(ctx, train.Data{Graph: f.Graph, Labels: f.Labels, Pretrained: f.pre, Like: n.Bound}, member(o, i), n)
			if err != nil {
				return nil, err
			}
			networks[i], n = again, again
		}
		m, err := predict.Of(n.Bound, f.Task, f.Report.scaling, pool)
		if err != nil {
			return nil, err
		}
		members = append(members, m)
	}
	f.Report.Weights = f.Networks[0].Model.WeightsHash()
	return members, nil
}
