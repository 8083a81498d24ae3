package rowlink_test

import (
	"math"
	"testing"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/internal/shop"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/workspace"
)

// The pictures of a version say what its report says: the area under the ROC curve is its
// metric, the confusion its accuracy, bins and anchors hold every example.
func TestDiagnostics(t *testing.T) {
	d := open(t, rowlink.Options{URL: "sqlite:" + smallShop(t), Workspace: t.TempDir()})
	for _, text := range []string{shop.Churn, shop.Spend} {
		f, err := d.Fit(t.Context(), text, rowlink.FitOptions{Train: quick()})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Save(d.Workspace); err != nil {
			t.Fatal(err)
		}
		m, err := d.Workspace.Model(f.Task.Name, workspace.Latest)
		if err != nil {
			t.Fatal(err)
		}
		got, err := rowlink.ReadDiagnostics(m)
		if err != nil || got == nil || got.Val == nil || got.Test == nil {
			t.Fatalf("%+v, %v", got, err)
		}
		rows := 0
		for i, a := range got.Anchors {
			if rows += a.Rows; i > 0 && a.Anchor <= got.Anchors[i-1].Anchor {
				t.Error("anchors are not in order")
			}
		}
		if rows != len(f.Labels.Anchor) {
			t.Errorf("%d labels at anchors, %d in the table", rows, len(f.Labels.Anchor))
		}
		served := scoresOfRow(f.Report)
		s := got.Test
		total := map[string]int{}
		for _, b := range s.Bins {
			total["bins"] += b.Rows
		}
		for _, a := range s.ByAnchor {
			total["anchors"] += a.Rows
		}
		total["known and new"] = s.Known.Rows + s.New.Rows
		for what, n := range total {
			if n != s.Examples || n != f.Labels.Report.Examples[2] {
				t.Errorf("%s: %s hold %d of %d examples", f.Task.Name, what, n, f.Labels.Report.Examples[2])
			}
		}
		if f.Task.Type == tasks.Regression {
			if len(s.Residuals) != 5 || s.Residuals[0] > s.Residuals[4] || s.ROC != nil {
				t.Errorf("%+v", s)
			}
			continue
		}
		area := 0.0
		for i := 1; i < len(s.ROC); i++ {
			area += (s.ROC[i][0] - s.ROC[i-1][0]) * (s.ROC[i][1] + s.ROC[i-1][1]) / 2
		}
		if math.Abs(area-served["roc_auc"]) > 0.01 {
			t.Errorf("the curve has an area of %v, the report says %v", area, served["roc_auc"])
		}
		right := s.Confusion[0][0] + s.Confusion[1][1]
		if all := right + s.Confusion[0][1] + s.Confusion[1][0]; all != s.Examples {
			t.Errorf("confusion %v of %d examples", s.Confusion, s.Examples)
		}
	}
}

func scoresOfRow(r *rowlink.Report) rowlink.Scores {
	for _, row := range r.Rows {
		if row.Name == r.Served {
			return row.Test
		}
	}
	return nil
}
