package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// body wraps an answer for the API framework.
type body[T any] struct{ Body T }

type taskInput struct {
	Task string `path:"task" doc:"name of the task"`
}

type statusAnswer struct {
	Status string `json:"status"`
}

type tasksAnswer struct {
	Tasks []TaskInfo `json:"tasks" nullable:"false"`
}

type modelsAnswer struct {
	Models []ModelInfo `json:"models" nullable:"false"`
}

type taskModelsAnswer struct {
	Task   string      `json:"task"`
	Models []ModelInfo `json:"models" nullable:"false"`
}

// api couples the framework's API with the server while routes are added.
type api struct {
	huma.API
	s *Server
}

// routes registers every path and freezes the OpenAPI document.
func (s *Server) routes() error {
	schemas := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	s.schemas = schemas
	config := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{Title: "rowlink", Version: s.opt.Version,
				Description: "Predictions about rows of a database: send keys and a moment, get predictions, eligibility and explanations."},
			Components: &huma.Components{Schemas: schemas, SecuritySchemes: map[string]*huma.SecurityScheme{
				"token": {Type: "http", Scheme: "bearer", Description: "needed where the workspace has tokens; made by rowlink tokens create"}}},
		},
		Formats:       huma.DefaultFormats,
		DefaultFormat: "application/json",
	}
	a := api{humago.New(s.mux, config), s}

	add(a, ScopePredict, http.MethodPost, "/v1/tasks/{task}/predict", "predict", "Predict entities by key at a moment", s.predict,
		400, 404, 408, 413, 415, 422, 503, 504)
	if _, asks := s.opt.Backend.(Asker); asks {
		add(a, ScopePredict, http.MethodPost, "/v1/query", "query", "Answer a question that no version was trained for", s.query, 400, 408, 413, 415, 422, 503, 504)
		a.describeQueryBody(schemas)
	}
	add(a, ScopeRead, http.MethodGet, "/v1/tasks", "list-tasks", "All tasks", s.getTasks)
	add(a, ScopeRead, http.MethodGet, "/v1/tasks/{task}", "get-task", "One task", s.getTask, 404)
	add(a, ScopeRead, http.MethodGet, "/v1/models", "list-models", "All model versions with their scores beside the baselines", s.getModels)
	add(a, ScopeRead, http.MethodGet, "/v1/models/{task}", "get-models", "The model versions of one task", s.getTaskModels, 404)
	add(a, ScopeRead, http.MethodGet, "/v1/limits", "get-limits", "Every limit in force", s.getLimits)
	add(a, Anyone, http.MethodGet, "/healthz", "live", "The process lives", s.getHealth)
	add(a, Anyone, http.MethodGet, "/readyz", "ready", "Predictions can be answered", s.getReady, 503)
	a.describePredictBody(schemas)
	a.addTasks()
	a.addDrift()
	a.addImportance()
	a.addUndo()
	a.addJobs()
	// The framework describes its own error body, which no handler of ours sends.
	delete(schemas.Map(), "ErrorModel")
	delete(schemas.Map(), "ErrorDetail")
	a.addOIP()
	a.addPlain("/metrics", "metrics", "Metrics in the Prometheus text format", "text/plain", s.metrics.handler())
	a.addPlain("/openapi.json", "openapi", "This document", "application/openapi+json", http.HandlerFunc(s.getOpenAPI))
	a.addPages(s.opt.Pages)

	var err error
	if s.openAPI, err = json.MarshalIndent(a.OpenAPI(), "", "  "); err != nil {
		return fmt.Errorf("write OpenAPI document: %w", err)
	}
	return nil
}

// add registers one operation with its documented error statuses.
func add[I, O any](a api, scope Scope, method, path, id, summary string, f func(context.Context, *I) (*O, error), statuses ...int) {
	op := a.operation(scope, method, path, id, summary, statuses...)
	huma.Register(a, op, func(ctx context.Context, in *I) (*body[O], error) {
		out, err := f(ctx, in)
		if err != nil {
			return nil, a.s.problemOf(ctx, err)
		}
		return &body[O]{*out}, nil
	})
}

// operation begins the description of an operation with its documented error statuses, and
// notes what scope it needs.
func (a api) operation(scope Scope, method, path, id, summary string, statuses ...int) huma.Operation {
	a.s.scopes[method+" "+path] = scope
	op := huma.Operation{Method: method, Path: path, OperationID: id, Summary: summary, Responses: map[string]*huma.Response{}}
	schema := a.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[problem](), true, "")
	if scope != Anyone {
		statuses = append(statuses, http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests, http.StatusServiceUnavailable)
	}
	op.Security = a.security(scope)
	for _, status := range append(statuses, http.StatusInternalServerError) {
		op.Responses[strconv.Itoa(status)] = problemResponse(status, schema)
	}
	return op
}

func problemResponse(status int, schema *huma.Schema) *huma.Response {
	return &huma.Response{Description: http.StatusText(status), Content: map[string]*huma.MediaType{"application/problem+json": {Schema: schema}}}
}

// security documents what an operation needs: nothing where the server started without
// tokens.
func (a api) security(scope Scope) []map[string][]string {
	need := []map[string][]string{{"token": {string(scope)}}}
	switch g := a.s.opt.Gatekeeper; {
	case scope == Anyone:
		return nil
	case g == nil || !g.Required():
		return append([]map[string][]string{{}}, need...)
	}
	return need
}

// describePredictBody documents the body that predict reads by itself.
func (a api) describePredictBody(schemas huma.Registry) {
	op := a.OpenAPI().Paths["/v1/tasks/{task}/predict"].Post
	schema := schemas.Schema(reflect.TypeFor[predictRequest](), true, "")
	ofPredict := schemas.SchemaFromRef(schema.Ref).Properties
	most, top := a.s.limits.Entities, float64(a.s.limits.ExplainTop)
	ofPredict["entities"].MaxItems = &most
	explain := ofPredict["explain"]
	if explain.Ref != "" {
		explain = schemas.SchemaFromRef(explain.Ref)
	}
	explain.Properties["top"].Maximum = &top
	op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {
		Schema:  schema,
		Example: map[string]any{"entities": []any{42, 57}, "anchor": "2020-09-22T00:00:00Z", "explain": map[string]any{"top": 5}},
	}}}
}

// addPlain registers a GET handler that writes its own content type.
func (a api) addPlain(path, id, summary, media string, h http.Handler) {
	pattern := path
	if path == "/" {
		pattern = "/{$}" // the root alone, not everything below it
	}
	a.s.mux.Handle("GET "+pattern, h)
	a.s.scopes["GET "+pattern] = ScopeRead
	schema := a.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[problem](), true, "")
	op := &huma.Operation{Method: http.MethodGet, Path: path, OperationID: id, Summary: summary, Security: a.security(ScopeRead),
		Responses: map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{media: {Schema: &huma.Schema{Type: huma.TypeString}}}}}}
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable} {
		op.Responses[strconv.Itoa(status)] = problemResponse(status, schema)
	}
	a.OpenAPI().AddOperation(op)
}

type none struct{}

func (s *Server) getTasks(ctx context.Context, _ *none) (*tasksAnswer, error) {
	tasks, err := s.opt.Backend.Tasks(ctx)
	if err != nil {
		return nil, err
	}
	out := &tasksAnswer{Tasks: make([]TaskInfo, len(tasks))}
	for i, t := range tasks {
		out.Tasks[i] = tidyTask(t)
	}
	return out, nil
}

func (s *Server) getTask(ctx context.Context, in *taskInput) (*TaskInfo, error) {
	tasks, err := s.opt.Backend.Tasks(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, t := range tasks {
		if t.Name == in.Task {
			t = tidyTask(t)
			return &t, nil
		}
		names = append(names, t.Name)
	}
	return nil, noTask(in.Task, names)
}

func noTask(name string, have []string) error {
	hint := "there is none yet"
	if len(have) > 0 {
		hint = "have " + list(have)
	}
	return NotFound{Detail: fmt.Sprintf("no task %q", clip(name)), Hint: hint}
}

func (s *Server) getModels(ctx context.Context, _ *none) (*modelsAnswer, error) {
	models, err := s.opt.Backend.Models(ctx)
	if err != nil {
		return nil, err
	}
	out := &modelsAnswer{Models: make([]ModelInfo, len(models))}
	for i, m := range models {
		out.Models[i] = tidyModel(m)
	}
	return out, nil
}

func (s *Server) getTaskModels(ctx context.Context, in *taskInput) (*taskModelsAnswer, error) {
	models, err := s.opt.Backend.Models(ctx)
	if err != nil {
		return nil, err
	}
	out := &taskModelsAnswer{Task: in.Task, Models: []ModelInfo{}}
	for _, m := range models {
		if m.Task == in.Task {
			out.Models = append(out.Models, tidyModel(m))
		}
	}
	if len(out.Models) == 0 { // a task without models has none; an unknown task is an error
		if _, err := s.getTask(ctx, in); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s *Server) getLimits(context.Context, *none) (*limitsAnswer, error) {
	out := s.limits.answer()
	return &out, nil
}

func (s *Server) getHealth(context.Context, *none) (*statusAnswer, error) {
	return &statusAnswer{"live"}, nil
}

func (s *Server) getReady(ctx context.Context, _ *none) (*statusAnswer, error) {
	if s.draining.Load() {
		return nil, errDraining()
	}
	if err := s.opt.Ready(ctx); err != nil {
		s.log.DebugContext(ctx, "not ready", "error", err)
		return nil, unavailable("not_ready", "data or model are not loaded yet", time.Second)
	}
	return &statusAnswer{"ready"}, nil
}

func (s *Server) getOpenAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/openapi+json")
	_, _ = w.Write(s.openAPI)
}

// tidyTask makes absent lists empty, so that they are arrays in JSON, and drops example
// keys that are no JSON.
func tidyTask(t TaskInfo) TaskInfo {
	t.Key, t.KeyTypes = orEmpty(t.Key), orEmpty(t.KeyTypes)
	for len(t.KeyTypes) < len(t.Key) {
		t.KeyTypes = append(t.KeyTypes, "text")
	}
	var keys []json.RawMessage
	for _, k := range t.ExampleKeys {
		if json.Valid(k) {
			keys = append(keys, k)
		}
	}
	t.ExampleKeys = keys
	return t
}

func tidyModel(m ModelInfo) ModelInfo {
	m.Aliases = orEmpty(m.Aliases)
	m.Created, m.DataUntil = m.Created.UTC(), m.DataUntil.UTC()
	if m.Metrics == nil {
		m.Metrics = Scores{}
	}
	return m
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
