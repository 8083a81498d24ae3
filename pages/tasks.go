package pages

import (
	"context"
	"html/template"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/pages/chart"
	"github.com/rowlink/rowlink/server"
	"github.com/rowlink/rowlink/tasks"
)

// homeTask is a task on the first page.
type homeTask struct {
	server.TaskInfo
	Model     string
	DataUntil time.Time
	Score     float64 // of what answers on test
	Best      float64 // of the best baseline
	BestName  string
	Versions  int
}

func (p *Pages) home(r *http.Request) (string, any, error) {
	list, err := p.src.Tasks(r.Context())
	if err != nil {
		return "", nil, err
	}
	models, err := p.src.Models(r.Context())
	if err != nil {
		return "", nil, err
	}
	var out []homeTask
	for _, t := range list {
		h := homeTask{TaskInfo: t, Score: math.NaN(), Best: math.NaN()}
		for _, m := range models {
			if m.Task != t.Name {
				continue
			}
			h.Versions++
			if m.Version == t.Serving {
				h.Model, h.DataUntil = m.Model, m.DataUntil
				h.compare(m)
			}
		}
		out = append(out, h)
	}
	return "tasks", out, nil
}

// lower reports whether a metric of a task type is better when lower.
func lower(taskType, metric string) bool {
	m, err := tasks.MetricByName(taskType, metric, &tasks.Scaling{Scale: 1})
	return err == nil && !m.HigherIsBetter()
}

// compare finds the best baseline on test beside what answers.
func (h *homeTask) compare(m server.ModelInfo) {
	of := func(s server.Scores) float64 {
		v, ok := s["test"][h.Metric]
		if !ok {
			return math.NaN()
		}
		return float64(v)
	}
	h.Score = of(m.Metrics)
	down := lower(h.Type, h.Metric)
	for name, s := range m.Baselines {
		v := of(s)
		better := v > h.Best || v == h.Best && name < h.BestName
		if down {
			better = v < h.Best || v == h.Best && name < h.BestName
		}
		if !math.IsNaN(v) && (math.IsNaN(h.Best) || better) {
			h.Best, h.BestName = v, name
		}
	}
}

// taskView is a task's page.
type taskView struct {
	server.TaskInfo
	Versions []taskVersion // the latest first
	Balance  template.HTML // labels over time
}

type taskVersion struct {
	server.ModelInfo
	Val, Test float64
}

func (p *Pages) find(ctx context.Context, name string) (*server.TaskInfo, error) {
	list, err := p.src.Tasks(ctx)
	if err != nil {
		return nil, err
	}
	for _, t := range list {
		if t.Name == name {
			return &t, nil
		}
	}
	return nil, server.NotFound{Detail: "there is no task of that name", Hint: "the first page lists them"}
}

func (p *Pages) task(r *http.Request) (string, any, error) {
	t, err := p.find(r.Context(), r.PathValue("task"))
	if err != nil {
		return "", nil, err
	}
	models, err := p.src.Models(r.Context())
	if err != nil {
		return "", nil, err
	}
	v := &taskView{TaskInfo: *t}
	for _, m := range slices.Backward(models) {
		if m.Task == t.Name {
			of := func(split string) float64 {
				if s, ok := m.Metrics[split][t.Metric]; ok {
					return float64(s)
				}
				return math.NaN()
			}
			v.Versions = append(v.Versions, taskVersion{m, of("val"), of("test")})
		}
	}
	if len(v.Versions) > 0 {
		latest := v.Versions[0].Version
		if t.Serving != "" {
			latest = t.Serving
		}
		stored, err := p.src.Version(r.Context(), t.Name, latest)
		if err != nil {
			return "", nil, err
		}
		if stored.Diagnostics != nil {
			v.Balance = balance(t, stored.Diagnostics.Anchors)
		}
	}
	return t.Name, v, nil
}

// moment is an axis of time in days.
func moment(label string) chart.Axis {
	return chart.Axis{Label: label, Text: func(v float64) string { return time.Unix(int64(v*86400), 0).UTC().Format(time.DateOnly) }, Ticks: func(lo, hi float64) []float64 {
		const marks = 4
		var out []float64
		for i := range marks + 1 {
			out = append(out, math.Round(lo+(hi-lo)*float64(i)/marks))
		}
		return out
	}}
}

func day(us int64) float64 { return float64(us) / 86_400e6 }

// balance draws the labels over time, a line for each split.
func balance(t *server.TaskInfo, anchors []rowlink.AnchorLabels) template.HTML {
	if len(anchors) < 2 || t.Type == "multiclass_classification" || t.Type == "multilabel_classification" {
		return ""
	}
	f := chart.Figure{Title: "Mean label at each anchor", X: moment("anchor"), Y: chart.Axis{Label: "mean"}}
	if t.Type == "binary_classification" {
		zero := 0.0
		f.Title, f.Y = "Share of positive labels at each anchor", chart.Axis{Label: "share", From: &zero}
	}
	for _, split := range []string{"train", "val", "test"} {
		s := chart.Series{Name: split, Dots: len(anchors) < 60}
		for _, a := range anchors {
			if a.Split == split {
				s.Points = append(s.Points, chart.Point{X: day(a.Anchor), Y: a.Mean})
			}
		}
		f.Lines = append(f.Lines, s)
	}
	return f.HTML()
}
