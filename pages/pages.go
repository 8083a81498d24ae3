// Package pages owns what a person sees of a server: tasks with their labels over time, the
// tables and links, a report for each version, predictions with their reasons, jobs. Pages
// are written here, work without JavaScript and without network access, and escape every
// text of the data. What they show comes from [Source].
package pages

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/jobs"
	"github.com/rowlink/rowlink/pages/chart"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/server"
)

// Source is what pages show.
type Source interface {
	server.Backend
	// Tables describes the tables of the snapshot that answers.
	Tables(ctx context.Context) (*Tables, error)
	// Version returns what is stored of a version; the diagnostics are nil for one that was
	// stored without, the report for one that ranks.
	Version(ctx context.Context, task, version string) (*Version, error)
	// Moments returns the default anchor of a task and the anchors before it, a step of the
	// task apart, the latest first.
	Moments(ctx context.Context, task string, n int) ([]time.Time, error)
	// Truths returns what came true of an entity at each of some anchors.
	Truths(ctx context.Context, task string, key json.RawMessage, anchors []time.Time) ([]Truth, error)
	server.Drifter
}

// Truth is a label that has closed.
type Truth struct {
	Known bool    // its window has closed and it has a value
	Text  string  // for people
	Value float64 // of numbers and booleans; NaN of others
}

// Tables is a snapshot's schema.
type Tables struct {
	Source, Snapshot string
	Taken            time.Time
	View             schema.View
	Rows             map[string]int // by the name of the table in the view
}

// Version is what is stored of one.
type Version struct {
	Report      *rowlink.Report
	Diagnostics *rowlink.Diagnostics
	Importance  *rowlink.Importance // nil = not measured yet
	Provenance  []Fact
}

// Fact is a name and a value.
type Fact struct{ Name, Value string }

// Pages writes the pages of a server.
type Pages struct {
	src     Source
	jobs    *jobs.Queue // nil = there are none
	version string

	comparing sync.Mutex // one comparison at a time: it takes all cores for seconds
}

// New returns the pages over a source.
func New(src Source, queue *jobs.Queue, version string) *Pages {
	return &Pages{src: src, jobs: queue, version: version}
}

// Pages lists what a server mounts.
func (p *Pages) Pages() []server.Page {
	out := []server.Page{
		{Pattern: "/{$}", Scope: server.ScopeRead, Serve: p.page("home", p.home)},
		{Pattern: "/schema", Scope: server.ScopeRead, Serve: p.page("schema", p.schema)},
		{Pattern: "/tasks/{task}", Scope: server.ScopeRead, Serve: p.page("task", p.task)},
		{Pattern: "/tasks/{task}/versions/{version}", Scope: server.ScopeRead, Serve: p.page("version", p.modelVersion)},
		{Pattern: "/tasks/{task}/explore", Scope: server.ScopePredict, Serve: p.page("explore", p.explore)},
		{Pattern: "/tasks/{task}/drift", Scope: server.ScopeRead, Serve: p.page("drift", p.drift)},
		{Pattern: "/live.js", Scope: server.ScopeRead, Serve: script},
	}
	if p.jobs != nil {
		out = append(out, server.Page{Pattern: "/jobs", Scope: server.ScopeRead, Serve: p.page("jobs", p.listJobs)},
			server.Page{Pattern: "/jobs/{id}", Scope: server.ScopeRead, Serve: p.page("job", p.job)})
	}
	return out
}

//go:embed html
var files embed.FS

var (
	style     = string(must(files.ReadFile("html/style.css")))
	liveJS    = must(files.ReadFile("html/live.js"))
	templates = template.Must(template.New("").Funcs(functions).ParseFS(files, "html/*.html"))
)

func must[T any](v T, err error) T {
	if err != nil {
		panic("pages: " + err.Error()) // embedded files are there
	}
	return v
}

// policy lets a page use its own style and script, and ask its own server, nothing else.
var policy = func() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; script-src 'self'; connect-src 'self'; style-src 'sha256-" +
		base64.StdEncoding.EncodeToString(sum[:]) + "'"
}()

// frame is what every page has.
type frame struct {
	Style   template.CSS
	Version string
	Page    string // name of the template
	Title   string
	Jobs    bool
	Alone   bool // a file of its own
	Data    any
}

// page makes a handler of a function that gathers what a page shows, under a title. A fault
// that is not the client's is shown as such, and returned for the log.
func (p *Pages) page(name string, gather func(r *http.Request) (title string, data any, err error)) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		f := frame{Style: template.CSS(style), Version: p.version, Page: name, Jobs: p.jobs != nil}
		status := http.StatusOK
		var err error
		f.Title, f.Data, err = gather(r)
		if err != nil {
			f.Page = "fault"
			status, f.Data = faultOf(err)
			f.Title = http.StatusText(status)
			if status != http.StatusInternalServerError {
				err = nil // of the client
			}
		}
		var out bytes.Buffer
		if err := templates.ExecuteTemplate(&out, "layout.html", f); err != nil {
			panic(fmt.Sprintf("pages: %s: %v", name, err)) // a fault of a template, told by the server
		}
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "no-referrer")
		w.WriteHeader(status)
		_, _ = out.WriteTo(w) // nobody can be told that the client does not read
		return err
	}
}

// faultOf is the status of an error and what a person is told.
func faultOf(err error) (int, string) {
	missing, invalid, later := server.NotFound{}, server.Invalid{}, server.Unavailable{}
	switch {
	case errors.As(err, &missing):
		return http.StatusNotFound, strings.TrimSuffix(missing.Detail+" ("+missing.Hint+")", " ()")
	case errors.As(err, &invalid):
		return http.StatusUnprocessableEntity, strings.TrimSuffix(invalid.Detail+" ("+invalid.Hint+")", " ()")
	case errors.As(err, &later):
		return http.StatusServiceUnavailable, later.Detail
	}
	return http.StatusInternalServerError, "the server made a mistake; its log has the cause"
}

func script(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	_, err := w.Write(liveJS)
	return err
}

// functions are what templates call.
var functions = template.FuncMap{
	"score":  score,
	"metric": func(v server.Number) string { return score(float64(v)) },
	"rate":   func(v server.Number) string { return strconv.FormatFloat(float64(v), 'f', 1, 64) },
	"number": chart.Number,
	"signed": func(v float64) string { return fmt.Sprintf("%+.4g", v) },
	"loss":   loss,
	// An index of drift: what differs behind the fourth digit is no difference.
	"distance": func(v server.Number) string {
		if math.IsNaN(float64(v)) {
			return "–"
		}
		return strconv.FormatFloat(float64(v), 'f', 4, 64)
	},
	"time":   func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") },
	"micros": func(us int64) string { return instant(us) },
	"count":  count,
	"share": func(v float64) string {
		return strconv.FormatFloat(100*v, 'f', 1, 64) + " %"
	},
	"bar": bar,
}

func instant(us int64) string {
	t := time.UnixMicro(us).UTC()
	if t.Equal(t.Truncate(24 * time.Hour)) {
		return t.Format(time.DateOnly)
	}
	return t.Format("2006-01-02 15:04")
}

// score prints a metric with the four digits that tell models apart.
func score(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "–"
	}
	if size := math.Abs(v); size != 0 && size < 0.001 || size >= 1e5 {
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
	return strconv.FormatFloat(v, 'f', 4, 64)
}

// loss prints a loss and its spread with as many digits as the largest of the table needs
// for three, so that they stand below one another.
func loss(v, spread, largest float64) string {
	digits := 4
	if largest > 0 {
		digits = min(max(2-int(math.Floor(math.Log10(largest))), 0), 9)
	}
	return fmt.Sprintf("%+.*f ± %.*f", digits, v, digits, spread)
}

// count groups the digits of a number by thin spaces.
func count(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "\u202f" + text[i:]
	}
	return text
}

// bar is a small bar from the middle for an effect, scaled by the largest.
func bar(effect, largest float64) template.HTML {
	const half = 60
	if largest == 0 {
		largest = 1
	}
	w := math.Min(1, math.Abs(effect)/largest) * half
	x, class := float64(half), "up"
	if effect < 0 {
		x, class = half-w, "down"
	}
	return template.HTML(fmt.Sprintf(`<svg class="effect" viewBox="0 0 120 10" aria-hidden="true"><line x1="60" x2="60" y1="0" y2="10"/><rect class="%s" x="%.1f" y="2" width="%.1f" height="6"/></svg>`, class, x, w))
}
