package tasks

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// hospital has rows without time, a dangling reference, and a row after data_until.
func hospital(t *testing.T) (*world, *Task) {
	w := newWorld(
		tableSpec{"patients", "*id int, group text"},
		tableSpec{"stays", "*id int, patient int >patients, @at time, ward text"},
	)
	for i := range 3 {
		w.add("patients", fmt.Sprint(i), "")
	}
	for i := range 40 {
		w.add("stays", fmt.Sprint(i), fmt.Sprint(i%3), fmt.Sprintf("2023-%02d-%02d", 1+i/20, 1+i%20), fmt.Sprint("w", i%2))
	}
	w.add("stays", "100", "1", "", "w0")           // without time
	w.add("stays", "101", "77", "2023-01-05", "")  // dangling
	w.add("stays", "102", "1", "2023-07-01", "w1") // late
	w.build(t)
	task := w.task("patients")
	task.Type, task.Horizon = Regression, days(5)
	task.Target = w.agg("count", "stays", nil, window(Span{}, days(5)), w.up("stays", "patient"))
	task.Options.DataUntil = instant(t, "2023-02-20")
	return w, task
}

// The report tells which rows count nowhere.
func TestLabel_reportsRows(t *testing.T) {
	w, task := hospital(t)
	l, err := Label(t.Context(), w.snap, task, 1)
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(l.Report.Warnings, "\n")
	for _, want := range []string{
		"TK208: 1 rows without time count nowhere",
		"TK209: 1 reference is NULL or dangling on the paths of the task",
		"TK219: 1 rows of the aggregated tables are later than data_until: no label reads them",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is missing in\n%s", want, all)
		}
	}
}

// A static target that no row has, and more classes than a model takes, are refused.
func TestLabel_refusesTargets(t *testing.T) {
	w, _ := hospital(t)
	static := w.task("stays")
	static.Type, static.Target = Multiclass, w.col("stays", "ward")
	static.Where = call("=", w.col("stays", "ward"), litText("no such ward"))
	var e *Error
	if _, err := Label(t.Context(), w.snap, static, 1); !errors.As(err, &e) || e.Code != "TK165" {
		t.Errorf("nobody has a known target: %v, want TK165", err)
	}
	many := &LabelTable{Task: static, Entity: []int32{0, 1}, Anchor: []int64{1, 2}, Split: []Split{Train, Train}, Label: []float64{0, 1}}
	for i := range maxClasses + 1 {
		many.Classes = append(many.Classes, fmt.Sprint(i))
	}
	if _, err := FitScaling(many); !errors.As(err, &e) || e.Code != "TK177" {
		t.Errorf("%d classes: %v, want TK177", len(many.Classes), err)
	}
}
