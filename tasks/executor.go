package tasks

import (
	"context"
	"fmt"

	"github.com/rowlink/rowlink/ingest"
)

// Executor evaluates a task over one snapshot in memory. It arranges the rows of each
// aggregate once, when they are first needed, and is then safe for concurrent use.
type Executor struct {
	snap    *ingest.Snapshot
	task    *Task
	threads int
	entity  *ingest.Table

	where, assuming, target node
	items                   *items     // of a ranking
	series                  *aggregate // of a forecast: the target, read in each timeframe
	frames                  []Window   // of a forecast: the timeframes
	aggregates              []*aggregate
	ofWhere                 int // the first aggregates are those of WHERE
}

// NewExecutor compiles a task. threads bounds the workers, 0 = all cores; no result
// depends on it. The error says what the snapshot cannot give.
func NewExecutor(snap *ingest.Snapshot, task *Task, threads int) (*Executor, error) {
	c := &compiler{snap: snap, task: task, ctx: &opContext{&task.Options}, adjacency: map[string]*slots{}}
	x := &Executor{snap: snap, task: task, threads: threadsOf(threads), entity: snap.Tables[task.Entity]}
	var err error
	if x.where, err = c.compile(task.Where); err != nil {
		return nil, fmt.Errorf("compile WHERE: %w", err)
	}
	x.ofWhere = len(c.aggregates)
	if x.assuming, err = c.compile(task.Assuming); err != nil {
		return nil, fmt.Errorf("compile ASSUMING: %w", err)
	}
	if x.target, err = c.compile(task.Target); err != nil {
		return nil, fmt.Errorf("compile target: %w", err)
	}
	if task.Forecast != nil {
		x.series, x.frames = c.aggregates[len(c.aggregates)-1], task.frames()
	}
	if task.Ranking != nil {
		if x.items, err = newItems(snap, task.Ranking); err != nil {
			return nil, err
		}
	}
	x.aggregates = c.aggregates
	return x, nil
}

// newFrame returns the state of one worker.
func (x *Executor) newFrame() *frame {
	return &frame{ranges: make([]timeRange, len(x.aggregates))}
}

// moveTo sets the anchor of a frame and the windows of its aggregates.
func (x *Executor) moveTo(f *frame, anchor int64) {
	f.anchor, f.asOf, f.rule = anchor, anchor, x.task.Options.Rule
	for i, a := range x.aggregates {
		f.ranges[i] = a.def.Window.at(anchor, &x.task.Options)
	}
	f.frames = f.frames[:0]
	for _, w := range x.frames {
		f.frames = append(f.frames, w.at(anchor, &x.task.Options))
	}
}

func (x *Executor) prepare(aggregates []*aggregate) {
	for _, a := range aggregates {
		a.prepare(x.threads)
	}
}

// Eligible reports for each entity row whether it is visible at an anchor and WHERE is
// TRUE for it (rule R3), or ENTITIES of a raw SQL task names it (rule R18), which asks the
// database or what was kept of it.
func (x *Executor) Eligible(ctx context.Context, rows []int32, at int64) ([]bool, error) {
	if x.task.Raw != nil && x.task.Raw.Entities != "" {
		return x.named(ctx, rows, at)
	}
	x.prepare(x.aggregates[:x.ofWhere])
	out := make([]bool, len(rows))
	frames := make([]*frame, x.threads)
	inBlocks(len(rows), entityBlock, x.threads, func(worker, lo, hi int) {
		if frames[worker] == nil {
			frames[worker] = x.newFrame()
			x.moveTo(frames[worker], at)
		}
		for i := lo; i < hi; i++ {
			out[i] = x.entity.VisibleAt(x.task.Options.Rule, rows[i], at) && x.eligible(frames[worker], rows[i])
		}
	})
	return out, nil
}

// named is [Executor.Eligible] by ENTITIES.
func (x *Executor) named(ctx context.Context, rows []int32, at int64) ([]bool, error) {
	if x.task.Raw.Source == nil {
		return nil, errNoLabelSource(x.task)
	}
	named, err := x.task.Raw.Source.Entities(ctx, x.task, at)
	if err != nil {
		return nil, err
	}
	among := make([]bool, x.entity.Rows)
	for _, row := range named {
		among[row] = true
	}
	out := make([]bool, len(rows))
	for i, row := range rows {
		out[i] = among[row] && x.entity.VisibleAt(x.task.Options.Rule, row, at)
	}
	return out, nil
}

func (x *Executor) eligible(f *frame, row int32) bool {
	f.entity, f.skip = row, false
	return x.where == nil || x.where(f).isTrue() && !f.skip
}

// targetTimes lists the own times of the entity rows whose target is known.
func (x *Executor) targetTimes() []int64 {
	x.prepare(x.aggregates)
	f := x.newFrame()
	var out []int64
	for row, at := range x.entity.Times {
		if at == ingest.Never {
			continue
		}
		x.moveTo(f, at)
		if x.eligible(f, int32(row)) && !x.target(f).Null {
			out = append(out, at)
		}
	}
	return out
}

// Eligible is [Executor.Eligible] for a single use.
func Eligible(ctx context.Context, snap *ingest.Snapshot, task *Task, rows []int32, at int64) ([]bool, error) {
	x, err := NewExecutor(snap, task, 0)
	if err != nil {
		return nil, err
	}
	return x.Eligible(ctx, rows, at)
}
