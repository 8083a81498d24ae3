package quality

import (
	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/tasks"
)

// asReport shows a comparison of link prediction as one of other tasks, so that a page has
// both. Its figures stand for one fit: no seed has a part in it.
func asReport(r *rowlink.RankingReport) *rowlink.Report {
	out := &rowlink.Report{Task: r.Task, Type: r.Type, Reading: r.Reading, Regime: r.Regime, ValRegime: r.ValRegime, Snapshot: r.Snapshot,
		LabelHash: r.LabelHash, Examples: r.Examples, Metric: r.Metric, Served: r.Served, Seconds: r.Seconds}
	for _, row := range r.Rows {
		out.Rows = append(out.Rows, rowlink.Row{Name: row.Name, Val: row.Val, Test: row.Test, Errors: rowlink.Scores{tasks.Test.String(): row.Error}})
	}
	return out
}

// ranks reports whether a report is one of link prediction, whose predictors are others.
func ranks(r *rowlink.Report) bool { return r.Type == tasks.LinkPrediction }

// rankings shows the predictors of each link prediction task, one to a line.
func (p *page) rankings() {
	for i, c := range Cases() {
		r := p.results[i]
		if r == nil || !ranks(r.Report) {
			continue
		}
		p.print("\n## %s\n\nRules and trees that rank, %s; the mean over validation blocks of the past chooses (docs/recommendation.md). The error treats entities as independent.\n\n| predictor | val | test |\n|---|--:|--:|\n",
			c.Name(), r.Report.Metric)
		for _, row := range r.Report.Rows {
			mark := ""
			if row.Name == r.Report.Served {
				mark = "**"
			}
			p.print("| %s%s%s | %s | %s |\n", mark, row.Name, mark, figure(row.Val[r.Report.Metric]), value(&row, r.Report.Metric))
		}
	}
}
