package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rowlink/rowlink/jobs"
)

// Planner is a [Backend] whose tasks can be trained and scored whole, as jobs.
type Planner interface {
	// PlanTrain checks what is asked of a training, with options named as those of TRAIN,
	// and returns what the job of kind "train" needs.
	PlanTrain(ctx context.Context, task string, options map[string]string) (json.RawMessage, error)
	// PlanBatch does the same for scoring everybody who is eligible, kind "batch".
	PlanBatch(ctx context.Context, b BatchRequest) (json.RawMessage, error)
	// BatchFile names the file in a job's folder that a batch leaves, and its media type.
	BatchFile(j jobs.Job) (name, media string)
}

// BatchRequest asks for the predictions of everybody who is eligible.
type BatchRequest struct {
	Task    string     `json:"task" minLength:"1"`
	Version string     `json:"version,omitempty" doc:"version to ask; the one in service when absent"`
	Anchor  *time.Time `json:"anchor,omitempty" doc:"the moment to predict at; the end of the data when absent"`
	Format  string     `json:"format,omitempty" enum:"csv,parquet,arrow,ndjson" doc:"of the result; ndjson when absent"`
	Where   string     `json:"where,omitempty" doc:"only rows of which this holds at the anchor, written as the WHERE of a task"`
	Sink    *BatchSink `json:"sink,omitempty" doc:"a table in the server's database for predictions, instead of a file"`
}

// BatchSink names a table. In which database it is, and by which role it is written, is the
// server's: a request cannot say.
type BatchSink struct {
	Table  string `json:"table" minLength:"1" maxLength:"127" doc:"name or schema.name; made where it is missing"`
	Append bool   `json:"append,omitempty" doc:"keep the rows that are there; the column run tells runs apart. Otherwise they are replaced in one step"`
}

type trainInput struct {
	Task string `path:"task" doc:"name of the task"`
	Key  string `header:"Idempotency-Key" maxLength:"200" doc:"the same key and request give the same job"`
	rawRequest
}

// trainBody is the body of a training request.
type trainBody struct {
	Options map[string]any `json:"options,omitempty" doc:"as in TRAIN task WITH (...): seed, epochs, model, layer, ..."`
}

type batchInput struct {
	Key string `header:"Idempotency-Key" maxLength:"200" doc:"the same key and request give the same job"`
	rawRequest
}

type jobInput struct {
	ID string `path:"id" doc:"id of the job"`
}

type jobsAnswer struct {
	Jobs []jobs.Job `json:"jobs" nullable:"false" doc:"the latest first"`
}

// accepted is an answer with status 202 and the place of the job.
type accepted struct {
	Status   int
	Location string `header:"Location"`
	Body     jobs.Job
}

// addJobs registers the paths of jobs.
func (a api) addJobs() {
	planner, ok := a.s.opt.Backend.(Planner)
	if !ok || a.s.opt.Jobs == nil {
		return
	}
	addAccepted(a, "/v1/tasks/{task}/train", "train", "Train a task as a job", trainBody{}, map[string]any{"options": map[string]any{"seed": 7}},
		func(ctx context.Context, in *trainInput) (*accepted, error) { return a.s.train(ctx, planner, in) })
	addAccepted(a, "/v1/batches", "batch", "Predict everybody who is eligible, as a job", BatchRequest{}, map[string]any{"task": "churn", "format": "parquet"},
		func(ctx context.Context, in *batchInput) (*accepted, error) { return a.s.batch(ctx, planner, in) })
	add(a, ScopeRead, http.MethodGet, "/v1/jobs", "list-jobs", "All jobs", a.s.getJobs)
	add(a, ScopeRead, http.MethodGet, "/v1/jobs/{id}", "get-job", "One job", a.s.getJob, 404)
	add(a, ScopeTrain, http.MethodDelete, "/v1/jobs/{id}", "cancel-job", "Cancel a job", a.s.cancelJob, 404)
	a.addStream(ScopeRead, "/v1/jobs/{id}/events", "job-events", "What a job says, as server-sent events", a.s.getEvents, "text/event-stream")
	a.addStream(ScopePredict, "/v1/jobs/{id}/result", "job-result", "The file that a batch made", func(w http.ResponseWriter, r *http.Request) error {
		return a.s.getResult(planner, w, r)
	}, "application/x-ndjson", "text/csv", "application/vnd.apache.parquet", "application/vnd.apache.arrow.stream")
}

// addAccepted registers an operation that makes a job.
func addAccepted[I any](a api, path, id, summary string, body any, example any, f func(context.Context, *I) (*accepted, error)) {
	op := a.operation(ScopeTrain, http.MethodPost, path, id, summary, 400, 404, 408, 409, 413, 415, 422, 503)
	op.DefaultStatus = http.StatusAccepted
	huma.Register(a, op, func(ctx context.Context, in *I) (*accepted, error) {
		out, err := f(ctx, in)
		if err != nil {
			return nil, a.s.problemOf(ctx, err)
		}
		out.Status = http.StatusAccepted
		return out, nil
	})
	a.describeBody(path, body, example)
}

// addStream registers a GET that writes by itself.
func (a api) addStream(scope Scope, path, id, summary string, f func(http.ResponseWriter, *http.Request) error, medias ...string) {
	op := a.operation(scope, http.MethodGet, path, id, summary, 404, 409)
	op.Parameters = []*huma.Param{{Name: "id", In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}}}
	content := map[string]*huma.MediaType{}
	for _, media := range medias {
		content[media] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
	}
	op.Responses["200"] = &huma.Response{Description: "OK", Content: content}
	a.OpenAPI().AddOperation(&op)
	a.s.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
		if err := f(w, r); err != nil {
			a.s.writeProblem(w, r, err)
		}
	})
}

func (s *Server) train(ctx context.Context, p Planner, in *trainInput) (*accepted, error) {
	var body trainBody
	if err := s.readStrict(in.rawRequest, &body, `{"options": {"seed": 7}}`); err != nil {
		return nil, err
	}
	options := map[string]string{}
	for name, v := range body.Options {
		text, err := optionText(v)
		if err != nil {
			return nil, newProblem(http.StatusUnprocessableEntity, fault{Code: "wrong_type", Pointer: "/options/" + pointerEscape.Replace(name),
				Detail: fmt.Sprintf("option %q: %v", clip(name), err)})
		}
		options[name] = text
	}
	request, err := p.PlanTrain(ctx, in.Task, options)
	if err != nil {
		return nil, err
	}
	return s.submit("train", in.Task, request, in.Key)
}

// optionText writes a value as TRAIN ... WITH has it.
func optionText(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case json.Number:
		return v.String(), nil
	case []any:
		out := ""
		for i, e := range v {
			text, err := optionText(e)
			if _, deep := e.([]any); err != nil || deep {
				return "", errors.New("want a list of numbers or texts")
			}
			if i > 0 {
				out += ","
			}
			out += text
		}
		return out, nil
	}
	return "", errors.New("want a number, a text, a boolean or a list of those")
}

func (s *Server) batch(ctx context.Context, p Planner, in *batchInput) (*accepted, error) {
	var body BatchRequest
	if err := s.readStrict(in.rawRequest, &body, `{"task": "churn", "format": "parquet"}`); err != nil {
		return nil, err
	}
	request, err := p.PlanBatch(ctx, body)
	if err != nil {
		return nil, err
	}
	return s.submit("batch", body.Task, request, in.Key)
}

// submit hands a job to the queue.
func (s *Server) submit(kind, task string, request json.RawMessage, key string) (*accepted, error) {
	j, _, err := s.opt.Jobs.Submit(kind, task, request, key)
	full, used := (*jobs.FullError)(nil), (*jobs.KeyError)(nil)
	switch {
	case errors.As(err, &full):
		const wait = 30 * time.Second
		return nil, unavailable("overloaded", fmt.Sprintf("%d jobs wait already", full.Waiting), wait)
	case errors.As(err, &used):
		return nil, newProblem(http.StatusConflict, fault{Code: "idempotency_key", Detail: used.Error(), Hint: "take a new key for a new request"})
	case err != nil:
		return nil, err
	}
	return &accepted{Location: "/v1/jobs/" + j.ID, Body: j}, nil
}

func (s *Server) getJobs(context.Context, *none) (*jobsAnswer, error) {
	return &jobsAnswer{s.opt.Jobs.Jobs()}, nil
}

func (s *Server) getJob(_ context.Context, in *jobInput) (*jobs.Job, error) {
	j, _, ok := s.opt.Jobs.Job(in.ID)
	if !ok {
		return nil, noJob(in.ID)
	}
	return &j, nil
}

func noJob(id string) error {
	return NotFound{Detail: fmt.Sprintf("no job %q", clip(id)), Hint: "GET /v1/jobs lists them"}
}

func (s *Server) cancelJob(_ context.Context, in *jobInput) (*jobs.Job, error) {
	j, ok := s.opt.Jobs.Cancel(in.ID)
	if !ok {
		return nil, noJob(in.ID)
	}
	return &j, nil
}

// Times of an event stream: how often it says that it lives, and how long a client may take
// to read.
const (
	heartbeat  = 15 * time.Second
	streamTime = 30 * time.Second
)

// getEvents streams what a job says (HTML Living Standard, server-sent events), from the
// event behind Last-Event-ID on, until the job ends or the server drains; the client then
// comes back by itself.
func (s *Server) getEvents(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	after, _ := strconv.Atoi(r.Header.Get("Last-Event-ID"))
	if _, _, _, ok := s.opt.Jobs.Events(id, after); !ok {
		return noJob(id)
	}
	w.Header().Set("Content-Type", "text/event-stream")
	c := http.NewResponseController(w)
	send := func(text string) bool {
		_ = c.SetWriteDeadline(time.Now().Add(streamTime)) // not every writer has one
		if _, err := w.Write([]byte(text)); err != nil {
			return false
		}
		return c.Flush() == nil
	}
	_ = c.SetReadDeadline(time.Time{})
	if !send("retry: 2000\n\n") {
		return nil
	}
	for {
		list, done, more, ok := s.opt.Jobs.Events(id, after)
		for _, e := range list {
			data, err := json.Marshal(e)
			if err != nil || !send(fmt.Sprintf("id: %d\nevent: %s\ndata: %s\n\n", e.ID, e.Kind, data)) {
				return nil
			}
			after = e.ID
		}
		if done || !ok {
			if len(list) == 0 || done {
				send("event: end\ndata: {}\n\n")
				return nil
			}
		}
		select {
		case <-more:
		case <-time.After(heartbeat):
			if !send(": lives\n\n") {
				return nil
			}
		case <-r.Context().Done():
			return nil
		case <-s.drained:
			return nil
		}
	}
}

// getResult sends the file of a batch.
func (s *Server) getResult(p Planner, w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	j, dir, ok := s.opt.Jobs.Job(id)
	if !ok {
		return noJob(id)
	}
	name, media := p.BatchFile(j)
	switch {
	case name == "":
		return newProblem(http.StatusConflict, fault{Code: "no_result", Detail: fmt.Sprintf("a job of kind %s leaves no file", j.Kind), Hint: "GET /v1/jobs/" + j.ID + " has its result"})
	case j.State != jobs.Succeeded:
		return newProblem(http.StatusConflict, fault{Code: "no_result", Detail: "the job is " + string(j.State), Hint: "its events tell when it has succeeded"})
	}
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	defer f.Close()
	c := http.NewResponseController(w)
	const most = time.Hour // for slow clients of large files
	_ = c.SetWriteDeadline(time.Now().Add(most))
	w.Header().Set("Content-Type", media)
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", j.Task+"-"+name))
	http.ServeContent(w, r, "", j.Ended, f) // ranges, so that a broken download goes on
	return nil
}
