package pages

import (
	"encoding/json"
	"html/template"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/rowlink/rowlink/pages/chart"
	"github.com/rowlink/rowlink/server"
)

// exploration is a prediction with its reasons, and how it ran over time.
type exploration struct {
	Task      server.TaskInfo
	Key, At   string // as asked
	Fault     string
	Answer    *server.PredictAnswer
	P         *server.Prediction
	Largest   float64 // effect
	Time      template.HTML
	Moments   []time.Time
	Probable  []Fact // of classes
	HasAnswer bool
	Truth     Truth // at the anchor of the answer
}

// Bounds of what one page asks.
const (
	exploredReasons = 12
	exploredMoments = 24
)

func (p *Pages) explore(r *http.Request) (string, any, error) {
	t, err := p.find(r.Context(), r.PathValue("task"))
	if err != nil {
		return "", nil, err
	}
	e := &exploration{Task: *t, Key: strings.TrimSpace(r.FormValue("key")), At: strings.TrimSpace(r.FormValue("at"))}
	title := "explore " + t.Name
	if t.Serving == "" {
		e.Fault = "no version answers for this task yet"
		return title, e, nil
	}
	if e.Moments, err = p.src.Moments(r.Context(), t.Name, exploredMoments); err != nil {
		return "", nil, err
	}
	if e.Key == "" {
		return title, e, nil
	}
	var at time.Time
	if e.At != "" {
		if at, err = parseMoment(e.At); err != nil {
			e.Fault = "the anchor is " + e.At + ", want a date such as 2024-12-01, or 2024-12-01 15:04"
			return title, e, nil
		}
	}
	key := keyOf(e.Key, t)
	e.Answer, err = p.src.Predict(r.Context(), server.PredictRequest{Task: t.Name, Entities: []json.RawMessage{key}, Anchor: at, ExplainTop: exploredReasons})
	if err != nil {
		if status, text := faultOf(err); status != http.StatusInternalServerError {
			e.Fault = text
			return title, e, nil
		}
		return "", nil, err
	}
	if len(e.Answer.Errors) > 0 {
		e.Fault = e.Answer.Errors[0].Detail
		return title, e, nil
	}
	if len(e.Answer.Predictions) == 1 {
		e.P, e.HasAnswer = &e.Answer.Predictions[0], true
		e.show()
		if err := p.overTime(r, t, key, e); err != nil {
			return "", nil, err
		}
	}
	return title, e, nil
}

func (e *exploration) show() {
	for class, v := range e.P.Probabilities {
		e.Probable = append(e.Probable, Fact{class, chart.Number(v)})
	}
	if x := e.P.Explanation; x != nil {
		for _, i := range x.Items {
			e.Largest = math.Max(e.Largest, math.Abs(i.Effect))
		}
	}
}

// parseMoment reads an anchor as a person writes it, in UTC.
func parseMoment(text string) (t time.Time, err error) {
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04", time.DateTime, "2006-01-02 15:04", time.DateOnly} {
		if t, err = time.Parse(form, text); err == nil {
			return t.UTC(), nil
		}
	}
	return t, err
}

// keyOf writes a key as JSON: parts of a composite one stand between commas.
func keyOf(text string, t *server.TaskInfo) json.RawMessage {
	one := func(part string, at int) string {
		bare := strings.TrimSpace(part)
		if at < len(t.KeyTypes) && t.KeyTypes[at] != "text" && t.KeyTypes[at] != "time" && json.Valid([]byte(bare)) && bare != "" && !strings.ContainsAny(bare[:1], `"[{n`) {
			return bare
		}
		quoted, _ := json.Marshal(part)
		return string(quoted)
	}
	if len(t.Key) < 2 {
		return json.RawMessage(one(text, 0))
	}
	var parts []string
	for i, part := range strings.Split(text, ",") {
		parts = append(parts, one(part, i))
	}
	return json.RawMessage("[" + strings.Join(parts, ",") + "]")
}

// scoreOf is the number that is drawn of a prediction.
func scoreOf(p *server.Prediction) (float64, bool) {
	if p.Probability != nil {
		return *p.Probability, true
	}
	v, ok := p.Value.(float64)
	return v, ok
}

// forecast draws the timeframes of a forecast.
func forecast(series []float64) template.HTML {
	line := chart.Series{Name: "prediction", Dots: len(series) < 60}
	for i, y := range series {
		line.Points = append(line.Points, chart.Point{X: float64(i + 1), Y: y})
	}
	f := chart.Figure{Title: "The timeframes after the anchor", X: chart.Axis{Label: "timeframe"}, Y: chart.Axis{Label: "prediction"}, Lines: []chart.Series{line}}
	return f.HTML()
}

// overTime asks about the same row at earlier anchors, where it did not exist yet there is
// nothing, and what came true at each.
func (p *Pages) overTime(r *http.Request, t *server.TaskInfo, key json.RawMessage, e *exploration) error {
	at := e.Answer.Anchor
	if at.IsZero() {
		at = e.P.Anchor
	}
	truths, err := p.src.Truths(r.Context(), t.Name, key, append([]time.Time{at}, e.Moments...))
	if err != nil {
		return err
	}
	e.Truth, truths = truths[0], truths[1:]
	if series, ok := e.P.Value.([]float64); ok {
		e.Time = forecast(series)
		return nil
	}
	if _, ok := scoreOf(e.P); !ok {
		return nil
	}
	line, came := chart.Series{Name: "prediction", Dots: true}, chart.Series{Name: "what came true", Dots: true}
	for i := len(e.Moments) - 1; i >= 0; i-- {
		a, err := p.src.Predict(r.Context(), server.PredictRequest{Task: t.Name, Entities: []json.RawMessage{key}, Anchor: e.Moments[i]})
		if err != nil || len(a.Predictions) != 1 {
			continue
		}
		if v, ok := scoreOf(&a.Predictions[0]); ok {
			line.Points = append(line.Points, chart.Point{X: day(e.Moments[i].UnixMicro()), Y: v})
			if truths[i].Known && !math.IsNaN(truths[i].Value) {
				came.Points = append(came.Points, chart.Point{X: day(e.Moments[i].UnixMicro()), Y: truths[i].Value})
			}
		}
	}
	if len(line.Points) < 2 {
		return nil
	}
	f := chart.Figure{Title: "The same row at earlier anchors, each with what was known then", X: moment("anchor"), Y: chart.Axis{Label: "prediction"}, Lines: []chart.Series{line}}
	if len(came.Points) > 0 {
		f.Lines = append(f.Lines, came)
	}
	if e.P.Probability != nil {
		zero, one := 0.0, 1.0
		f.Y = chart.Axis{Label: "probability", From: &zero, To: &one}
	}
	e.Time = f.HTML()
	return nil
}
