package tasks_test

import (
	"slices"
	"testing"

	"github.com/rowlink/rowlink/tasks"
)

// What stays is decided example by example: a larger number keeps what a smaller one does,
// and other examples move nothing.
func TestLabelTable_Thinned(t *testing.T) {
	l := &tasks.LabelTable{Task: &tasks.Task{}}
	for i := range 300 {
		l.Entity, l.Anchor = append(l.Entity, int32(i%50)), append(l.Anchor, int64(i/50))
		l.Split, l.Label = append(l.Split, tasks.Split(i/100)), append(l.Label, float64(i))
	}
	l.Report.Examples = [3]int{100, 100, 100}
	labels := func(l *tasks.LabelTable, s tasks.Split) (out []float64) {
		for _, i := range l.Rows(s) {
			out = append(out, l.Label[i])
		}
		return out
	}
	few, more := l.Thinned(tasks.Val, 10), l.Thinned(tasks.Val, 40)
	if len(few.Rows(tasks.Val)) != 10 || few.Report.Examples != [3]int{100, 10, 100} || len(few.Rows(tasks.Test)) != 100 || len(l.Rows(tasks.Val)) != 100 {
		t.Fatalf("%d examples, report %v", len(few.Rows(tasks.Val)), few.Report.Examples)
	}
	for _, y := range labels(few, tasks.Val) {
		if !slices.Contains(labels(more, tasks.Val), y) {
			t.Errorf("example %v is among 10 and not among 40", y)
		}
	}
	part := l.Thinned(tasks.Train, 0)
	for _, keep := range [][]float64{labels(more, tasks.Val)} {
		var less tasks.LabelTable = *part
		less.Entity, less.Anchor, less.Split, less.Label = nil, nil, nil, nil
		for i := range l.Entity {
			if l.Split[i] == tasks.Val && slices.Contains(keep, l.Label[i]) {
				less.Entity, less.Anchor, less.Split, less.Label = append(less.Entity, l.Entity[i]), append(less.Anchor, l.Anchor[i]), append(less.Split, l.Split[i]), append(less.Label, l.Label[i])
			}
		}
		if again := less.Thinned(tasks.Val, 10); !slices.Equal(labels(again, tasks.Val), labels(few, tasks.Val)) {
			t.Error("other examples change which ones stay")
		}
	}
}
