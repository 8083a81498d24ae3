package main

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/gnn/train"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/graph/sample"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
)

// Result holds the figures of one size.
type Result struct {
	Links      int     `json:"links"`
	LimitMB    int     `json:"limit_mb,omitempty"` // of memory besides mapped files; 0 = none
	SnapshotMB float64 `json:"snapshot_mb"`
	GraphMB    float64 `json:"graph_mb"`
	Stages     []Stage `json:"stages"`
}

// Stage is one step of the path.
type Stage struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
	// CPU is user and system time of all threads: on a shared machine it tells more
	// than the clock does.
	CPU    float64 `json:"cpu_seconds"`
	Work   float64 `json:"work"` // links, seeds or steps
	Unit   string  `json:"unit"` // of Work
	AnonMB float64 `json:"anon_mb"`
	RSSMB  float64 `json:"rss_mb"`
}

// Amounts of work that do not grow with the database.
const (
	sampledSeeds = 100_000
	trainBatch   = 256
	trainSteps   = 40
	valSeeds     = 512
	scoredSeeds  = 20_480
)

// measure generates a shop in dir and takes it through the path, stage by stage.
func measure(ctx context.Context, dir string, links int) (*Result, error) {
	r := &Result{Links: links}
	var (
		folder string
		snap   *ingest.Snapshot
		g      *graph.Graph
		bound  *model.Bound
		task   *tasks.Task
	)
	pool := tensor.NewPool(0)
	seeds, each := float64(links), "links"
	for _, s := range []struct {
		name string
		work float64
		unit string
		do   func() error
	}{
		{"write snapshot", seeds, each, func() (err error) { folder, err = writeShop(dir, links); return err }},
		{"open snapshot", seeds, each, func() (err error) { snap, err = ingest.OpenSnapshot(folder); return err }},
		{"build graph", seeds, each, func() error { return graph.Store(folder, snap) }},
		{"open graph", seeds, each, func() (err error) { g, err = graph.Open(folder, snap, false); return err }},
		{"sample", sampledSeeds, "seeds", func() error { return drawSeeds(g) }},
		{"train", trainSteps, "steps", func() (err error) { task, bound, err = fit(ctx, g); return err }},
		{"score", scoredSeeds, "seeds", func() error { return score(ctx, bound, task, pool) }},
	} {
		stage, err := timed(s.name, s.do)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		stage.Work, stage.Unit = s.work, s.unit
		r.Stages = append(r.Stages, stage)
	}
	r.SnapshotMB, r.GraphMB = folderMB(folder, ".arrow"), folderMB(folder, "graph.arrays")
	if err := g.Close(); err != nil {
		return nil, err
	}
	return r, snap.Close()
}

func timed(name string, do func() error) (Stage, error) {
	watch := watchMemory()
	start, cpu := time.Now(), cpuSeconds()
	err := do()
	s := Stage{Name: name, Seconds: time.Since(start).Seconds(), CPU: cpuSeconds() - cpu}
	s.AnonMB, s.RSSMB = watch.stop()
	return s, err
}

// folderMB is the size of the files of dir whose names end so.
func folderMB(dir, suffix string) float64 {
	total := int64(0)
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, suffix) {
			if info, err := d.Info(); err == nil {
				total += info.Size()
			}
		}
		return nil
	})
	return float64(total) / 1e6
}

// drawSeeds samples the neighbourhoods of random users.
func drawSeeds(g *graph.Graph) error {
	s, err := sample.New(g, sample.Options{Entity: users, FanOut: []int{32, 16}, Seed: 1})
	if err != nil {
		return err
	}
	draws, rows := sample.Stream(5), uint64(g.Snap.Tables[users].Rows)
	var batch sample.Batch
	seeds := make([]sample.Seed, 0, 512)
	for i := range uint64(sampledSeeds) {
		seeds = append(seeds, sample.Seed{Row: int32(draws.Below(i, rows)), At: shopStart + 900*dayMicros, Key: i})
		if len(seeds) == cap(seeds) {
			s.SampleInto(&batch, seeds, 0)
			seeds = seeds[:0]
		}
	}
	return nil
}

// target is the task of the generated shop.
const target = "PREDICT COUNT(facts.*, 0, 30, days) > 0 FOR EACH users"

// fit trains some steps of the default network.
func fit(ctx context.Context, g *graph.Graph) (*tasks.Task, *model.Bound, error) {
	task, err := tql.Bind(target, g.Snap.Schema)
	if err != nil {
		return nil, nil, err
	}
	if err := tasks.Resolve(task, g.Snap); err != nil {
		return nil, nil, err
	}
	res, err := train.Fit(ctx, train.Data{Graph: g, Labels: labels(g, task)},
		train.Options{Batch: trainBatch, Steps: trainSteps, Epochs: 1, NoHistory: true, Seed: 1})
	if err != nil {
		return nil, nil, err
	}
	return task, res.Bound.(*model.Bound), nil
}

// labels draws examples at random and reads their labels off the graph: an executor
// over all users and anchors would label far more than a training of bounded time uses.
func labels(g *graph.Graph, task *tasks.Task) *tasks.LabelTable {
	l := &tasks.LabelTable{Task: task}
	draws, rows := sample.Stream(9), uint64(g.Snap.Tables[users].Rows)
	add := func(n int, split tasks.Split, anchor int64) {
		until := task.Options.Closed(anchor, task.Horizon)
		for range n {
			row := int32(draws.Below(uint64(len(l.Entity)), rows))
			_, times := g.List(0).Of(row)
			have := ingest.TimeRule{}.Cut(times, until) - ingest.TimeRule{}.Cut(times, anchor)
			l.Entity, l.Anchor, l.Split = append(l.Entity, row), append(l.Anchor, anchor), append(l.Split, split)
			l.Label = append(l.Label, float64(min(have, 1)))
		}
	}
	o := &task.Options
	add(trainBatch*trainSteps, tasks.Train, o.Add(o.ValAnchor, task.Horizon.Times(-1)))
	add(valSeeds, tasks.Val, o.ValAnchor)
	return l
}

// score predicts for random users at the test anchor.
func score(ctx context.Context, b *model.Bound, task *tasks.Task, pool *tensor.Pool) error {
	s, err := b.NewScorer(task.Options.Rule, pool)
	if err != nil {
		return err
	}
	draws, rows := sample.Stream(11), uint64(b.Graph.Snap.Tables[users].Rows)
	queries := make([]model.Query, scoredSeeds)
	for i := range queries {
		at := task.Options.TestAnchor
		queries[i] = model.Query{Row: int32(draws.Below(uint64(i), rows)), Cut: at, Anchor: at}
	}
	_, err = s.Score(ctx, queries)
	return err
}
