package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// job is what the tests read of one.
type job struct {
	ID, State, Error string
	Attempts         int
	Result           struct {
		Version  int
		Answered int
		Weights  string
	}
}

func (r *running) job(t *testing.T, id string, until func(job) bool) (j job) {
	t.Helper()
	for range 1200 {
		status, text, err := r.ask("/v1/jobs/"+id, "")
		if err == nil {
			err = json.Unmarshal([]byte(text), &j)
		}
		if err != nil || status != http.StatusOK {
			t.Fatalf("job %s: %d %s %v", id, status, text, err)
		}
		if until(j) {
			return j
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("job %s is still %+v", id, j)
	return j
}

func ended(j job) bool { return j.State != "queued" && j.State != "running" }

// submitted posts a job and returns its id.
func (r *running) submitted(t *testing.T, path, body string) string {
	t.Helper()
	status, text, err := r.ask(path, body)
	var j job
	if err == nil {
		err = json.Unmarshal([]byte(text), &j)
	}
	if err != nil || status != http.StatusAccepted {
		t.Fatalf("%s %s: %d %s %v", path, body, status, text, err)
	}
	return j.ID
}

// TestJobs creates a task, trains it, puts the version into service and scores everybody,
// all over REST, and stops the server in the middle of a training: the next one goes on
// with it, to the weights of one that was never disturbed.
func TestJobs(t *testing.T) {
	if testing.Short() {
		t.Skip("trains")
	}
	inShop(t)
	dir, err := filepath.Abs(".rowlink")
	if err != nil {
		t.Fatal(err)
	}
	copyTree(t, trained(t), dir)
	r := startServer(t, dir)
	const text = "CREATE TASK lapse AS PREDICT COUNT(orders.*, 0, 60, days) = 0 FOR EACH customers WHERE COUNT(orders.*, -90, 0, days) > 0"
	status, answer, err := r.ask("/v1/tasks?dry_run=true", `{"sql":"`+text+`"}`)
	if err != nil || status != http.StatusOK || !strings.Contains(answer, `"type":"binary_classification"`) || !strings.Contains(answer, `"sql":"`) || !strings.Contains(answer, `"positive":0.`) {
		t.Fatalf("dry run: %d %s %v", status, answer, err)
	}
	if status, _, _ := r.ask("/v1/tasks/lapse", ""); status != http.StatusNotFound {
		t.Errorf("a dry run stored the task: %d", status)
	}
	for _, want := range []int{http.StatusCreated, http.StatusConflict} {
		if status, answer, _ := r.ask("/v1/tasks", `{"sql":"`+text+`"}`); status != want {
			t.Errorf("create: %d %s, want %d", status, answer, want)
		}
	}
	if status, answer, _ := r.ask("/v1/tasks", `{"sql":"CREATE TASK odd AS PREDICT COUNT(order.*, 0, 60, days) = 0 FOR EACH customers"}`); status != 422 || !strings.Contains(answer, `"line":1`) || !strings.Contains(answer, "orders") {
		t.Errorf("a misspelt table: %d %s", status, answer)
	}
	if status, answer, _ := r.ask("/v1/tasks/lapse/labels?split=val&limit=2", ""); status != 200 || strings.Count(answer, `"split":"val"`) != 2 {
		t.Errorf("labels: %d %s", status, answer)
	}
	if status, answer, _ := r.ask("/v1/tasks/lapse/train", `{"options":{"epochs":"many"}}`); status != 422 || !strings.Contains(answer, "/options/epochs") {
		t.Errorf("a wrong option: %d %s", status, answer)
	}

	const options = `{"options":{"model":"gnn","epochs":3,"seed":5,"width":16,"val_blocks":1}}`
	j := r.job(t, r.submitted(t, "/v1/tasks/lapse/train", options), ended)
	if j.State != "succeeded" || j.Result.Version != 1 {
		t.Fatalf("training: %+v", j)
	}
	status, events, err := r.ask("/v1/jobs/"+j.ID+"/events", "")
	if err != nil || status != 200 || !strings.Contains(events, "event: epoch\n") || !strings.HasSuffix(events, "event: end\ndata: {}\n\n") {
		t.Errorf("events: %d %v\n%s", status, err, events)
	}
	undisturbed := weights(t, dir, "lapse", 1)

	// Another run of the same, on a new copy of the state, is cut off twice.
	second := strings.Replace(options, `"seed":5`, `"seed":6`, 1)
	j = r.job(t, r.submitted(t, "/v1/tasks/lapse/train", second), ended)
	if j.State != "succeeded" {
		t.Fatalf("training: %+v", j)
	}
	want := weights(t, dir, "lapse", 2)
	if want == undisturbed {
		t.Fatal("another seed gives the same weights, so that nothing is tested here")
	}
	if err := os.RemoveAll(filepath.Join(dir, "models", "lapse", "2")); err != nil {
		t.Fatal(err)
	}
	id := r.submitted(t, "/v1/tasks/lapse/train", second)
	r.job(t, id, func(j job) bool {
		_, events, _ := r.ask("/v1/jobs/"+id, "")
		return j.State == "running" && events != ""
	})
	time.Sleep(300 * time.Millisecond) // somewhere in the middle
	r.stop()
	if code := <-r.code; code != 0 {
		t.Fatalf("exit code %d after a stop in the middle of a training:\n%s", code, r.stderr)
	}
	r = startServer(t, dir)
	j = r.job(t, id, ended)
	if j.State != "succeeded" || j.Attempts < 1 || j.Attempts > 2 {
		t.Fatalf("the training after the restart: %+v", j)
	}
	if got := weights(t, dir, "lapse", j.Result.Version); got != want {
		t.Errorf("weights %s after an interruption, %s without", got, want)
	}

	// What was made answers, and scores everybody.
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, r.URL+"/v1/models/lapse/aliases/prod", strings.NewReader(`{"version":"1"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := r.client.Do(req)
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("promote: %v %v", resp, err)
	}
	resp.Body.Close()
	if status, answer, _ := r.ask("/v1/tasks/lapse/predict", `{"entities":[10001]}`); status != 200 || !strings.Contains(answer, `"version":"1"`) {
		t.Errorf("predict: %d %s", status, answer)
	}
	for _, format := range []string{"csv", "ndjson", "parquet", "arrow"} {
		j := r.job(t, r.submitted(t, "/v1/batches", fmt.Sprintf(`{"task":"lapse","format":%q}`, format)), ended)
		status, file, err := r.ask("/v1/jobs/"+j.ID+"/result", "")
		if err != nil || status != 200 || j.State != "succeeded" || j.Result.Answered == 0 {
			t.Fatalf("batch %s: %+v, %d %v", format, j, status, err)
		}
		begins := map[string]string{"csv": "customer_id,anchor,prediction", "ndjson": `{"entity":1`, "parquet": "PAR1", "arrow": "\xff\xff\xff\xff"}[format]
		if !strings.HasPrefix(file, begins) || format == "csv" && strings.Count(file, "\n") != j.Result.Answered+1 {
			t.Errorf("batch %s of %d: %.60q", format, j.Result.Answered, file)
		}
	}
	j = r.job(t, r.submitted(t, "/v1/batches", `{"task":"lapse","anchor":"1970-01-01T00:00:00Z"}`), ended)
	if j.State != "failed" || !strings.Contains(j.Error, "lies before the data") {
		t.Errorf("a batch before the data: %+v", j)
	}
	r.stop()
	<-r.code
	r.client.CloseIdleConnections()
}

// weights is the checksum of a version's network.
func weights(t *testing.T, dir, task string, version int) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "models", task, fmt.Sprint(version), "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Weights string `json:"weights_sha256"`
	}
	if err := json.Unmarshal(data, &report); err != nil || report.Weights == "" {
		t.Fatalf("the report of version %d has no weights: %v", version, err)
	}
	return report.Weights
}
