package tasks

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// job is one block of (entity, anchor) pairs: entities lo to hi at one anchor, or each
// at its own time.
type job struct {
	anchor int64
	split  Split
	own    bool
	lo, hi int
}

// runRules are the differences between label tables, history and single anchors.
type runRules struct {
	frozen  bool                                  // drop entities not visible at the frozen cut
	visible func(row int32, anchor int64) bool    // rule R3
	trains  func(l *LabelTable, example int) bool // examples whose classes count as seen
	keep    func(row int32) bool                  // nil = every entity
	part    *Part                                 // takes the classes as they are; nil = they are numbered
}

// chunk is what one job gives.
type chunk struct {
	entity []int32
	anchor []int64
	split  []Split
	label  []float64
	series []float64 // of a forecast: all timeframes of each example
	class  []string
	item   []int32 // of all examples; each has label of them
	counts LabelReport
	err    error
}

// run labels all jobs and gathers the chunks in their order.
func (x *Executor) run(ctx context.Context, jobs []job, rules runRules) (*LabelTable, error) {
	x.prepare(x.aggregates)
	chunks := make([]chunk, len(jobs))
	frames := make([]*frame, x.threads)
	inBlocks(len(jobs), 1, x.threads, func(worker, i, _ int) {
		if chunks[i].err = ctx.Err(); chunks[i].err != nil {
			return
		}
		if frames[worker] == nil {
			frames[worker] = x.newFrame()
		}
		chunks[i].fill(x, frames[worker], jobs[i], rules)
	})
	l := &LabelTable{Task: x.task, entity: x.entity}
	if x.items != nil {
		l.items = x.items.table
	}
	l.Report.Entities, l.Report.EntityRows = x.entity.Def.Name, x.entity.Rows
	var class []string
	for i := range chunks {
		c := &chunks[i]
		if c.err != nil {
			return nil, fmt.Errorf("label task %s: %w", x.task.Name, c.err)
		}
		l.Entity, l.Anchor = append(l.Entity, c.entity...), append(l.Anchor, c.anchor...)
		l.Split, l.Label = append(l.Split, c.split...), append(l.Label, c.label...)
		class = append(class, c.class...)
		l.Series = append(l.Series, c.series...)
		l.Item = append(l.Item, c.item...)
		l.Report.add(&c.counts)
	}
	if len(jobs) > 0 && jobs[0].own {
		l.sort(class)
	}
	switch {
	case rules.part != nil:
		if x.task.Type == Multiclass || x.task.Type == Multilabel {
			rules.part.Text = class
		}
	case x.task.Type == Multiclass:
		l.setClasses(class, rules.trains)
	case x.task.Type == Multilabel:
		if err := l.setLabels(class, rules.trains); err != nil {
			return nil, err
		}
	}
	if x.items != nil {
		l.ItemStart = make([]int32, len(l.Label)+1)
		for i, n := range l.Label {
			l.ItemStart[i+1] = l.ItemStart[i] + int32(n)
		}
	}
	return l, nil
}

func (c *chunk) fill(x *Executor, f *frame, j job, rules runRules) {
	if !j.own {
		x.moveTo(f, j.anchor)
	}
	for e := j.lo; e < j.hi; e++ {
		row, anchor, split := int32(e), j.anchor, j.split
		if rules.keep != nil && !rules.keep(row) {
			continue
		}
		if j.own {
			if anchor = x.ownAnchor(row); anchor > x.task.Options.DataUntil || anchor < x.task.Options.DataFrom {
				continue
			}
			split = x.ownSplit(row, anchor)
			x.moveTo(f, anchor)
		}
		c.counts.Pairs++
		v, ok := c.label1(x, f, row, anchor, split, rules)
		if !ok {
			continue
		}
		y, err := x.labelOf(v)
		if err != nil {
			c.err = err
			return
		}
		if x.items != nil {
			before := len(c.item)
			c.item = x.items.rows(c.item, *v.List, &x.task.Options, anchor, x.task.Options.Closed(anchor, x.task.closes()))
			if y = float64(len(c.item) - before); y == 0 { // none of them is an item of then
				c.counts.NullLabel++
				continue
			}
		}
		if x.series != nil {
			c.series = x.ahead(append(c.series, y), f)
		}
		c.entity, c.anchor = append(c.entity, row), append(c.anchor, anchor)
		c.split, c.label = append(c.split, split), append(c.label, y)
		switch x.task.Type {
		case Multiclass:
			c.class = append(c.class, strings.Clone(v.String()))
		case Multilabel:
			c.class = append(c.class, setOf(*v.List))
		}
	}
}

// label1 computes one label; ok is false when the pair gives no example, counted by reason.
func (c *chunk) label1(x *Executor, f *frame, row int32, anchor int64, split Split, rules runRules) (v Value, ok bool) {
	n := &c.counts
	o := &x.task.Options
	if !rules.visible(row, anchor) {
		n.NotVisible++
		return null, false
	}
	if cut := o.Cut(split, anchor); rules.frozen && cut < anchor && !x.entity.VisibleAt(o.Rule, row, cut) {
		n.FrozenOut++
		return null, false
	}
	if !x.eligible(f, row) {
		n.WhereFalse++
		return null, false
	}
	f.skip = false
	if x.assuming != nil && !x.assuming(f).isTrue() {
		n.Unassumed++
		return null, false
	}
	f.filled, f.empty = 0, 0
	v = x.target(f)
	onlyEmpty := f.empty > 0 && f.filled == 0
	switch {
	case f.skip:
		n.Skipped++
		return null, false
	case v.Null:
		n.NullLabel++
		if onlyEmpty {
			n.EmptyNull++
		}
		return null, false
	case onlyEmpty:
		n.EmptyLabel++
	}
	return v, true
}

// labelOf is the label as a number; classes are numbered later.
func (x *Executor) labelOf(v Value) (float64, error) {
	switch {
	case x.task.Type == Multiclass && v.Kind != KindList, (x.items != nil || x.task.Type == Multilabel) && v.Kind == KindList:
		return 0, nil
	case !v.numeric():
		return 0, fmt.Errorf("the target of a %s task is %q, want a number or a condition", x.task.Type, v.String())
	case x.task.Type == Binary && v.Num != 0 && v.Num != 1:
		return 0, fmt.Errorf("the target of a binary task is %s, want a condition, 0 or 1", v)
	}
	return v.Num, nil
}

// sort puts examples with anchors of their own into the order (anchor, entity).
func (l *LabelTable) sort(class []string) {
	order := make([]int, len(l.Entity))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if l.Anchor[a] < l.Anchor[b] {
			return -1
		}
		if l.Anchor[a] > l.Anchor[b] {
			return 1
		}
		return int(l.Entity[a]) - int(l.Entity[b])
	})
	l.Entity, l.Anchor = permuted(l.Entity, order), permuted(l.Anchor, order)
	l.Split, l.Label = permuted(l.Split, order), permuted(l.Label, order)
	if class != nil {
		copy(class, permuted(class, order))
	}
}

func permuted[T any](values []T, order []int) []T {
	out := make([]T, len(order))
	for to, from := range order {
		out[to] = values[from]
	}
	return out
}

// add sums the counts of a part of the pairs.
func (r *LabelReport) add(o *LabelReport) {
	r.Pairs += o.Pairs
	r.NotVisible += o.NotVisible
	r.FrozenOut += o.FrozenOut
	r.WhereFalse += o.WhereFalse
	r.Unassumed += o.Unassumed
	r.Skipped += o.Skipped
	r.NullLabel += o.NullLabel
	r.EmptyNull += o.EmptyNull
	r.EmptyLabel += o.EmptyLabel
}
