package pages

import (
	"context"
	"html/template"
	"io"
	"net/http"
	"slices"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/pages/chart"
	"github.com/rowlink/rowlink/server"
)

// versionView is the report of a version.
type versionView struct {
	Task       server.TaskInfo
	Info       server.ModelInfo
	Rows       []leader // the leaderboard, best on validation first
	Epochs     template.HTML
	Splits     []splitView
	Report     *rowlink.Report
	Importance *importanceView // nil = not measured yet
	Provenance []Fact
	Alone      bool // the page is a file of its own, whose links would lead nowhere
}

// leader is a predictor on the leaderboard.
type leader struct {
	rowlink.Row
	Val, Test, Error float64
	Served           bool
}

// splitView is what is drawn of one split.
type splitView struct {
	Name     string
	Figures  []template.HTML
	D        *rowlink.SplitDiagnostics
	Quantile []Fact // of the residuals
}

func (p *Pages) modelVersion(r *http.Request) (string, any, error) {
	v, err := p.versionOf(r.Context(), r.PathValue("task"), r.PathValue("version"))
	if err != nil {
		return "", nil, err
	}
	return v.title(), v, nil
}

func (v *versionView) title() string { return v.Task.Name + ", version " + v.Info.Version }

// WriteVersion writes the report of a version as a page of its own: a file that needs no
// server.
func (p *Pages) WriteVersion(ctx context.Context, w io.Writer, task, version string) error {
	v, err := p.versionOf(ctx, task, version)
	if err != nil {
		return err
	}
	v.Alone = true
	return templates.ExecuteTemplate(w, "layout.html", frame{Style: template.CSS(style), Version: p.version, Page: "version", Title: v.title(), Alone: true, Data: v})
}

func (p *Pages) versionOf(ctx context.Context, task, version string) (*versionView, error) {
	t, err := p.find(ctx, task)
	if err != nil {
		return nil, err
	}
	models, err := p.src.Models(ctx)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(models, func(m server.ModelInfo) bool { return m.Task == t.Name && m.Version == version })
	if at < 0 {
		return nil, server.NotFound{Detail: "the task has no such version", Hint: "its page lists them"}
	}
	stored, err := p.src.Version(ctx, t.Name, models[at].Version)
	if err != nil {
		return nil, err
	}
	if stored.Report != nil { // of a version that is not in service the task may not know it
		t.Metric = stored.Report.Metric
	}
	v := &versionView{Task: *t, Info: models[at], Report: stored.Report, Provenance: stored.Provenance, Importance: newImportance(stored.Importance)}
	if stored.Report != nil {
		v.leaders(stored.Report)
		v.Epochs = epochs(stored.Report)
	}
	if d := stored.Diagnostics; d != nil {
		for _, s := range []struct {
			name string
			of   *rowlink.SplitDiagnostics
		}{{"test", d.Test}, {"validation", d.Val}} {
			if s.of != nil {
				v.Splits = append(v.Splits, newSplit(s.name, s.of, t))
			}
		}
	}
	return v, nil
}

func (v *versionView) leaders(r *rowlink.Report) {
	for _, row := range r.Rows {
		v.Rows = append(v.Rows, leader{row, row.Val[r.Metric], row.Test[r.Metric], row.Errors["val"], row.Name == r.Served})
	}
	down := lower(v.Task.Type, r.Metric)
	slices.SortStableFunc(v.Rows, func(a, b leader) int {
		switch {
		case a.Val == b.Val:
			return 0
		case (a.Val < b.Val) == down:
			return -1
		}
		return 1
	})
}

// epochs draws the training of the first network.
func epochs(r *rowlink.Report) template.HTML {
	if len(r.Epochs) < 2 {
		return ""
	}
	val := chart.Series{Name: "validation " + r.Metric, Dots: true}
	for _, e := range r.Epochs {
		val.Points = append(val.Points, chart.Point{X: float64(e.Number), Y: e.Val})
	}
	f := chart.Figure{Title: "Validation " + r.Metric + " of the network by epoch", X: chart.Axis{Label: "epoch"}, Y: chart.Axis{Label: r.Metric}, Lines: []chart.Series{val}}
	return f.HTML()
}

func newSplit(name string, d *rowlink.SplitDiagnostics, t *server.TaskInfo) splitView {
	s := splitView{Name: name, D: d}
	zero, one := 0.0, 1.0
	unit := func(label string) chart.Axis { return chart.Axis{Label: label, From: &zero, To: &one} }
	pairs := func(list [][2]float64) (out []chart.Point) {
		for _, p := range list {
			out = append(out, chart.Point{X: p[0], Y: p[1]})
		}
		return out
	}
	draw := func(f chart.Figure) { s.Figures = append(s.Figures, f.HTML()) }
	if len(d.ROC) > 0 {
		draw(chart.Figure{Title: "ROC curve", X: unit("false positive rate"), Y: unit("true positive rate"), Lines: []chart.Series{
			{Name: "served", Points: pairs(d.ROC)}, {Name: "chance", Points: []chart.Point{{X: 0, Y: 0}, {X: 1, Y: 1}}, Dashed: true}}})
		draw(chart.Figure{Title: "Precision and recall", X: unit("recall"), Y: unit("precision"), Lines: []chart.Series{{Name: "served", Points: pairs(d.PR)}}})
	}
	if len(d.Bins) > 0 {
		s.calibration(d, t, draw)
	}
	if len(d.ByAnchor) > 1 {
		line := chart.Series{Name: t.Metric, Dots: len(d.ByAnchor) < 60}
		for _, a := range d.ByAnchor {
			if a.Value != nil {
				line.Points = append(line.Points, chart.Point{X: day(a.Anchor), Y: *a.Value})
			}
		}
		draw(chart.Figure{Title: t.Metric + " at each anchor", X: moment("anchor"), Y: chart.Axis{Label: t.Metric}, Lines: []chart.Series{line}})
	}
	if len(d.ByFrame) > 1 {
		line := chart.Series{Name: t.Metric, Dots: len(d.ByFrame) < 60}
		for i, v := range d.ByFrame {
			if v != nil {
				line.Points = append(line.Points, chart.Point{X: float64(i + 1), Y: *v})
			}
		}
		draw(chart.Figure{Title: t.Metric + " in each timeframe", X: chart.Axis{Label: "timeframe"}, Y: chart.Axis{Label: t.Metric}, Lines: []chart.Series{line}})
	}
	for i, name := range []string{"5 %", "25 %", "50 %", "75 %", "95 %"} {
		if i < len(d.Residuals) {
			s.Quantile = append(s.Quantile, Fact{name, chart.Number(d.Residuals[i])})
		}
	}
	return s
}

// calibration draws what was predicted beside what came true, and for probabilities how much
// more often it came true among the highest.
func (s *splitView) calibration(d *rowlink.SplitDiagnostics, t *server.TaskInfo, draw func(chart.Figure)) {
	var points, lift []chart.Point
	lo, hi, base, rows := d.Bins[0].Predicted, d.Bins[0].Predicted, 0.0, 0
	for _, b := range d.Bins {
		points = append(points, chart.Point{X: b.Predicted, Y: b.True})
		lo, hi = min(lo, b.Predicted, b.True), max(hi, b.Predicted, b.True)
		base += b.True * float64(b.Rows)
		rows += b.Rows
	}
	f := chart.Figure{Title: "Predicted and true, by tenths of the predictions", X: chart.Axis{Label: "mean prediction"}, Y: chart.Axis{Label: "mean of the truth"}}
	if len(d.ROC) > 0 {
		zero, one := 0.0, 1.0
		lo, hi = 0, 1
		f.X, f.Y = chart.Axis{Label: "predicted probability", From: &zero, To: &one}, chart.Axis{Label: "share that came true", From: &zero, To: &one}
		f.Title = "Calibration, by tenths of the predictions"
	}
	f.Lines = []chart.Series{{Name: "served", Points: points, Dots: true}, {Name: "exact", Points: []chart.Point{{X: lo, Y: lo}, {X: hi, Y: hi}}, Dashed: true}}
	draw(f)
	if len(d.ROC) == 0 || base == 0 {
		return
	}
	for i, b := range slices.Backward(d.Bins) {
		lift = append(lift, chart.Point{X: float64(len(d.Bins) - i), Y: b.True / (base / float64(rows))})
	}
	zero := 0.0
	draw(chart.Figure{Title: "Lift: how often it came true against the mean, by tenths from the highest", X: chart.Axis{Label: "tenth"}, Y: chart.Axis{Label: "times", From: &zero}, Bars: true,
		Lines: []chart.Series{{Name: "lift", Points: lift}}})
}

// importanceView is what a version needs, tables and links beside single columns.
type importanceView struct {
	*rowlink.Importance
	Groups  []importanceGroup
	Largest float64
}

type importanceGroup struct {
	Title string
	Items []rowlink.ImportanceItem
}

// mostImportant bounds what is shown of a kind.
const mostImportant = 15

func newImportance(i *rowlink.Importance) *importanceView {
	if i == nil {
		return nil
	}
	v := &importanceView{Importance: i}
	for _, g := range []struct{ kind, title string }{{rowlink.ImportantTable, "Tables, with all their columns and links"}, {rowlink.ImportantLink, "Links"}, {rowlink.ImportantColumn, "Columns"}} {
		one := importanceGroup{Title: g.title}
		for _, item := range i.Items {
			if item.Kind == g.kind && len(one.Items) < mostImportant {
				one.Items = append(one.Items, item)
				v.Largest = max(v.Largest, item.Loss)
			}
		}
		v.Groups = append(v.Groups, one)
	}
	return v
}
