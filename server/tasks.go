package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Keeper is a [Backend] whose tasks and versions can be changed.
type Keeper interface {
	// CreateTask stores a task, or with dry only checks it.
	CreateTask(ctx context.Context, text TaskText, dry bool) (*CreatedTask, error)
	// Promote lets an alias name a version, once that is loaded, checked and tried.
	Promote(ctx context.Context, task, version, alias string) (*AliasMove, error)
	// Labels writes the label table of a task in one of [LabelFormats].
	Labels(ctx context.Context, l LabelsRequest, w io.Writer) error
}

// TaskText is a CREATE TASK statement, or a query with the name that its task is to have.
type TaskText struct{ SQL, Name string }

// CreatedTask says how a statement is understood.
type CreatedTask struct {
	Task     TaskInfo         `json:"task"`
	Stored   bool             `json:"stored" doc:"false of a dry run"`
	Hash     string           `json:"hash" doc:"of the canonical text"`
	SQL      string           `json:"sql,omitempty" doc:"the label table as a query of Postgres, where it has one"`
	Examples map[string]Share `json:"examples" doc:"labels by split"`
}

// Share counts the examples of a split.
type Share struct {
	Rows     int     `json:"rows"`
	Positive *Number `json:"positive,omitempty" doc:"share of a binary label"`
	Mean     *Number `json:"mean,omitempty" doc:"of a value"`
}

// AliasMove is a change of an alias.
type AliasMove struct {
	Task  string `json:"task"`
	Alias string `json:"alias"`
	From  string `json:"from,omitempty" doc:"version that it named before"`
	To    string `json:"to"`
}

// LabelsRequest asks for labels.
type LabelsRequest struct {
	Task   string
	Split  string    // train, val or test; empty = all
	At     time.Time // of one anchor; zero = of all
	Limit  int       // -1 = all
	Format string
}

// LabelFormats are the media types of labels, with the names of their formats, the default
// first.
var LabelFormats = []struct{ Media, Format string }{
	{"application/json", "json"}, {"application/x-ndjson", "ndjson"}, {"text/csv", "csv"}, {"application/vnd.apache.arrow.stream", "arrow"},
}

type createInput struct{ rawRequest }

// dryRun reads the only parameter of POST /v1/tasks.
func dryRun(r *http.Request) (dry bool, err error) {
	for name, values := range r.URL.Query() {
		if name != "dry_run" {
			return false, newProblem(http.StatusUnprocessableEntity, fault{Code: "unknown_parameter", Detail: fmt.Sprintf("unknown parameter %q", clip(name)), Hint: "known: dry_run"})
		}
		if dry, err = strconv.ParseBool(values[0]); err != nil {
			return false, newProblem(http.StatusUnprocessableEntity, fault{Code: "wrong_value", Detail: fmt.Sprintf("dry_run is %q, want true or false", clip(values[0]))})
		}
	}
	return dry, nil
}

// createBody is the body of POST /v1/tasks.
type createBody struct {
	SQL  string `json:"sql" minLength:"1" doc:"CREATE [OR REPLACE] TASK name AS PREDICT ...; or a query, and then name"`
	Name string `json:"name,omitempty" doc:"of the task that a query is to be"`
}

type created struct {
	Status   int
	Location string `header:"Location"`
	Body     CreatedTask
}

type aliasInput struct {
	Task  string `path:"task" doc:"name of the task"`
	Alias string `path:"alias" doc:"name of the alias, such as prod"`
	rawRequest
}

// aliasBody is the body of PUT .../aliases/{alias}.
type aliasBody struct {
	Version string `json:"version" minLength:"1" doc:"a number, an alias, latest, or previous"`
}

// addTasks registers the paths that change tasks and aliases.
func (a api) addTasks() {
	keeper, ok := a.s.opt.Backend.(Keeper)
	if !ok {
		return
	}
	op := a.operation(ScopeTrain, http.MethodPost, "/v1/tasks", "create-task", "Create a task, or check one", 400, 408, 409, 413, 415, 422)
	op.DefaultStatus = http.StatusCreated
	huma.Register(a, op, func(ctx context.Context, in *createInput) (*created, error) {
		out, err := a.s.create(ctx, keeper, in)
		if err != nil {
			return nil, a.s.problemOf(ctx, err)
		}
		return out, nil
	})
	post := a.OpenAPI().Paths["/v1/tasks"].Post
	post.Parameters = append(post.Parameters, &huma.Param{Name: "dry_run", In: "query", Description: "only check, store nothing", Schema: &huma.Schema{Type: huma.TypeBoolean}})
	answers := post.Responses
	answers["200"] = &huma.Response{Description: "OK, of a dry run", Content: answers["201"].Content}
	a.describeBody("/v1/tasks", createBody{}, map[string]any{"sql": "CREATE TASK churn AS PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR EACH customers"})
	add(a, ScopeAdmin, http.MethodPut, "/v1/models/{task}/aliases/{alias}", "move-alias", "Let an alias name a version: prod is what answers", func(ctx context.Context, in *aliasInput) (*AliasMove, error) {
		var body aliasBody
		if err := a.s.readStrict(in.rawRequest, &body, `{"version": "2"}`); err != nil {
			return nil, err
		}
		return keeper.Promote(ctx, in.Task, body.Version, in.Alias)
	}, 400, 404, 408, 413, 415, 422, 503)
	a.describePut("/v1/models/{task}/aliases/{alias}", aliasBody{}, map[string]any{"version": "2"})
	a.addLabels(keeper)
}

func (s *Server) create(ctx context.Context, k Keeper, in *createInput) (*created, error) {
	dry, err := dryRun(in.r)
	if err != nil {
		return nil, err
	}
	var body createBody
	if err := s.readStrict(in.rawRequest, &body, `{"sql": "CREATE TASK churn AS PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR EACH customers"}`); err != nil {
		return nil, err
	}
	if strings.TrimSpace(body.SQL) == "" {
		return nil, newProblem(http.StatusUnprocessableEntity, fault{Code: "missing", Detail: "sql is empty, want CREATE TASK name AS ...", Pointer: "/sql"})
	}
	ctx, cancel := within(ctx, s.limits.QueryTime)
	defer cancel()
	done, err := s.heavy(ctx)
	if err != nil {
		return nil, s.problemOf(ctx, err)
	}
	defer done()
	t, err := k.CreateTask(ctx, TaskText(body), dry)
	if err != nil {
		return nil, s.problemOf(ctx, err) // here, because only this context has the deadline
	}
	t.Task = tidyTask(t.Task)
	out := &created{Status: http.StatusCreated, Location: "/v1/tasks/" + t.Task.Name, Body: *t}
	if !t.Stored {
		out.Status, out.Location = http.StatusOK, ""
	}
	return out, nil
}

// addLabels registers the label table, whose form the client chooses.
func (a api) addLabels(k Keeper) {
	const path = "/v1/tasks/{task}/labels"
	op := a.operation(ScopeRead, http.MethodGet, path, "get-labels", "The label table of a task, in the form that Accept names", 404, 406, 422)
	text := &huma.Schema{Type: huma.TypeString}
	op.Parameters = []*huma.Param{{Name: "task", In: "path", Required: true, Schema: text},
		{Name: "split", In: "query", Schema: &huma.Schema{Type: huma.TypeString, Enum: []any{"train", "val", "test"}}},
		{Name: "at", In: "query", Description: "one anchor", Schema: &huma.Schema{Type: huma.TypeString}},
		{Name: "limit", In: "query", Schema: &huma.Schema{Type: huma.TypeInteger, Minimum: new(float64)}}}
	content := map[string]*huma.MediaType{}
	for _, f := range LabelFormats {
		content[f.Media] = &huma.MediaType{Schema: &huma.Schema{}}
	}
	op.Responses["200"] = &huma.Response{Description: "OK", Content: content}
	a.OpenAPI().AddOperation(&op)
	a.s.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
		if err := a.s.getLabels(k, w, r); err != nil {
			a.s.writeProblem(w, r, err)
		}
	})
}

func (s *Server) getLabels(k Keeper, w http.ResponseWriter, r *http.Request) error {
	ask := LabelsRequest{Task: r.PathValue("task"), Limit: -1}
	var faults []fault
	for name, values := range r.URL.Query() {
		switch v := values[0]; name {
		case "split":
			if ask.Split = v; v != "train" && v != "val" && v != "test" {
				faults = append(faults, fault{Code: "wrong_value", Detail: fmt.Sprintf("split is %q, want train, val or test", clip(v))})
			}
		case "at":
			if err := ask.At.UnmarshalText([]byte(v)); err != nil || ask.At.IsZero() {
				faults = append(faults, fault{Code: "wrong_value", Detail: fmt.Sprintf("at is %q, want an RFC 3339 instant", clip(v)), Hint: "such as 2020-09-22T00:00:00Z"})
			}
		case "limit":
			n, err := strconv.Atoi(v)
			if ask.Limit = n; err != nil || n < 0 {
				faults = append(faults, fault{Code: "wrong_value", Detail: fmt.Sprintf("limit is %q, want a number of rows", clip(v))})
			}
		default:
			faults = append(faults, fault{Code: "unknown_parameter", Detail: fmt.Sprintf("unknown parameter %q", clip(name)), Hint: "known: at, limit, split"})
		}
	}
	if len(faults) > 0 {
		return newProblem(http.StatusUnprocessableEntity, faults...)
	}
	media := ""
	for _, f := range LabelFormats {
		if accepts(r.Header.Get("Accept"), f.Media) {
			media, ask.Format = f.Media, f.Format
			break
		}
	}
	if media == "" {
		var offered []string
		for _, f := range LabelFormats {
			offered = append(offered, f.Media)
		}
		return newProblem(http.StatusNotAcceptable, fault{Code: "accept", Detail: fmt.Sprintf("Accept is %q", clip(r.Header.Get("Accept"))), Hint: "offered: " + strings.Join(offered, ", ")})
	}
	done, err := s.heavy(r.Context())
	if err != nil {
		return err
	}
	defer done()
	out := &lazy{w: w, media: media}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Hour)) // labelling takes its time, a client too
	if err := k.Labels(r.Context(), ask, out); err != nil {
		if out.begun { // half a table is out; only a broken connection tells the client so
			panic(http.ErrAbortHandler)
		}
		return err
	}
	return nil
}

// lazy sets the media type with the first byte, so that a fault before it is a problem.
type lazy struct {
	w     http.ResponseWriter
	media string
	begun bool
}

func (l *lazy) Write(p []byte) (int, error) {
	if !l.begun {
		l.begun = true
		l.w.Header().Set("Content-Type", l.media)
	}
	return l.w.Write(p)
}

// accepts reports whether an Accept header allows a media type. Weights are ignored but for
// zero: the order of [LabelFormats] decides.
func accepts(header, media string) bool {
	if header == "" {
		return true
	}
	kind, _, _ := strings.Cut(media, "/")
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case media, kind + "/*", "*/*":
			q := strings.ReplaceAll(params, " ", "")
			return q != "q=0" && q != "q=0.0"
		}
	}
	return false
}

// readStrict reads a JSON body into v, which points to a struct, as its schema has it: known
// fields only, of the right type, none missing. example is shown with a fault.
func (s *Server) readStrict(in rawRequest, v any, example string) error {
	data, err := s.readBody(in.w, in.r)
	if err != nil {
		return err
	}
	if err := checkJSON(data, s.limits.JSONDepth); err != nil {
		return err
	}
	var loose any
	if err := json.Unmarshal(data, &loose); err != nil {
		return newProblem(http.StatusUnprocessableEntity, fault{Code: "wrong_value", Detail: "a number is beyond what JSON's readers share", Hint: example})
	}
	var result huma.ValidateResult
	schema := s.schemas.Schema(reflect.TypeOf(v).Elem(), true, "")
	huma.Validate(s.schemas, schema, huma.NewPathBuffer(nil, 0), huma.ModeWriteToServer, loose, &result)
	var faults []fault
	for _, e := range result.Errors {
		f := fault{Code: "wrong_value", Detail: e.Error(), Hint: example}
		if d := (*huma.ErrorDetail)(nil); errors.As(e, &d) {
			f.Detail, f.Pointer = d.Message, "/"+strings.NewReplacer(".", "/", "[", "/", "]", "").Replace(d.Location)
		}
		f.Pointer = strings.TrimSuffix(f.Pointer, "/")
		faults = append(faults, f)
	}
	if len(faults) > 0 {
		return newProblem(http.StatusUnprocessableEntity, faults...)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(v); err != nil {
		return newProblem(http.StatusUnprocessableEntity, fault{Code: "wrong_value", Detail: strings.TrimPrefix(err.Error(), "json: "), Hint: example})
	}
	return nil
}

// describeBody documents a body that a handler reads by itself.
func (a api) describeBody(path string, body, example any) {
	a.OpenAPI().Paths[path].Post.RequestBody = a.requestBody(body, example)
}

func (a api) describePut(path string, body, example any) {
	a.OpenAPI().Paths[path].Put.RequestBody = a.requestBody(body, example)
}

func (a api) requestBody(body, example any) *huma.RequestBody {
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {
		Schema: a.OpenAPI().Components.Schemas.Schema(reflect.TypeOf(body), true, ""), Example: example}}}
}
