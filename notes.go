package rowlink

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/rowlink/rowlink/tasks"
)

// fewGroups is the number of anchors below which a standard error over anchors says little:
// of three draws with replacement a ninth are one anchor thrice.
const fewGroups = 5

// note says in the report what a reader should know before believing its figures: errors
// over few anchors, a metric without value, and what moved between validation and test. It
// looks at test, and decides nothing.
func (f *Fitted) note() {
	r := f.Report
	r.Notes = append(r.Notes, f.anchorNotes()...)
	test := f.shown(tasks.Test)
	if test == nil || len(test.Truth) == 0 {
		return
	}
	if f.Task.Type == tasks.Binary && slices.Min(test.Truth) == slices.Max(test.Truth) {
		r.Notes = append(r.Notes, fmt.Sprintf("%s is not defined on test: all %d labels are %t", r.Metric, len(test.Truth), test.Truth[0] == 1))
	}
	if f.Task.Type == tasks.Multilabel {
		return
	}
	r.Known, r.New = test.cold(f, tasks.Test)
	r.Notes = append(r.Notes, f.driftNotes(test)...)
}

// shown is what the served predictor answered, after a refit where there was one.
func (f *Fitted) shown(split tasks.Split) *Outcome {
	if split == tasks.Test && f.refitted != nil {
		return f.refitted
	}
	return f.outcomes[f.Report.Served][split]
}

// anchorNotes names the splits whose standard errors rest on few anchors.
func (f *Fitted) anchorNotes() (notes []string) {
	if f.Task.Static() {
		return nil
	}
	for _, split := range []tasks.Split{tasks.Val, tasks.Test} {
		anchors := map[int64]bool{}
		rows := f.Labels.Rows(split)
		for _, i := range rows {
			anchors[f.Labels.Anchor[i]] = true
		}
		switch n := len(anchors); {
		case n == 1:
			notes = append(notes, fmt.Sprintf("the standard error on %s is over the %d examples of one anchor: how anchors differ is not in it", split, len(rows)))
		case n > 1 && n < fewGroups:
			notes = append(notes, fmt.Sprintf("the standard error on %s rests on %d anchors and is too small, by how much cannot be told", split, n))
		}
	}
	return notes
}

// cold scores the examples of entities with training labels and of those without apart.
func (o *Outcome) cold(f *Fitted, split tasks.Split) (known, unseen *Score) {
	seen := map[int32]bool{}
	for _, r := range f.Labels.Rows(tasks.Train) {
		seen[f.Labels.Entity[r]] = true
	}
	rows := f.Labels.Rows(split)
	n := f.Task.Frames()
	part := func(want bool) *Score {
		s := o.where(func(i int) bool { return seen[f.Labels.Entity[rows[i/n]]] == want }).score(f.Report.metric)
		s.Rows /= n
		return s
	}
	return part(true), part(false)
}

// driftNotes names labels and answers that lie elsewhere on test than on validation.
func (f *Fitted) driftNotes(test *Outcome) (notes []string) {
	val := f.outcomes[f.Report.Served][tasks.Val]
	for _, m := range []Moved{f.labelsMoved(val, test), f.answersMoved(test)} {
		if m.PSI >= driftLarge && min(m.Before, m.Now) >= driftFewRows/2 {
			notes = append(notes, fmt.Sprintf("%s moved far between validation and test (population stability index %.2f): what validation chose may not hold there", m.Name, m.PSI))
		}
	}
	return notes
}

func (f *Fitted) labelsMoved(val, test *Outcome) Moved {
	if tasks.Quantity(f.Task.Type) {
		return numbersMoved("labels", slices.Clone(val.Truth), slices.Clone(test.Truth), 0, 0)
	}
	count := func(truth []float64) map[string]int {
		out := map[string]int{}
		for _, v := range truth {
			out[fmt.Sprint(v)]++
		}
		return out
	}
	return valuesMoved("labels", count(val.Truth), count(test.Truth))
}

// answersMoved compares the answers of one predictor, as it was when validation chose.
func (f *Fitted) answersMoved(test *Outcome) Moved {
	val, now := f.outcomes[f.Report.Served][tasks.Val], f.outcomes[f.Report.Served][tasks.Test]
	if len(test.Predicted) != len(test.Truth) {
		return Moved{}
	}
	return numbersMoved("predictions", slices.Clone(val.Predicted), slices.Clone(now.Predicted), 0, 0)
}

// coldText prints how known and new entities do, where there are both.
func (r *Report) coldText() string {
	if cmp.Or(r.Known, r.New) == nil || r.Known.Rows == 0 || r.New.Rows == 0 {
		return ""
	}
	text := func(s *Score) string {
		if s.Value == nil {
			return "undefined"
		}
		return fmt.Sprintf("%.4f", *s.Value)
	}
	return fmt.Sprintf("test %s of entities with training labels %s (%d examples), of new ones %s (%d)\n", r.Metric, text(r.Known), r.Known.Rows, text(r.New), r.New.Rows)
}
