package pages

import (
	"errors"
	"html/template"
	"net/http"
	"slices"

	"github.com/rowlink/rowlink/pages/chart"
	"github.com/rowlink/rowlink/server"
)

// driftView is how far the data of a task has moved, and how good the answers were.
type driftView struct {
	Task    server.TaskInfo
	Fault   string
	D       *server.DriftAnswer
	Answers []server.DriftItem
	Chart   template.HTML // scores at later anchors
}

func (p *Pages) drift(r *http.Request) (string, any, error) {
	t, err := p.find(r.Context(), r.PathValue("task"))
	if err != nil {
		return "", nil, err
	}
	v, title := &driftView{Task: *t}, "drift of "+t.Name
	if t.Serving == "" {
		v.Fault = "no version answers for this task yet"
		return title, v, nil
	}
	if !p.comparing.TryLock() {
		return "", nil, server.Unavailable{Detail: "another comparison runs; ask again in a few seconds"}
	}
	defer p.comparing.Unlock()
	v.D, err = p.src.Drift(r.Context(), t.Name)
	if invalid := (server.Invalid{}); errors.As(err, &invalid) {
		_, v.Fault = faultOf(err)
		return title, v, nil
	}
	if err != nil {
		return "", nil, err
	}
	if v.D.Score != nil {
		v.Answers = append(v.Answers, *v.D.Score)
	}
	v.Answers = slices.Concat(v.Answers, v.D.Parts)
	if l := v.D.Later; l != nil && len(l.Anchors) > 1 {
		v.Chart = laterChart(l)
	}
	return title, v, nil
}

// laterChart draws the scores beside what the training promised.
func laterChart(l *server.LaterScores) template.HTML {
	scores := chart.Series{Name: l.Metric, Dots: true}
	for _, a := range l.Anchors {
		scores.Points = append(scores.Points, chart.Point{X: day(a.Anchor.UnixMicro()), Y: float64(a.Score)})
	}
	lines := []chart.Series{scores}
	if trained := float64(l.Trained); trained == trained {
		lines = append(lines, chart.Series{Name: "test, in training", Dashed: true, Points: []chart.Point{{X: scores.Points[0].X, Y: trained}, {X: scores.Points[len(scores.Points)-1].X, Y: trained}}})
	}
	f := chart.Figure{Title: l.Metric + " at each anchor, once its labels had closed", X: moment("anchor"), Y: chart.Axis{Label: l.Metric}, Lines: lines}
	return f.HTML()
}
