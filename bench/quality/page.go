package quality

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/tasks"
)

// order is that of the columns; predictors that it does not know follow it.
var order = []string{"constant", "entity mean", "decayed entity mean", "linear on as-of features", "boosted trees on as-of features", rowlink.Scan, rowlink.GNN, rowlink.Blend}

// Page writes what was measured as Markdown: one line per case, one column per predictor.
func Page(w io.Writer, m *Measured) error {
	p := &page{results: m.Results, names: predictors(m.Results)}
	p.print("# Quality\n\nWritten by `rowlink bench quality` from what it measured; do not edit. Test metrics with standard errors (bootstrap over the\n" +
		"anchors of the test split). Everything, also what is served, was chosen on validation. *gnn* is the ensemble of the networks\nwhose mean (standard deviation) stands beside it. *Refit* is what is served, fitted anew on training and validation examples with all\nthat was chosen as it is.\n\n")
	p.table()
	p.rankings()
	p.goals()
	p.beside(m.Peers)
	p.against()
	p.where()
	_, err := io.WriteString(w, p.b.String())
	return err
}

type page struct {
	results []*Result
	names   []string
	b       strings.Builder
}

func (p *page) print(format string, args ...any) { fmt.Fprintf(&p.b, format, args...) }

// predictors lists the names of all rows, known ones first.
func predictors(results []*Result) []string {
	out := slices.Clone(order)
	seen := map[string]bool{}
	for _, r := range results {
		if r == nil || ranks(r.Report) {
			continue
		}
		for _, row := range r.Report.Rows {
			seen[row.Name] = true
			if !slices.Contains(out, row.Name) {
				out = append(out, row.Name)
			}
		}
	}
	return slices.DeleteFunc(out, func(n string) bool { return !seen[n] })
}

func (p *page) table() {
	p.print("| task, regime | metric | %s | networks | served | served, refit | s |\n|---|---|%s--:|---|--:|--:|\n", strings.Join(p.names, " | "), strings.Repeat("--:|", len(p.names)))
	for i, c := range Cases() {
		r := p.results[i]
		if r == nil {
			p.print("| %s | not measured |%s\n", c.Name(), strings.Repeat(" |", len(p.names)+4))
			continue
		}
		if ranks(r.Report) {
			continue
		}
		p.print("| %s | %s |", c.Name(), r.Report.Metric)
		for _, n := range p.names {
			text := "-"
			if row := find(r.Report, n); row != nil {
				text = value(row, r.Report.Metric)
			}
			if n == r.Report.Served {
				text = "**" + text + "**"
			}
			p.print(" %s |", text)
		}
		p.print(" %s | %s | %s | %.0f |\n", cmp.Or(r.Networks, spread(r.Report)), r.Report.Served, refit(r.Report), r.Report.Seconds)
	}
	p.print("\n")
	for _, c := range Cases() {
		if c.Regime == tasks.Rolling {
			p.print("- %s (%s): %s\n", c.Task, c.Database, c.What())
		}
	}
}

// refit is what is served, fitted anew on training and validation examples.
func refit(r *rowlink.Report) string {
	if r.Refit == nil {
		return "-"
	}
	return value(r.Refit, r.Metric)
}

// find is the row of a predictor, nil for none.
func find(r *rowlink.Report, name string) *rowlink.Row {
	if i := slices.IndexFunc(r.Rows, func(row rowlink.Row) bool { return row.Name == name }); i >= 0 {
		return &r.Rows[i]
	}
	return nil
}

func value(row *rowlink.Row, metric string) string {
	v := figure(row.Test[metric])
	if e, ok := row.Errors[tasks.Test.String()]; ok && !math.IsNaN(e) {
		v += " ± " + figure(e)
	}
	return v
}

// figure prints four digits, at least three behind the point where they fit.
func figure(v float64) string {
	switch {
	case math.IsNaN(v):
		return "-"
	case math.Abs(v) >= 100:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

// spread is mean and standard deviation (n - 1) of the networks that gnn averages.
func spread(r *rowlink.Report) string {
	var v []float64
	for _, m := range r.Members {
		if strings.HasPrefix(m.Name, rowlink.GNN) {
			v = append(v, m.Test[r.Metric])
		}
	}
	if len(v) < 2 {
		return "-"
	}
	mean, square := 0.0, 0.0
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		square += (x - mean) * (x - mean) / float64(len(v)-1)
	}
	return fmt.Sprintf("%s (%s), %d", figure(mean), figure(math.Sqrt(square)), len(v))
}

// better tells the direction of a report's metric.
func better(r *rowlink.Report) bool {
	m, err := tasks.MetricByName(r.Type, r.Metric, nil)
	return ranks(r) || err == nil && m.HigherIsBetter()
}

// goals compares what is served with what was asked for.
func (p *page) goals() {
	p.print("\n## rel-f1 beside published results\n\nFloor and goal are asked of the refit, where there is one.\n\n| task, regime | served | refit | floor | goal | best published | floor | goal |\n|---|--:|--:|--:|--:|--:|---|---|\n")
	for i, c := range Cases() {
		r := p.results[i]
		if r == nil || c.Goal == (Goal{}) {
			continue
		}
		row := find(r.Report, r.Report.Served)
		if row == nil {
			continue
		}
		if r.Report.Refit != nil {
			row = r.Report.Refit
		}
		v, up := row.Test[r.Report.Metric], better(r.Report)
		p.print("| %s | %s | %s | %s | %s | %s | %s | %s |\n", c.Name(), value(find(r.Report, r.Report.Served), r.Report.Metric), refit(r.Report), figure(c.Goal.Floor), figure(c.Goal.Goal), figure(c.Goal.Published),
			met(v, c.Goal.Floor, up), met(v, c.Goal.Goal, up))
	}
}

func met(v, goal float64, up bool) string {
	if v == goal || up == (v > goal) {
		return "met"
	}
	return "**not met**"
}

// networks are the rows that are no baselines.
var networks = []string{rowlink.GNN, rowlink.Scan, rowlink.Blend}

// against compares what is served with the baseline that turned out best on test, which
// nobody could have known.
func (p *page) against() {
	p.print("\n## What is served beside the best baseline\n\nThe baseline is the one with the best test metric, which nobody could have chosen. Behind is in standard errors of the served one.\n\n" +
		"| task, regime | served | | best baseline | | behind |\n|---|---|--:|---|--:|--:|\n")
	for i, c := range Cases() {
		r := p.results[i]
		if r == nil || ranks(r.Report) {
			continue
		}
		served, best := find(r.Report, r.Report.Served), bestBaseline(r.Report)
		if served == nil || best == nil {
			continue
		}
		m := r.Report.Metric
		behind := best.Test[m] - served.Test[m]
		if !better(r.Report) {
			behind = -behind
		}
		text := "-"
		if e := served.Errors[tasks.Test.String()]; e > 0 {
			text = fmt.Sprintf("%.1f", behind/e)
		}
		p.print("| %s | %s | %s | %s | %s | %s |\n", c.Name(), served.Name, figure(served.Test[m]), best.Name, figure(best.Test[m]), text)
	}
}

func bestBaseline(r *rowlink.Report) *rowlink.Row {
	var best *rowlink.Row
	for i := range r.Rows {
		row := &r.Rows[i]
		v := row.Test[r.Metric]
		if slices.Contains(networks, row.Name) || math.IsNaN(v) {
			continue
		}
		if best == nil || better(r) == (v > best.Test[r.Metric]) && v != best.Test[r.Metric] {
			best = row
		}
	}
	return best
}

// where says on what machine each result was measured.
func (p *page) where() {
	p.print("\n## Where\n\n| task, regime | measured | commit | kernels | cores | train, val, test | peak MB |\n|---|---|---|---|--:|---|--:|\n")
	for i, c := range Cases() {
		r := p.results[i]
		if r == nil {
			continue
		}
		m, n := r.Machine, r.Report.Examples
		p.print("| %s | %s | %s | %s | %d | %d, %d, %d | %.0f |\n", c.Name(), m.Time.UTC().Format("2006-01-02 15:04"), m.Commit, m.Kernels, m.Cores, n[0], n[1], n[2], float64(r.Report.PeakBytes)/1e6)
	}
	p.print("\nSeconds and peak are of everything: baselines, all networks, earlier validation blocks; the peak is of the process so far.\n\n" +
		"```\nrowlink bench quality                          # all of it\nrowlink bench quality --run lahman --seeds 2   # some of it; the rest of the page stays\n```\n")
}
