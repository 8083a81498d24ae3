package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rowlink/rowlink/server/oip"
)

// oipRoot is where the Open Inference Protocol has its paths, with its own form of errors.
const oipRoot = "/v2"

func isOIP(r *http.Request) bool {
	return r.URL.Path == oipRoot || strings.HasPrefix(r.URL.Path, oipRoot+"/")
}

// oipOperation is one path of the protocol.
type oipOperation struct {
	scope                     Scope
	method, path, id, summary string
	serve                     func(s *Server, w http.ResponseWriter, r *http.Request) error
	schema                    *huma.Schema // of the answer; nil = none is ever given
	statuses                  []int        // of errors
}

// oipOperations are the protocol's paths, and those that Triton and KServe have beside it
// and clients ask for. A model is a task.
var oipOperations = []oipOperation{
	{ScopeRead, "GET", "/v2", "oip-server", "Open Inference Protocol: server metadata", (*Server).oipServer, oipServerSchema, nil},
	{ScopeRead, "GET", "/v2/", "oip-server-slash", "Open Inference Protocol: server metadata", (*Server).oipServer, oipServerSchema, nil},
	{Anyone, "GET", "/v2/health/live", "oip-live", "Open Inference Protocol: the process lives", (*Server).oipLive, oipHealthSchema, nil},
	{Anyone, "GET", "/v2/health/ready", "oip-ready", "Open Inference Protocol: predictions can be answered", (*Server).oipReady, oipHealthSchema, []int{503}},
	{ScopeRead, "GET", "/v2/models", "oip-models", "Open Inference Protocol: names of the models, which are tasks", (*Server).oipModels, oipModelsSchema, nil},
	{ScopeRead, "POST", "/v2/repository/index", "oip-index", "Open Inference Protocol: the loaded versions", (*Server).oipIndex, oipIndexSchema, nil},
	{ScopeRead, "GET", "/v2/models/{model}", "oip-model", "Open Inference Protocol: inputs and outputs of a model", (*Server).oipModel, oipModelSchema, []int{404}},
	{ScopeRead, "GET", "/v2/models/{model}/ready", "oip-model-ready", "Open Inference Protocol: a model answers", (*Server).oipModelReady, oipModelReadySchema, []int{404, 503}},
	{ScopePredict, "POST", "/v2/models/{model}/infer", "oip-infer", "Open Inference Protocol: predict entities by key", (*Server).oipInfer, oipAnswerSchema, oipInferStatuses},
	{ScopeRead, "GET", "/v2/models/{model}/versions/{version}", "oip-version", "Open Inference Protocol: inputs and outputs of a version", (*Server).oipModel, oipModelSchema, []int{404}},
	{ScopeRead, "GET", "/v2/models/{model}/versions/{version}/ready", "oip-version-ready", "Open Inference Protocol: a version answers", (*Server).oipModelReady, oipModelReadySchema, []int{404, 503}},
	{ScopePredict, "POST", "/v2/models/{model}/versions/{version}/infer", "oip-version-infer", "Open Inference Protocol: predict entities by key with one version", (*Server).oipInfer, oipAnswerSchema, oipInferStatuses},
	{ScopeRead, "POST", "/v2/repository/models/{model}/load", "oip-load", "Open Inference Protocol: not offered; promote a version instead", (*Server).oipRepository, nil, []int{501}},
	{ScopeRead, "POST", "/v2/repository/models/{model}/unload", "oip-unload", "Open Inference Protocol: not offered", (*Server).oipRepository, nil, []int{501}},
}

var oipInferStatuses = []int{400, 404, 408, 413, 415, 422, 501, 503, 504}

// addOIP registers the protocol's paths.
func (a api) addOIP() {
	for _, o := range oipOperations {
		pattern := o.path
		if strings.HasSuffix(pattern, "/") {
			pattern += "{$}"
		}
		a.s.scopes[o.method+" "+pattern] = o.scope
		if o.scope != Anyone {
			o.statuses = append(slices.Clone(o.statuses), http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests, http.StatusServiceUnavailable)
		}
		a.s.mux.HandleFunc(o.method+" "+pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := o.serve(a.s, w, r); err != nil {
				a.s.writeProblem(w, r, err)
			}
		})
		op := &huma.Operation{Method: o.method, Path: o.path, OperationID: o.id, Summary: o.summary, Responses: map[string]*huma.Response{}}
		if o.schema != nil {
			op.Responses["200"] = &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{"application/json": {Schema: o.schema}}}
		}
		for _, name := range []string{"model", "version"} {
			if strings.Contains(o.path, "{"+name+"}") {
				op.Parameters = append(op.Parameters, &huma.Param{Name: name, In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}})
			}
		}
		for _, status := range append(o.statuses, http.StatusInternalServerError) {
			op.Responses[strconv.Itoa(status)] = &huma.Response{Description: http.StatusText(status),
				Content: map[string]*huma.MediaType{"application/json": {Schema: oipErrorSchema}}}
		}
		op.Security = a.security(o.scope)
		if strings.HasSuffix(o.path, "/infer") {
			op.Responses["200"].Content["application/octet-stream"] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
			op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: oipRequestSchema,
				Example: map[string]any{"inputs": []any{map[string]any{"name": "entity", "shape": []int{2}, "datatype": "INT64", "data": []int{42, 57}}}}}}}
		}
		a.OpenAPI().AddOperation(op)
	}
}

// writeOIPError writes the protocol's form of an error.
func writeOIPError(w http.ResponseWriter, p *problem) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(p.Status)
	text := p.Detail
	if len(p.Errors) == 1 && p.Errors[0].Hint != "" {
		text += " (" + p.Errors[0].Hint + ")"
	}
	// Nobody can be told that the client does not read.
	_ = json.NewEncoder(w).Encode(map[string]string{"error": text})
}

// oipProblem turns a refusal by the protocol's reader into a problem.
func oipProblem(err error) error {
	if e := (*oip.Error)(nil); errors.As(err, &e) {
		return newProblem(e.Status, fault{Code: "oip", Detail: e.Text})
	}
	return err
}

func writeJSON(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // nobody can be told that the client does not read
	return nil
}

func (s *Server) oipServer(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, oip.ServerMetadata{Name: "rowlink", Version: s.opt.Version, Extensions: append(slices.Clone(oip.Extensions), "model_repository")})
}

// health carries both readings of the specification: its text names the key of readiness
// "live" too.
type health struct {
	Live  bool `json:"live"`
	Ready bool `json:"ready"`
}

func (s *Server) oipLive(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, health{true, !s.draining.Load()})
}

func (s *Server) oipReady(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.getReady(r.Context(), nil); err != nil {
		return err
	}
	return writeJSON(w, health{true, true})
}

func (s *Server) oipModels(w http.ResponseWriter, r *http.Request) error {
	infos, err := s.opt.Backend.Tasks(r.Context())
	if err != nil {
		return err
	}
	names := []string{}
	for _, t := range infos {
		if t.Serving != "" {
			names = append(names, t.Name)
		}
	}
	return writeJSON(w, map[string]any{"models": names})
}

// indexed is an entry of the repository index.
type indexed struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	State   string `json:"state"`
}

func (s *Server) oipIndex(w http.ResponseWriter, r *http.Request) error {
	models, err := s.opt.Backend.Models(r.Context())
	if err != nil {
		return err
	}
	out := []indexed{}
	for _, m := range models {
		if m.Serving {
			out = append(out, indexed{m.Task, m.Version, "READY"})
		}
	}
	return writeJSON(w, out)
}

func (s *Server) oipRepository(http.ResponseWriter, *http.Request) error {
	return newProblem(http.StatusNotImplemented, fault{Code: "oip", Detail: "models are not loaded or unloaded over this protocol",
		Hint: "a promotion puts a version into service, and any stored version is loaded when it is asked"})
}

// oipTask finds the task and the versions of a request, or says that there is none.
func (s *Server) oipTask(ctx context.Context, r *http.Request) (*TaskInfo, []ModelInfo, error) {
	task, err := s.getTask(ctx, &taskInput{Task: r.PathValue("model")})
	if err != nil {
		return nil, nil, err
	}
	models, err := s.getTaskModels(ctx, &taskInput{Task: task.Name})
	if err != nil {
		return nil, nil, err
	}
	version, have := r.PathValue("version"), []string{}
	for _, m := range models.Models {
		have = append(have, m.Version)
	}
	if version != "" && !slices.Contains(have, version) {
		return nil, nil, NotFound{Detail: "model " + strconv.Quote(clip(task.Name)) + " has no version " + strconv.Quote(clip(version)), Hint: "have " + list(have)}
	}
	return task, models.Models, nil
}

func (s *Server) oipModel(w http.ResponseWriter, r *http.Request) error {
	task, models, err := s.oipTask(r.Context(), r)
	if err != nil {
		return err
	}
	m := oip.ModelMetadata{Name: task.Name, Platform: "rowlink", Inputs: oipInputs(task), Outputs: oipOutputs(task)}
	for _, v := range models {
		m.Versions = append(m.Versions, v.Version)
	}
	return writeJSON(w, m)
}

func (s *Server) oipModelReady(w http.ResponseWriter, r *http.Request) error {
	task, _, err := s.oipTask(r.Context(), r)
	if err != nil {
		return err
	}
	if task.Serving == "" && r.PathValue("version") == "" {
		return unavailable("not_ready", "model "+strconv.Quote(task.Name)+" has no version in service", 5*time.Second)
	}
	return writeJSON(w, map[string]any{"name": task.Name, "ready": true})
}
