package rowlink_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/tasks"
)

// ask answers a question for the rows that it names, to the bit and without row numbers.
func ask(t *testing.T, d *rowlink.Database, text string) (*rowlink.Instant, []string) {
	t.Helper()
	i, err := d.Instant(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	rows := everybody(t, i, i.Anchor)
	got, err := i.Predict(t.Context(), rows, i.Anchor, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for k, p := range got {
		v := p.Probability
		if number, ok := p.Value.(float64); ok {
			v = &number
		}
		out = append(out, fmt.Sprintf("%s %x %t", i.Snap.Tables[i.Task.Entity].KeyText(rows[k]), math.Float64bits(*v), p.Eligible))
	}
	slices.Sort(out)
	return i, out
}

// A question about an earlier moment is answered as it would have been then: what happens
// later changes neither what is learned nor what is answered, by a bit.
func TestInstant_leak(t *testing.T) {
	before, after := twoFutures(t, midway)
	for _, target := range []string{"COUNT(orders.*, 0, 30, days) = 0", "COUNT(orders.*, 0, 30, days)"} {
		text := fmt.Sprintf("PREDICT %s FOR EACH customers AT '%s'", target, midway.Format("2006-01-02 15:04:05"))
		was, want := ask(t, before, text)
		is, got := ask(t, after, text)
		if len(want) < 50 || !slices.Equal(want, got) {
			t.Errorf("%s: rows after the anchor change %d answers:\n%s", target, len(want), firstDifference(want, got))
		}
		if was.Anchor != midway.UnixMicro() || was.Report.Served == "constant" {
			t.Errorf("%s: asked at %d by %s, want %d and a predictor that reads rows", target, was.Anchor, was.Report.Served, midway.UnixMicro())
		}
		for i, row := range was.Report.Rows {
			if m := was.Report.Metric; row.Val[m] != is.Report.Rows[i].Val[m] {
				t.Errorf("%s: the validation score of %s depends on the future", target, row.Name)
			}
		}
		_, late := ask(t, before, fmt.Sprintf("PREDICT %s FOR EACH customers", target))
		if _, other := ask(t, after, fmt.Sprintf("PREDICT %s FOR EACH customers", target)); slices.Equal(late, other) {
			t.Errorf("%s: the other future changes nothing at its end, where it may", target)
		}
	}
}

// Every window that has closed is learned from, the latest as validation; the keys that a
// text names are kept; one thread and several give equal bits.
func TestInstant(t *testing.T) {
	path := smallShop(t)
	text := "PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR customers IN (10002, 10003)"
	i, one := ask(t, open(t, rowlink.Options{URL: "sqlite:" + path, Threads: 1}), text)
	_, many := ask(t, open(t, rowlink.Options{URL: "sqlite:" + path, Threads: 4}), text)
	if !slices.Equal(one, many) {
		t.Errorf("threads change the answers:\n%s", firstDifference(one, many))
	}
	if len(i.Keys) != 2 || i.Keys[1][0] != "10003" {
		t.Errorf("keys are %q, want those of the text", i.Keys)
	}
	o := i.Labels.Task.Options
	last := int64(0)
	for _, r := range i.Labels.Rows(tasks.Val) {
		last = max(last, i.Labels.Anchor[r])
	}
	if closed := o.Closed(last, i.Task.Horizon); closed > o.DataUntil || o.Closed(o.Add(last, o.Step), i.Task.Horizon) <= o.DataUntil {
		t.Errorf("the last window closes at %d, the data end at %d", closed, o.DataUntil)
	}
	if n := len(i.Labels.Rows(tasks.Test)); n != 0 {
		t.Errorf("%d test examples, want none: everything is learned from", n)
	}
	var auc, constant float64
	for _, row := range i.Report.Rows {
		if row.Name == i.Report.Served {
			auc = row.Val["roc_auc"]
		}
		if row.Name == "constant" {
			constant = row.Val["roc_auc"]
		}
	}
	if auc < constant+0.1 {
		t.Errorf("what answers has an AUROC of %.3f on validation, the constant %.3f", auc, constant)
	}
}
