package pages

import (
	"encoding/json"
	"html/template"
	"net/http"

	"github.com/rowlink/rowlink/jobs"
	"github.com/rowlink/rowlink/pages/chart"
	"github.com/rowlink/rowlink/server"
)

func (p *Pages) listJobs(*http.Request) (string, any, error) { return "jobs", p.jobs.Jobs(), nil }

// jobView is a job with what it said.
type jobView struct {
	jobs.Job
	Events []jobs.Event // the latest first
	Curve  template.HTML
	Last   int // id of the latest event
}

// saidEvents bounds how much of what a job said is shown.
const saidEvents = 200

func (p *Pages) job(r *http.Request) (string, any, error) {
	id := r.PathValue("id")
	j, _, ok := p.jobs.Job(id)
	if !ok {
		return "", nil, server.NotFound{Detail: "there is no such job", Hint: "the list of jobs has them all"}
	}
	list, _, _, _ := p.jobs.Events(id, 0)
	v := &jobView{Job: j, Curve: curve(list)}
	for i := len(list) - 1; i >= 0 && len(v.Events) < saidEvents; i-- {
		if list[i].Kind != "progress" {
			v.Events = append(v.Events, list[i])
		}
	}
	if len(list) > 0 {
		v.Last = list[len(list)-1].ID
	}
	return j.Kind + " " + j.Task, v, nil
}

// curve draws the validation metric of a training by epoch.
func curve(list []jobs.Event) template.HTML {
	line := chart.Series{Name: "validation", Dots: true}
	for _, e := range list {
		var epoch struct {
			Number int     `json:"number"`
			Val    float64 `json:"val"`
		}
		if e.Kind == "epoch" && json.Unmarshal(e.Data, &epoch) == nil {
			if n := len(line.Points); n > 0 && float64(epoch.Number) <= line.Points[n-1].X {
				line.Points = nil // the next network begins
			}
			line.Points = append(line.Points, chart.Point{X: float64(epoch.Number), Y: epoch.Val})
		}
	}
	if len(line.Points) < 2 {
		return ""
	}
	f := chart.Figure{Title: "Validation metric by epoch, of the network that was trained last", X: chart.Axis{Label: "epoch"}, Y: chart.Axis{Label: "metric"}, Lines: []chart.Series{line}}
	return f.HTML()
}
