package server

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/jobs"
)

// send sends a JSON request and decodes the answer.
func send(s *Server, method, path, body string, header ...string) (w *httptest.ResponseRecorder, answer map[string]any) {
	r := httptest.NewRequest(method, "http://localhost:8080"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w = httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	_ = json.Unmarshal(w.Body.Bytes(), &answer)
	return w, answer
}

// TestJobs walks the life of a job over REST.
func TestJobs(t *testing.T) {
	q := newJobs(t)
	s, _ := newServer(t, &fake{}, func(o *Options) { o.Jobs = q })
	w, made := send(s, "POST", "/v1/tasks/churn/train", `{"options":{"seed":7,"fan_out":[8,4]}}`, "Idempotency-Key", "k")
	id := fmt.Sprint(made["id"])
	if w.Code != 202 || w.Header().Get("Location") != "/v1/jobs/"+id || made["state"] != "queued" || fmt.Sprint(made["request"]) != "map[options:map[fan_out:8,4 seed:7] task:churn]" {
		t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if w, again := send(s, "POST", "/v1/tasks/churn/train", `{"options":{"fan_out":[8,4],"seed":7}}`, "Idempotency-Key", "k"); w.Code != 202 || again["id"] != id {
		t.Errorf("the same key: %d %s", w.Code, w.Body)
	}
	for _, c := range []struct {
		method, path, body string
		status             int
		code               string
	}{
		{"POST", "/v1/tasks/churn/train", `{"options":{"seed":8}}`, 409, "idempotency_key"},
		{"POST", "/v1/tasks/other/train", `{}`, 404, "TK190"},
		{"POST", "/v1/tasks/churn/train", `{"options":{"sead":8}}`, 422, "TK193"},
		{"POST", "/v1/tasks/churn/train", `{"options":{"seed":{}}}`, 422, "wrong_type"},
		{"POST", "/v1/tasks/churn/train", `{"optoins":{}}`, 422, "wrong_value"},
		{"POST", "/v1/tasks/churn/train", ``, 415, "media_type"},
		{"POST", "/v1/batches", `{"task":"other"}`, 404, "TK190"},
		{"GET", "/v1/jobs/nothing", ``, 404, "TK190"},
		{"DELETE", "/v1/jobs/nothing", ``, 404, "TK190"},
		{"GET", "/v1/jobs/nothing/events", ``, 404, "TK190"},
		{"GET", "/v1/jobs/nothing/result", ``, 404, "TK190"},
		{"GET", "/v1/jobs/" + id + "/result", ``, 409, "no_result"},
	} {
		w, _ := send(s, c.method, c.path, c.body, "Idempotency-Key", "k")
		var p problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != c.status || p.Errors[0].Code != c.code {
			t.Errorf("%s %s %s: %d %s, want %d %s", c.method, c.path, c.body, w.Code, w.Body, c.status, c.code)
		}
	}
	_, batch := send(s, "POST", "/v1/batches", `{"task":"churn","format":"csv","anchor":"2020-01-01T00:00:00Z"}`)
	_, doomed := send(s, "POST", "/v1/batches", `{"task":"churn"}`)
	if w, _ := send(s, "DELETE", fmt.Sprintf("/v1/jobs/%v", doomed["id"]), ""); w.Code != 200 || !strings.Contains(w.Body.String(), `"cancelled"`) {
		t.Errorf("cancel: %d %s", w.Code, w.Body)
	}
	result := fmt.Sprintf("/v1/jobs/%v/result", batch["id"])
	if w, _ := send(s, "GET", result, ""); w.Code != 409 {
		t.Errorf("the file of a job that waits: %d", w.Code)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); q.Run(ctx) }()
	defer func() { stop(); <-ended }()
	eventually(t, "the jobs end", func() bool {
		for _, j := range q.Jobs() {
			if !j.State.Final() {
				return false
			}
		}
		return true
	})
	w, _ = send(s, "GET", result, "")
	if w.Code != 200 || w.Header().Get("Content-Type") != "text/csv" || w.Body.String() != "id,prediction\n42,true\n" || !strings.Contains(w.Header().Get("Content-Disposition"), "churn-predictions.csv") {
		t.Errorf("the file of a batch: %d %v %q", w.Code, w.Header(), w.Body)
	}
	w, list := send(s, "GET", "/v1/jobs", "")
	if all := list["jobs"].([]any); w.Code != 200 || len(all) != 3 || all[2].(map[string]any)["state"] != "succeeded" {
		t.Errorf("the list: %s", w.Body)
	}
	w, _ = send(s, "GET", "/v1/jobs/"+id+"/events", "")
	for _, want := range []string{"retry: 2000\n\n", "id: 1\nevent: state\ndata: {", "id: 2\nevent: epoch\n", `"data":{"number":2}`, "id: 4\nevent: state\n", `"result":{"version":8}`, "event: end\ndata: {}\n\n"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the events lack %q:\n%s", want, w.Body)
		}
	}
	if w, _ := send(s, "GET", "/v1/jobs/"+id+"/events", "", "Last-Event-ID", "3"); strings.Contains(w.Body.String(), "id: 3\n") || !strings.Contains(w.Body.String(), "id: 4\n") {
		t.Errorf("the events after the third:\n%s", w.Body)
	}
}

// TestEvents_live hears an event while the job runs, beyond the write time-out of other
// answers, and ends when the server drains.
func TestEvents_live(t *testing.T) {
	next := make(chan string)
	q, err := jobs.Open(t.TempDir(), map[string]jobs.Work{"train": func(ctx context.Context, _ jobs.Job, _ string, emit func(string, any)) (any, error) {
		for {
			select {
			case text := <-next:
				emit("say", text)
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		}
	}}, newQuiet())
	if err != nil {
		t.Fatal(err)
	}
	s, _ := newServer(t, &fake{}, func(o *Options) { o.Jobs = q })
	r := run(t, s)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); q.Run(ctx) }()
	defer func() { stop(); <-ended }()
	_, made := send(s, "POST", "/v1/tasks/churn/train", `{}`)
	res, err := r.client.Get(fmt.Sprintf("%s/v1/jobs/%v/events", r.url, made["id"]))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	hear := func(want string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), want) {
				return
			}
		}
		t.Errorf("the stream ended before %q: %v", want, lines.Err())
	}
	hear(`"state":"running"`)
	for _, text := range []string{"one", "two"} {
		next <- text
		hear(`"data":"` + text + `"`)
	}
	r.stop()
	for lines.Scan() {
	}
	if err := <-r.ended; err != nil || lines.Err() != nil {
		t.Errorf("drain with an open stream: %v, %v", err, lines.Err())
	}
}

func TestTasks(t *testing.T) {
	s, log := newServer(t, &fake{}, nil)
	const text = `{"sql":"CREATE TASK fresh AS PREDICT x"}`
	if w, a := send(s, "POST", "/v1/tasks", text); w.Code != 201 || w.Header().Get("Location") != "/v1/tasks/fresh" || a["stored"] != true {
		t.Errorf("create: %d %v %s", w.Code, w.Header(), w.Body)
	}
	if w, a := send(s, "POST", "/v1/tasks?dry_run=true", text); w.Code != 200 || w.Header().Get("Location") != "" || a["stored"] != false {
		t.Errorf("dry run: %d %v %s", w.Code, w.Header(), w.Body)
	}
	if w, a := send(s, "PUT", "/v1/models/churn/aliases/prod", `{"version":"6"}`); w.Code != 200 || a["to"] != "6" {
		t.Errorf("promote: %d %s", w.Code, w.Body)
	}
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/v1/tasks", `{"sql":"CREATE TASK churn AS PREDICT x"}`, 409},
		{"POST", "/v1/tasks", `{"sql":"DROP TASK churn"}`, 422},
		{"POST", "/v1/tasks", `{"sql":" "}`, 422},
		{"POST", "/v1/tasks", `{"SQL":1}`, 422},
		{"PUT", "/v1/models/churn/aliases/prod", `{"version":"9"}`, 404},
		{"PUT", "/v1/models/churn/aliases/prod", `{"version":6}`, 422},
	} {
		if w, _ := send(s, c.method, c.path, c.body); w.Code != c.status {
			t.Errorf("%s %s %s: %d %s, want %d", c.method, c.path, c.body, w.Code, w.Body, c.status)
		}
	}
	for accept, want := range map[string]string{"": "application/json", "*/*": "application/json", "text/csv": "text/csv", "text/*;q=0.5": "text/csv",
		"application/x-ndjson, application/json;q=0": "application/x-ndjson", "application/vnd.apache.arrow.stream": "application/vnd.apache.arrow.stream", "image/png": ""} {
		w, _ := send(s, "GET", "/v1/tasks/churn/labels?split=val&limit=3", "", "Accept", accept)
		status := 200
		if want == "" {
			status, want = 406, "application/problem+json"
		}
		if w.Code != status || w.Header().Get("Content-Type") != want {
			t.Errorf("Accept %q: %d %s, want %d %s", accept, w.Code, w.Header().Get("Content-Type"), status, want)
		}
	}
	for path, status := range map[string]int{"churn/labels?split=all": 422, "churn/labels?limit=-1": 422, "churn/labels?x=1": 422, "other/labels": 404, "faulty/labels": 500} {
		if w, _ := send(s, "GET", "/v1/tasks/"+path, ""); w.Code != status {
			t.Errorf("%s: %d %s, want %d", path, w.Code, w.Body, status)
		}
	}
	func() {
		defer func() {
			if v := recover(); v != http.ErrAbortHandler {
				t.Errorf("a table that breaks off ends with %v, want a broken connection", v)
			}
		}()
		send(s, "GET", "/v1/tasks/broken/labels", "")
	}()
	if !strings.Contains(log.String(), "before the first byte") {
		t.Error("the cause is not in the log")
	}
}

// TestDrift asks for it, and finds it in the metrics then.
func TestDrift(t *testing.T) {
	s, _ := newServer(t, &fake{}, nil)
	const line = `rowlink_drift_psi{of="score",task="churn",version="7"} 0.5`
	if text := get(s, "/metrics").Body.String(); strings.Contains(text, "rowlink_drift_psi{") {
		t.Error("the metrics show a drift that nobody asked for")
	}
	if w, a := send(s, "GET", "/v1/tasks/churn/drift", ""); w.Code != 200 || a["days"] != 60.0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if text := get(s, "/metrics").Body.String(); !strings.Contains(text, line) || !strings.Contains(text, `of="orders.total"`) {
		t.Errorf("the metrics lack %s", line)
	}
	for of, v := range map[string]string{"latest": "0.5", "all": "0.625", "trained": "0.75"} {
		if want := `rowlink_later_score{metric="roc_auc",of="` + of + `",task="churn",version="7"} ` + v; !strings.Contains(get(s, "/metrics").Body.String(), want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	if w, a := send(s, "GET", "/v1/models/churn/versions/7/importance", ""); w.Code != 200 || !strings.Contains(w.Body.String(), `"loss":0.25,"spread":null`) {
		t.Errorf("%d %v", w.Code, a)
	}
	if w, _ := send(s, "GET", "/v1/models/churn/versions/6/importance", ""); w.Code != 404 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w, _ := send(s, "GET", "/v1/tasks/nobody/drift", ""); w.Code != 404 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
