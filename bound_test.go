package rowlink_test

import (
	"strings"
	"testing"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/internal/shop"
	"github.com/rowlink/rowlink/tasks"
)

// Of very many examples of validation and test some are drawn; the report says so, and names
// the whole label table.
func TestFit_evalExamples(t *testing.T) {
	d := open(t, rowlink.Options{URL: "sqlite:" + smallShop(t)})
	all := labelled(t, d).Labels
	f, err := d.Fit(t.Context(), shop.Churn, rowlink.FitOptions{Train: quick(), EvalExamples: 40})
	if err != nil {
		t.Fatal(err)
	}
	r := f.Report
	if r.Examples[tasks.Train] != all.Report.Examples[tasks.Train] || r.Examples[tasks.Val] != 40 || r.Examples[tasks.Test] != 40 {
		t.Errorf("%v examples of %v, want all of training and 40 of the others", r.Examples, all.Report.Examples)
	}
	if r.LabelHash != all.Hash() {
		t.Error("the report names another label table")
	}
	if notes := strings.Join(r.Notes, "\n"); !strings.Contains(notes, "val is judged by 40 of ") || !strings.Contains(notes, "test is judged by 40 of ") {
		t.Errorf("notes %q, want what was drawn", notes)
	}
	if f.Labels.Thinned(tasks.Val, 30).Report.Examples[tasks.Val] != 30 || f.Labels.Thinned(tasks.Val, 40) != f.Labels {
		t.Error("a table is thinned to another number")
	}
}
