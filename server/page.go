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
	Models []pageModel
}

type pageModel struct {
	ModelInfo
	Scores []pageScore
}

// pageScore is one metric of one split beside the best known baseline.
type pageScore struct{ Split, Metric, Value, Baselines string }

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
		for _, m := range models {
			if m.Task == t.Name {
				p.Models = append(p.Models, pageModel{tidyModel(m), scoresOf(m)})
			}
		}
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

func scoresOf(m ModelInfo) []pageScore {
	var out []pageScore
	for _, split := range slices.Sorted(maps.Keys(m.Metrics)) {
		for _, metric := range slices.Sorted(maps.Keys(m.Metrics[split])) {
			row := pageScore{Split: split, Metric: metric, Value: digits(m.Metrics[split][metric])}
			var beside []string
			for _, name := range slices.Sorted(maps.Keys(m.Baselines)) {
				if v, ok := m.Baselines[name][split][metric]; ok {
					beside = append(beside, name+" "+digits(v))
				}
			}
			row.Baselines = strings.Join(beside, ", ")
			out = append(out, row)
		}
	}
	return out
}

// digits prints a score with the four digits that tell models apart.
func digits(n Number) string {
	if !finite(float64(n)) {
		return "-"
	}
	return strconv.FormatFloat(float64(n), 'g', 4, 64)
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
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
	return fmt.Sprintf("curl -s %s -H 'Content-Type: application/json' -d %s",
		quote("http://"+host+"/v1/tasks/"+url.PathEscape(t.Name)+"/predict"), quote(string(ask)))
}
