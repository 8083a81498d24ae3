package tasks

import (
	"context"
	"slices"

	"github.com/rowlink/rowlink/ingest"
)

// History computes the label rows that serve as target history: all anchors val_anchor +
// k*step for whole k, from data_from to the last one whose window is complete by until
// and by the latest row that the target reads. A row of it is known from
// Options.Closed(anchor) on and not before (rule R12). Classes are those of training. A
// static target gives the label of every row by its own time; rows without time give none.
// The history of a forecast is that of its first timeframe, see [Task.FirstFrame].
func History(ctx context.Context, snap *ingest.Snapshot, task *Task, until int64) (*LabelTable, error) {
	if err := Resolve(task, snap); err != nil {
		return nil, err
	}
	grid, err := task.Grid()
	if err != nil {
		return nil, err
	}
	task = task.FirstFrame(snap.Tables[task.Entity].Rows)
	x, err := NewExecutor(snap, task, 0)
	if err != nil {
		return nil, err
	}
	o := &task.Options
	rules := runRules{visible: x.visible}
	if o.IgnoreEntityTime {
		rules.visible = func(row int32, anchor int64) bool {
			return x.entity.VisibleAt(o.Rule, row, max(anchor, o.TestAnchor))
		}
	}
	rules.trains = func(l *LabelTable, i int) bool {
		return l.Anchor[i] >= grid.Anchors[Train][0] && o.Closed(l.Anchor[i], task.Horizon) <= o.ValAnchor
	}
	if task.Static() {
		return x.ownHistory(ctx, until)
	}
	_, latest := timeSpan(snap, task.timedTables(snap))
	lattice := task.lattice(min(until, latest))
	var jobs []job
	var splits [3][]int64
	for _, a := range lattice {
		split := Test
		if a < o.ValAnchor {
			split = Train
		} else if a < o.TestAnchor {
			split = Val
		}
		jobs = x.appendJobs(jobs, []int64{a}, split)
		splits[split] = append(splits[split], a)
	}
	var l *LabelTable
	if task.Raw != nil {
		l, err = x.given(ctx, splits, rules, true)
	} else {
		l, err = x.run(ctx, jobs, rules)
	}
	if err != nil {
		return nil, err
	}
	l.count()
	return l, nil
}

// lattice lists val_anchor + k*step from data_from to the last anchor closed by until,
// ascending. Every anchor is computed from val_anchor, never chained.
func (t *Task) lattice(until int64) []int64 {
	o := &t.Options
	var anchors []int64
	for k := -1; ; k-- {
		a := o.Add(o.ValAnchor, o.Step.Times(k))
		if a < o.DataFrom {
			break
		}
		if o.Closed(a, t.Horizon) <= until {
			anchors = append(anchors, a)
		}
	}
	slices.Reverse(anchors)
	for k := 0; ; k++ {
		a := o.Add(o.ValAnchor, o.Step.Times(k))
		if o.Closed(a, t.Horizon) > until {
			return anchors
		}
		anchors = append(anchors, a)
	}
}
