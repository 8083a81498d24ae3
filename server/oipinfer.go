package server

import (
	"context"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rowlink/rowlink/server/oip"
)

// oipInfer answers an inference request: the same admission, limits and predictions as
// POST /v1/tasks/{task}/predict. The protocol has no error for a row, so the first entity
// without prediction fails the request, and is named.
func (s *Server) oipInfer(w http.ResponseWriter, r *http.Request) error {
	leave, err := s.admit()
	if err != nil {
		return err
	}
	defer leave()
	ctx, cancel := within(r.Context(), s.limits.PredictTime)
	defer cancel()
	a, err := s.infer(ctx, w, r)
	if err != nil {
		return s.problemOf(ctx, oipProblem(err)) // here, because only this context has the deadline
	}
	return a.Write(w)
}

func (s *Server) infer(ctx context.Context, w http.ResponseWriter, r *http.Request) (*oip.Answer, error) {
	req, err := s.readOIP(w, r)
	if err != nil {
		return nil, err
	}
	task, err := s.getTask(ctx, &taskInput{Task: r.PathValue("model")})
	if err != nil {
		return nil, err
	}
	if len(task.Key) == 0 { // its text is gone or fits the schema no more
		return nil, unavailable("not_ready", "model "+strconv.Quote(task.Name)+" has no version in service", 5*time.Second)
	}
	q, err := s.oipQuestions(task, req)
	if err != nil {
		return nil, err
	}
	var parts []*predictAnswer
	for _, group := range q.groups() {
		base := PredictRequest{Task: task.Name, Version: r.PathValue("version"), Anchor: group.anchor, ExplainTop: q.explain, Interval: q.interval}
		body := &predictBody{entities: group.entities, interval: q.interval, top: q.explain}
		answer, err := s.ask(ctx, base, body)
		if err != nil {
			return nil, err
		}
		for i := range answer.Predictions {
			answer.Predictions[i].Index = group.at[answer.Predictions[i].Index]
		}
		for i := range answer.Errors {
			answer.Errors[i].Index = group.at[answer.Errors[i].Index]
		}
		parts = append(parts, answer)
	}
	return q.answer(task, req, parts)
}

// readOIP reads the body: JSON, or JSON with binary tensors behind it.
func (s *Server) readOIP(w http.ResponseWriter, r *http.Request) (*oip.Request, error) {
	length := r.Header.Get(oip.LengthHeader)
	if err := checkOIPMedia(r); err != nil {
		return nil, err
	}
	data, err := s.readAll(w, r)
	if err != nil {
		return nil, err
	}
	text, tail := data, []byte(nil)
	if length != "" {
		n, err := strconv.Atoi(length)
		if err != nil || n < 0 || n > len(data) {
			return nil, newProblem(http.StatusBadRequest, fault{Code: "oip", Detail: fmt.Sprintf("%s is %q, the body has %d bytes", oip.LengthHeader, clip(length), len(data))})
		}
		text, tail = data[:n], data[n:]
	}
	if err := checkJSON(text, s.limits.JSONDepth); err != nil {
		return nil, err
	}
	return oip.Parse(text, tail, s.limits.Entities)
}

// oipQuestions are the entities of a request with their anchors.
type oipQuestions struct {
	entities []json.RawMessage
	anchors  []time.Time // one, or one per entity; empty = the default
	interval float64
	explain  int
	topK     int
}

// oipGroup is entities with one anchor.
type oipGroup struct {
	anchor   time.Time
	entities []json.RawMessage
	at       []int // their places in the request
}

func (q *oipQuestions) groups() []*oipGroup {
	all := &oipGroup{entities: q.entities, at: make([]int, len(q.entities))}
	for i := range all.at {
		all.at[i] = i
	}
	switch len(q.anchors) {
	case 1:
		all.anchor = q.anchors[0]
		fallthrough
	case 0:
		return []*oipGroup{all}
	}
	var out []*oipGroup
	by := map[time.Time]*oipGroup{}
	for i, at := range q.anchors {
		g := by[at]
		if g == nil {
			g = &oipGroup{anchor: at}
			by[at], out = g, append(out, g)
		}
		g.entities, g.at = append(g.entities, q.entities[i]), append(g.at, i)
	}
	return out
}

// oipQuestions reads the inputs and parameters of a request.
func (s *Server) oipQuestions(task *TaskInfo, req *oip.Request) (*oipQuestions, error) {
	q := &oipQuestions{}
	keys := make([]*oip.Tensor, len(task.Key))
	for i := range req.Inputs {
		in := &req.Inputs[i]
		at := slices.Index(task.Key, in.Name)
		if in.Name == "entity" && len(task.Key) == 1 {
			at = 0
		}
		switch {
		case at >= 0 && keys[at] == nil:
			keys[at] = in
		case in.Name == "anchor":
			if err := q.readAnchors(in); err != nil {
				return nil, err
			}
		default:
			return nil, oipWrong("unknown input %q, want %s", in.Name, inputNames(task))
		}
	}
	for i, k := range keys {
		if k == nil {
			return nil, oipWrong("there is no input %q, want %s", oipInputs(task)[i].Name, inputNames(task))
		}
		if len(k.Elements) != len(keys[0].Elements) || len(k.Elements) == 0 {
			return nil, oipWrong("input %q has %d elements, want as many as there are entities, at least one", k.Name, len(k.Elements))
		}
	}
	for i := range keys[0].Elements {
		parts := make([]json.RawMessage, len(keys))
		for j, k := range keys {
			parts[j] = keyElement(k.Elements[i], k.Datatype, task.KeyTypes[j])
		}
		key := parts[0]
		if len(parts) > 1 {
			key = joinKey(parts)
		}
		q.entities = append(q.entities, key)
	}
	if n := len(q.anchors); n > 1 && n != len(q.entities) {
		return nil, oipWrong("input \"anchor\" has %d elements, want 1 or one for each of the %d entities", n, len(q.entities))
	}
	return q, q.readParameters(task, req.Parameters, s.limits)
}

func oipWrong(format string, args ...any) error {
	return newProblem(http.StatusUnprocessableEntity, fault{Code: "oip", Detail: fmt.Sprintf(format, args...)})
}

func inputNames(task *TaskInfo) string {
	var names []string
	for _, in := range oipInputs(task) {
		names = append(names, in.Name)
	}
	return strings.Join(names, ", ")
}

func joinKey(parts []json.RawMessage) json.RawMessage {
	out := []byte("[")
	for i, p := range parts {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, p...)
	}
	return append(out, ']')
}

// keyElement writes an element as a key of a type: clients that know only strings send
// numbers as such.
func keyElement(raw json.RawMessage, datatype, keyType string) json.RawMessage {
	if datatype != "BYTES" || keyType == "text" || keyType == "time" {
		return raw
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return raw
	}
	bare := json.RawMessage(strings.TrimSpace(text))
	if len(bare) == 0 || !json.Valid(bare) || !isScalar(bare) || bare[0] == '"' {
		return raw
	}
	return bare
}

func (q *oipQuestions) readAnchors(in *oip.Tensor) error {
	for i, e := range in.Elements {
		var body predictBody
		if in.Datatype != "BYTES" {
			return oipWrong("input \"anchor\" is of %s, want BYTES of RFC 3339", in.Datatype)
		}
		if f := readAnchor(&body, e); f != nil {
			return oipWrong("element %d of the input: %s (%s)", i, f.Detail, f.Hint)
		}
		q.anchors = append(q.anchors, body.anchor)
	}
	return nil
}

// readParameters reads what rowlink offers; parameters that others define are no fault.
func (q *oipQuestions) readParameters(task *TaskInfo, p map[string]any, l Limits) error {
	number := func(name string, lowest, highest float64, whole bool) (float64, error) {
		v, given := p[name]
		if !given {
			return 0, nil
		}
		n, _ := v.(json.Number)
		f, err := n.Float64()
		if err != nil || f < lowest || f > highest || whole && f != float64(int(f)) {
			return 0, oipWrong("parameter %q is %v, want a number from %g to %g", name, v, lowest, highest)
		}
		return f, nil
	}
	var err error
	if q.interval, err = number("interval", 0.001, 0.999, false); err != nil {
		return err
	}
	explain, err := number("explain", 1, float64(l.ExplainTop), true)
	if err != nil {
		return err
	}
	top, err := number("top_k", 1, 1e6, true)
	if err != nil {
		return err
	}
	if top > 0 && task.Type != "link_prediction" {
		return oipWrong("parameter \"top_k\" is for rankings, task %q is %s", task.Name, task.Type)
	}
	q.explain, q.topK = int(explain), int(top)
	return nil
}

// checkOIPMedia refuses what a form of a foreign page could send. Triton's clients send
// JSON without a type, and predictions change nothing, so that is let through.
func checkOIPMedia(r *http.Request) error {
	have := r.Header.Get("Content-Type")
	media, _, err := mime.ParseMediaType(have)
	if have == "" || err == nil && (media == "application/json" || media == "application/octet-stream") {
		return nil
	}
	return newProblem(http.StatusUnsupportedMediaType, fault{Code: "media_type", Detail: fmt.Sprintf("the Content-Type is %q, want application/json or application/octet-stream", clip(have))})
}
