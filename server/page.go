package server

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

//go:embed page.html
var pageText string

//go:embed page.css
var pageStyle string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// pagePolicy lets the page use its own style and nothing else: no script, no request.
var pagePolicy = func() string {
	sum := sha256.Sum256([]byte(pageStyle))
	return "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src 'sha256-" +
		base64.StdEncoding.EncodeToString(sum[:]) + "'"
}()

type pageData struct {
	Style   template.CSS
	Version string
	Tasks   []pageTask
}

type pageTask struct {
	TaskInfo
	Curl   string
	Models []pageModel // the one in service first, then the newest
}

// pageModel shows a version as a table: one row for it and one for each baseline.
type pageModel struct {
	ModelInfo
	Metric string   // the task's; its scores stand in Rows
	Splits []string // columns of Rows
	Rows   []pageRow
	Names  []string // columns of All: baselines
	All    []pageRow
}

// pageRow is a row of scores. In Rows it is a predictor, in All a metric of one split.
type pageRow struct {
	Name   string
	Own    bool // of the version itself
	Values []string
}

// getPage shows tasks and models to a person.
func (s *Server) getPage(w http.ResponseWriter, r *http.Request) {
	tasks, err := s.opt.Backend.Tasks(r.Context())
	if err != nil {
		s.writeProblem(w, r, err)
		return
	}
	models, err := s.opt.Backend.Models(r.Context())
	if err != nil {
		s.writeProblem(w, r, err)
		return
	}
	data := pageData{Style: template.CSS(pageStyle), Version: s.opt.Version}
	for _, t := range tasks {
		p := pageTask{TaskInfo: tidyTask(t), Curl: s.curl(r, t)}
		for _, m := range slices.Backward(models) {
			if m.Task == t.Name {
				p.Models = append(p.Models, newPageModel(tidyModel(m), t.Metric))
			}
		}
		slices.SortStableFunc(p.Models, func(a, b pageModel) int { return order(b.Serving) - order(a.Serving) })
		data.Tasks = append(data.Tasks, p)
	}
	var page bytes.Buffer
	if err := pageTemplate.Execute(&page, data); err != nil {
		s.writeProblem(w, r, fmt.Errorf("write page: %w", err))
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", pagePolicy)
	w.Header().Set("Referrer-Policy", "no-referrer")
	_, _ = page.WriteTo(w)
}

func order(first bool) int {
	if first {
		return 1
	}
	return 0
}

func newPageModel(m ModelInfo, metric string) pageModel {
	p := pageModel{ModelInfo: m, Metric: metric, Names: slices.Sorted(maps.Keys(m.Baselines))}
	for _, split := range []string{"val", "test"} { // as time runs
		if m.Metrics[split] != nil {
			p.Splits = append(p.Splits, split)
		}
	}
	row := func(name string, own bool, of Scores) {
		r := pageRow{Name: name, Own: own}
		for _, split := range p.Splits {
			r.Values = append(r.Values, digits(of[split], metric))
		}
		p.Rows = append(p.Rows, r)
	}
	if metric != "" && len(p.Splits) > 0 {
		row(m.Model, true, m.Metrics)
		for _, name := range p.Names {
			row(name, false, m.Baselines[name])
		}
	}
	for _, split := range p.Splits {
		for _, metric := range slices.Sorted(maps.Keys(m.Metrics[split])) {
			r := pageRow{Name: split + " " + metric, Values: []string{digits(m.Metrics[split], metric)}}
			for _, name := range p.Names {
				r.Values = append(r.Values, digits(m.Baselines[name][split], metric))
			}
			p.All = append(p.All, r)
		}
	}
	return p
}

// digits prints a score with the four digits that tell models apart, - where there is none.
func digits(scores map[string]Number, metric string) string {
	n, ok := scores[metric]
	v := float64(n)
	switch size := math.Abs(v); {
	case !ok || !finite(v):
		return "-"
	case size != 0 && size < 0.001, size >= 1e5:
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
	return strconv.FormatFloat(v, 'f', 4, 64)
}

// plainHost is what may stand in a shell line without quoting.
var plainHost = regexp.MustCompile(`^[A-Za-z0-9.\-:\[\]]+$`)

// curl returns a shell line that asks for a prediction of the task.
func (s *Server) curl(r *http.Request, t TaskInfo) string {
	host := r.Host
	if !plainHost.MatchString(host) {
		host = s.opt.Addr
	}
	keys := tidyTask(t).ExampleKeys
	if len(keys) == 0 {
		keys = []json.RawMessage{json.RawMessage("1")}
	}
	ask, err := json.Marshal(map[string]any{"entities": keys})
	if err != nil {
		return "" // keys were checked to be JSON
	}
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
	return fmt.Sprintf("curl -s %s -H 'Content-Type: application/json' -d %s",
		quote(scheme+host+"/v1/tasks/"+url.PathEscape(t.Name)+"/predict"), quote(string(ask)))
}
