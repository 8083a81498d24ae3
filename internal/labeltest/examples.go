package labeltest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tasks"
)

// Example is one row of a label table. Text is the label as label tables print it.
type Example struct {
	Split  tasks.Split
	Anchor int64
	Entity int32
	Text   string
}

// Examples lists the examples of a task on its grid, or at the own times of its rows, in
// the order (anchor, entity). Rows without time, which a hash splits, are an error.
func (n Naive) Examples() ([]Example, error) {
	o := &n.Task.Options
	entity := n.Snap.Tables[n.Task.Entity]
	var out []Example
	var labels []any
	add := func(split tasks.Split, row int32, anchor int64) {
		if v := n.Label(split, row, anchor); v != nil {
			out, labels = append(out, Example{Split: split, Anchor: anchor, Entity: row}), append(labels, v)
		}
	}
	if n.Task.Static() {
		if entity.Times == nil {
			return nil, fmt.Errorf("rows of table %s have no time", entity.Def.Name)
		}
		for row, at := range entity.Times {
			if at == ingest.Never || at < o.DataFrom || at > o.DataUntil {
				continue
			}
			split := tasks.Test
			if at <= o.ValAnchor {
				split = tasks.Train
			} else if at <= o.TestAnchor {
				split = tasks.Val
			}
			add(split, int32(row), at)
		}
	} else {
		grid, err := n.Task.Grid()
		if err != nil {
			return nil, err
		}
		for s, anchors := range grid.Anchors {
			for _, a := range anchors {
				for row := range int32(entity.Rows) {
					add(tasks.Split(s), row, a)
				}
			}
		}
	}
	return n.named(out, labels), nil
}

// named prints the labels, without classes that training has not seen.
func (n Naive) named(found []Example, labels []any) []Example {
	seen := map[string]bool{}
	for i, v := range labels {
		if found[i].Split == tasks.Train {
			for _, class := range classes(v) {
				seen[class] = true
			}
		}
	}
	out := found[:0]
	for i, e := range found {
		switch v := labels[i].(type) {
		case []int32:
			var keys []string
			for _, row := range v {
				keys = append(keys, n.Snap.Tables[n.Task.Ranking.Items].KeyText(row))
			}
			e.Text = strings.Join(keys, "|")
		case []float64:
			var parts []string
			for _, y := range v {
				parts = append(parts, strconv.FormatFloat(y, 'g', -1, 64))
			}
			e.Text = strings.Join(parts, "|")
		default:
			if e.Text = n.class(v, seen); e.Text == "" && n.Task.Type != tasks.Multiclass {
				continue
			}
			if n.Task.Type == tasks.Multiclass && !seen[e.Text] {
				continue
			}
		}
		out = append(out, e)
	}
	slices.SortStableFunc(out, func(a, b Example) int {
		switch {
		case a.Anchor != b.Anchor && a.Anchor < b.Anchor:
			return -1
		case a.Anchor != b.Anchor:
			return 1
		}
		return int(a.Entity - b.Entity)
	})
	return out
}

// class prints a value, of a set those of its classes that training has seen.
func (n Naive) class(v any, seen map[string]bool) string {
	switch v := v.(type) {
	case bool:
		if n.Task.Type == tasks.Multiclass || n.Task.Type == tasks.Multilabel {
			return strconv.FormatBool(v)
		}
	case string:
		return v
	case []any:
		kept := slices.DeleteFunc(classes(v), func(class string) bool { return !seen[class] })
		return strings.Join(kept, "|")
	}
	return strconv.FormatFloat(Number(v), 'g', -1, 64)
}

// classes are the classes that a label names, in their order.
func classes(v any) []string {
	list, ok := v.([]any)
	if !ok {
		return []string{(Naive{Task: &tasks.Task{Type: tasks.Multiclass}}).class(v, nil)}
	}
	list = slices.SortedFunc(slices.Values(list), orderOf)
	var out []string
	for _, x := range list {
		out = append(out, classes(x)...)
	}
	return out
}

// Label is nil where the pair gives no example. It is []int32, ascending rows of the ranked
// table, in a ranking, and []float64, one for each timeframe, in a forecast.
func (n Naive) Label(split tasks.Split, entity int32, anchor int64) any {
	o := &n.Task.Options
	skip := false
	s := scope{anchor: anchor, entity: entity, asOf: anchor, strict: o.Rule.Strict, skip: &skip}
	switch {
	case n.Task.Static(): // at its own time a row is its own example, whatever the rule
		if !n.visible(n.Task.Entity, entity, anchor, false) {
			return nil
		}
	case o.IgnoreEntityTime:
		if !n.visible(n.Task.Entity, entity, o.TestAnchor, s.strict) {
			return nil
		}
	case !n.visible(n.Task.Entity, entity, anchor, s.strict):
		return nil
	}
	if cut := o.Cut(split, anchor); cut < anchor && !n.visible(n.Task.Entity, entity, cut, s.strict) {
		return nil
	}
	for _, condition := range []tasks.Expr{n.Task.Where, n.Task.Assuming} {
		if condition != nil && n.eval(condition, s) != true || skip {
			return nil
		}
	}
	v := n.eval(n.Task.Target, s)
	switch {
	case skip || v == nil:
		return nil
	case n.Task.Ranking != nil:
		return n.ranked(v.([]any), anchor)
	case n.Task.Forecast != nil:
		return n.series(s)
	}
	return v
}

// ranked lists the rows of the ranked table that a list of values names and that exist
// (rule R15); of rows with the same value the first counts.
func (n Naive) ranked(values []any, anchor int64) any {
	r := n.Task.Ranking
	at, strict := anchor, n.Task.Options.Rule.Strict
	if r.IncludingNew {
		at, strict = n.Task.Target.(*tasks.Aggregate).Window.End.AddTo(anchor, n.Task.Options.Zone), false
	}
	var rows []int32
	var met []any
	for row := range int32(n.Snap.Tables[r.Items].Rows) {
		v := n.cell(r.Items, r.Column, row)
		same := func(x any) bool { return orderOf(x, v) == 0 }
		if v == nil || slices.ContainsFunc(met, same) {
			continue
		}
		met = append(met, v)
		if slices.ContainsFunc(values, same) && n.visible(r.Items, row, at, strict) {
			rows = append(rows, row)
		}
	}
	if rows == nil {
		return nil
	}
	return rows
}

// series is the target in each timeframe, whose bounds come from the anchor itself (R16).
func (n Naive) series(s scope) []float64 {
	var out []float64
	first, length := n.Task.Target.(*tasks.Aggregate), n.Task.Forecast.Length
	for i := range n.Task.Forecast.Frames {
		frame := *first
		frame.Window.Start = first.Window.Start.Plus(length.Times(i))
		frame.Window.End = first.Window.End.Plus(length.Times(i))
		out = append(out, Number(n.eval(&frame, s)))
	}
	return out
}
