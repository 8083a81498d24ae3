package tasks

import (
	"context"
	"hash/fnv"
	"math"

	"github.com/rowlink/rowlink/ingest"
)

// Label computes the label table of a task on the grid of rule R11; a static target
// gives each entity row one example at its own time (R13). Open options of the task are
// resolved in place first. The result is the same at any number of threads; 0 means
// all cores. Errors of the task are of type [Error].
func Label(ctx context.Context, snap *ingest.Snapshot, task *Task, threads int) (*LabelTable, error) {
	if err := Resolve(task, snap); err != nil {
		return nil, err
	}
	grid, err := task.Grid()
	if err != nil {
		return nil, err
	}
	x, err := NewExecutor(snap, task, threads)
	if err != nil {
		return nil, err
	}
	rules := runRules{frozen: true, visible: x.visible, trains: func(l *LabelTable, i int) bool { return l.Split[i] == Train }}
	jobs := x.ownJobs()
	if !task.Static() {
		jobs = nil
		for _, s := range []Split{Train, Val, Test} {
			jobs = x.appendJobs(jobs, grid.Anchors[s], s)
		}
	}
	var l *LabelTable
	if task.Raw != nil {
		l, err = x.given(ctx, grid.Anchors, rules, false)
	} else {
		l, err = x.run(ctx, jobs, rules)
	}
	if err != nil {
		return nil, err
	}
	l.report(x, grid)
	return l, nil
}

// LabelAt computes the labels of all entities at the given ascending anchors, whatever
// the splits: every example is marked as Test. Anchors whose window is not complete by
// the end of the data are left out and counted (R10).
func LabelAt(ctx context.Context, snap *ingest.Snapshot, task *Task, anchors []int64) (*LabelTable, error) {
	return labelAt(ctx, snap, task, anchors, func(x *Executor, anchors []int64) []job { return x.appendJobs(nil, anchors, Test) })
}

// LabelRow is [LabelAt] for one entity. It is not for tasks in SQL, whose bodies label everybody.
func LabelRow(ctx context.Context, snap *ingest.Snapshot, task *Task, row int32, anchors []int64) (*LabelTable, error) {
	return labelAt(ctx, snap, task, anchors, func(_ *Executor, anchors []int64) (jobs []job) {
		for _, a := range anchors {
			jobs = append(jobs, job{anchor: a, split: Test, lo: int(row), hi: int(row) + 1})
		}
		return jobs
	})
}

func labelAt(ctx context.Context, snap *ingest.Snapshot, task *Task, anchors []int64, jobs func(x *Executor, anchors []int64) []job) (*LabelTable, error) {
	if err := Resolve(task, snap); err != nil {
		return nil, err
	}
	x, err := NewExecutor(snap, task, 0)
	if err != nil {
		return nil, err
	}
	grid := &Grid{}
	for _, a := range anchors {
		if grid.fits(task, a, math.MaxInt64) {
			grid.Anchors[Test] = append(grid.Anchors[Test], a)
		}
	}
	rules := runRules{visible: x.visible, trains: func(*LabelTable, int) bool { return true }}
	var l *LabelTable
	if task.Raw != nil {
		l, err = x.given(ctx, grid.Anchors, rules, true)
	} else {
		l, err = x.run(ctx, jobs(x, grid.Anchors[Test]), rules)
	}
	if err != nil {
		return nil, err
	}
	l.report(x, grid)
	return l, nil
}

// appendJobs cuts the entities of each anchor into blocks of a fixed size.
func (x *Executor) appendJobs(jobs []job, anchors []int64, s Split) []job {
	for _, a := range anchors {
		for lo := 0; lo < x.entity.Rows; lo += entityBlock {
			jobs = append(jobs, job{anchor: a, split: s, lo: lo, hi: min(x.entity.Rows, lo+entityBlock)})
		}
	}
	return jobs
}

func (x *Executor) ownJobs() []job {
	var jobs []job
	for lo := 0; lo < x.entity.Rows; lo += entityBlock {
		jobs = append(jobs, job{own: true, lo: lo, hi: min(x.entity.Rows, lo+entityBlock)})
	}
	return jobs
}

// visible is rule R3: the entity row is visible at the anchor, or with entity_time =
// ignore at test_anchor.
func (x *Executor) visible(row int32, anchor int64) bool {
	o := &x.task.Options
	switch {
	case x.task.Static(): // the row is its own example, also under past = strict
		return x.entity.VisibleAt(ingest.TimeRule{}, row, anchor)
	case o.IgnoreEntityTime:
		anchor = o.TestAnchor
	}
	return x.entity.VisibleAt(o.Rule, row, anchor)
}

// ownAnchor is the time of an entity row, or the end of the data where rows have none.
func (x *Executor) ownAnchor(row int32) int64 {
	if x.entity.Times == nil {
		return x.task.Options.DataUntil
	}
	return x.entity.Times[row]
}

// ownSplit places a static example by its time; without times at random by its key, 80 %
// train, 10 % validation, 10 % test (rule R13).
func (x *Executor) ownSplit(row int32, anchor int64) Split {
	o := &x.task.Options
	if x.entity.Times != nil {
		switch {
		case anchor <= o.ValAnchor:
			return Train
		case anchor <= o.TestAnchor:
			return Val
		}
		return Test
	}
	h := fnv.New64a()
	h.Write([]byte(keyText(x.entity, row)))
	switch u := mix(h.Sum64()^mix(o.Seed)) % 10; {
	case u < 8:
		return Train
	case u < 9:
		return Val
	}
	return Test
}

// mix spreads a number over all 64 bits (the finaliser of SplitMix64, Steele et al., 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
