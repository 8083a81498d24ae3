package tasks

import (
	"context"
	"slices"
	"strings"

	"github.com/rowlink/rowlink/ingest"
)

// Part is the labels of some entities, where those of the others are computed elsewhere:
// classes are not numbered yet, because no part knows all of them. All slices have one
// slot per example, in the order (anchor, entity row).
type Part struct {
	Entity []int32
	Anchor []int64
	Split  []Split
	Label  []float64 // numbers; the number of ranked rows
	Text   []string  // class, classes of a set, keys of ranked rows, or labels of a series; nil for numbers
	Report LabelReport
}

// LabelPart is [Label] for the entities that keep names, over a snapshot that holds at
// least the rows that their labels read. The options of the task must be resolved already:
// a part of the data does not know when the data ends.
func LabelPart(ctx context.Context, snap *ingest.Snapshot, task *Task, threads int, keep func(row int32) bool) (*Part, error) {
	grid, err := task.Grid()
	if err != nil {
		return nil, err
	}
	x, err := NewExecutor(snap, task, threads)
	if err != nil {
		return nil, err
	}
	p := &Part{}
	rules := runRules{frozen: true, visible: x.visible, part: p, keep: keep}
	jobs := x.ownJobs()
	if !task.Static() {
		jobs = nil
		for _, s := range []Split{Train, Val, Test} {
			jobs = x.appendJobs(jobs, grid.Anchors[s], s)
		}
	}
	l, err := x.run(ctx, jobs, rules)
	if err != nil {
		return nil, err
	}
	p.Entity, p.Anchor, p.Split, p.Label, p.Report = l.Entity, l.Anchor, l.Split, l.Label, l.Report
	if x.items != nil || task.Forecast != nil {
		p.Text = make([]string, len(l.Label))
		for i := range p.Text {
			p.Text[i] = l.Text(i)
		}
	}
	return p, nil
}

// Numeric reports whether the labels of a task are numbers.
func (t *Task) Numeric() bool { return t.Type == Binary || t.Type == Regression }

// SeenClasses lists the classes that training saw in a part.
func (p *Part) SeenClasses(task *Task) []string {
	if task.Type != Multiclass && task.Type != Multilabel {
		return nil
	}
	var out []string
	for i, s := range p.Split {
		switch {
		case s != Train:
		case task.Type == Multilabel:
			out = append(out, strings.Split(p.Text[i], setJoin)...)
		default:
			out = append(out, p.Text[i])
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Classes puts the classes that training saw in all parts in order. The error, of type
// [Error], says that a task of sets has too many.
func Classes(task *Task, seen []string) ([]string, error) {
	slices.Sort(seen)
	out := slices.Compact(seen)
	sortClasses(out)
	if task.Type == Multilabel && len(out) > mostLabels {
		return nil, tooMany(task, len(out), mostLabels)
	}
	return out, nil
}

// LabelText prints a label of a part as [LabelTable.Text] does, once the classes are known;
// ok is false for an example that the label table leaves out, because training never saw
// its class.
func LabelText(task *Task, text string, classes []string) (shown string, ok bool) {
	switch task.Type {
	case Multiclass:
		return text, slices.Contains(classes, text)
	case Multilabel:
		mask := Mask(strings.Split(text, setJoin), classes)
		return strings.Join(LabelSet(mask, classes), "|"), mask != 0
	}
	return text, true
}
