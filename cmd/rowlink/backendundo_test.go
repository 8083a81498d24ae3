package main

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// send sends one request of any method, with a body as JSON.
func (r *running) send(t *testing.T, method, path, body string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, r.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := r.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}

// What was made over REST is taken back over REST: aliases and tasks.
func TestServe_undo(t *testing.T) {
	inShop(t)
	dir, err := filepath.Abs(".rowlink")
	if err != nil {
		t.Fatal(err)
	}
	copyTree(t, trained(t), dir)
	r := startServer(t, dir)
	defer func() { r.stop(); <-r.code; r.client.CloseIdleConnections() }()
	const prod = "/v1/models/churn/aliases/prod"
	_, first := r.send(t, "GET", "/v1/tasks/churn/labels?limit=1", "")
	_, anchor, _ := strings.Cut(first, `"anchor":"`)
	anchor, _, _ = strings.Cut(anchor, `"`)
	long := strings.Repeat("x", 200)
	for _, c := range []struct {
		method, path, body string
		status             int
		holds              string
	}{
		{"POST", prod + "/rollback", "{}", 409, "named no other version before"},
		{"PUT", prod, `{"version":"2"}`, 200, `"to":"2"`},
		{"POST", "/v1/tasks/churn/predict", `{"entities":[10001]}`, 200, `"version":"2"`},
		{"POST", prod + "/rollback", "{}", 200, `"from":"2","to":"1"`},
		{"POST", "/v1/tasks/churn/predict", `{"entities":[10001]}`, 200, `"version":"1"`},
		{"POST", "/v1/models/nobody/aliases/prod/rollback", "{}", 404, "TK190"},
		{"POST", prod + "/rollback", `{"version":"1"}`, 422, ""},

		{"POST", "/v1/tasks", `{"name":"quiet","sql":"PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR EACH customers"}`, 201, `"name":"quiet"`},
		{"GET", "/v1/tasks/quiet", "", 200, "CREATE TASK quiet"},
		{"POST", "/v1/tasks", `{"name":"quiet","sql":"PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR EACH customers"}`, 409, "TK191"},
		{"POST", "/v1/tasks", `{"name":"odd","sql":"PREDICT COUNT(order.*, 0, 30, days) = 0 FOR EACH customers"}`, 422, `"column":15`},
		{"POST", "/v1/tasks", `{"name":"other","sql":"CREATE TASK quiet AS PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR EACH customers"}`, 422, `"pointer":"/name"`},
		{"POST", "/v1/tasks", `{"sql":"PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR EACH customers"}`, 422, "send the name"},
		{"POST", "/v1/tasks", fmt.Sprintf(`{"name":%q,"sql":"PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR EACH customers"}`, long), 422, "TK104"},
		{"GET", "/v1/tasks/quiet/labels?limit=1&at=1999-01-01T00:00:00Z", "", 200, `"examples":[]`},
		{"GET", "/v1/tasks/quiet/labels?limit=1&at=" + anchor, "", 200, `"anchor":"` + anchor},
		{"GET", "/v1/tasks/quiet/labels?at=yesterday", "", 422, "RFC 3339"},
		{"DELETE", "/v1/tasks/quiet?cascade=perhaps", "", 422, "want true or false"},
		{"DELETE", "/v1/tasks/quiet", "", 200, `"models":0`},
		{"DELETE", "/v1/tasks/quiet", "", 404, "no task"},
		{"DELETE", "/v1/tasks/churn", "", 409, "cascade=true"},
		{"DELETE", "/v1/tasks/churn?cascade=true", "", 200, `"models":2`},
		{"POST", "/v1/tasks/churn/predict", `{"entities":[10001]}`, 404, "no task"},
	} {
		if status, text := r.send(t, c.method, c.path, c.body); status != c.status || !strings.Contains(text, c.holds) {
			t.Errorf("%s %s %s: %d %s, want %d with %q", c.method, c.path, c.body, status, text, c.status, c.holds)
		}
	}
}
