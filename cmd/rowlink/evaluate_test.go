package main

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/rowlink/rowlink/tasks"
)

// decode reads what a command printed with --json.
func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return v
}

// TestEvaluate_equalsTrain holds the scores that evaluate recomputes to those that train
// printed, bit for bit, for each task type and both regimes.
func TestEvaluate_equalsTrain(t *testing.T) {
	inShop(t)
	for _, c := range []struct{ task, flags string }{
		{"churn", "--model gnn"},
		{"spend", "--model gnn --regime frozen"},
		{"channel", "--model 'decayed entity mean'"},
	} {
		text := rowlinkOK(t, "train "+c.task+".sql --db sqlite:shop.db -q --json --epochs 1 --fan-out 4,2 --width 8 "+c.flags)
		report := decode[trainOutput](t, text)
		got := decode[evaluationDocument](t, rowlinkOK(t, "evaluate "+c.task+" -q --json"))
		if !got.AsTrained || got.Served != report.Served || len(got.Parts) != 2 {
			t.Fatalf("%s: labels as trained %t, served %q, %d parts; want true, %q, 2", c.task, got.AsTrained, got.Served, len(got.Parts), report.Served)
		}
		if report.Metrics == nil || len(report.Baselines) < 3 {
			t.Errorf("%s: train --json has metrics %v and %d baselines", c.task, report.Metrics, len(report.Baselines))
		}
		for i, split := range []string{"val", "test"} {
			part := got.Parts[i]
			if part.Split != split || part.Regime != report.Regime || part.Examples != report.Examples[i+1] || part.Anchors != 3 {
				t.Errorf("%s: part %s of %d examples at %d anchors, regime %s; train had %v, %s", c.task, part.Split, part.Examples, part.Anchors, part.Regime, report.Examples, report.Regime)
			}
			if len(part.Scores) < 3 || !part.Scores[0].Served {
				t.Fatalf("%s: %d predictors, want the served one and the baselines beside it", c.task, len(part.Scores))
			}
			for _, s := range part.Scores {
				for _, row := range report.Rows {
					want := row.Val
					if split == "test" {
						want = row.Test
					}
					if row.Name != s.Name {
						continue
					}
					for _, m := range tasks.MetricNames(report.Type) {
						if a, b := s.Metrics[m], want[m]; a != b && !(math.IsNaN(a) && math.IsNaN(b)) {
							t.Errorf("%s, %s, %s of %s: evaluate %v, train %v", c.task, split, m, s.Name, a, b)
						}
					}
				}
				if se := s.Errors[report.Metric]; s.Name != "constant" && !(se > 0) {
					t.Errorf("%s, %s: standard error of %s is %v", c.task, split, s.Name, se)
				}
			}
		}
	}
}

// TestEvaluate_otherClasses evaluates on data with a class that the training never saw:
// its labels are left out and counted.
func TestEvaluate_otherClasses(t *testing.T) {
	inShop(t)
	rowlinkOK(t, "train channel.sql --db sqlite:shop.db -q --epochs 1 --fan-out 4 --width 8 --model constant")
	before := decode[evaluationDocument](t, rowlinkOK(t, "evaluate channel -q --json --split test")).Parts[0]
	tool(t, []string{"sqlite", "shop.db", "UPDATE orders SET channel = 'drone' WHERE channel = 'phone'"}, "")
	rowlinkOK(t, "ingest --db sqlite:shop.db -q")
	after := decode[evaluationDocument](t, rowlinkOK(t, "evaluate channel -q --json --at 2024-10-03 --at 2024-11-02 --at 2024-12-02")).Parts[0]
	if after.UnseenClass == 0 || after.Examples+after.UnseenClass != before.Examples {
		t.Errorf("%d examples and %d of an unseen class, want %d in all", after.Examples, after.UnseenClass, before.Examples)
	}
	if after.Split != "at" || after.Anchors != 3 {
		t.Errorf("part %q of %d anchors", after.Split, after.Anchors)
	}
}
