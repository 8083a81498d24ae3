package server

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// post sends a predict request to a handler.
func post(s *Server, task, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/v1/tasks/"+task+"/predict", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

func get(s *Server, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

func TestPredict_whatTheBackendSees(t *testing.T) {
	f := &fake{}
	s, _ := newServer(t, f, nil)
	r := httptest.NewRequest(http.MethodPost, "/v1/tasks/churn/predict?version=7", strings.NewReader(
		`{"entities":[null, 9223372036854775807, [ 1, "a" ], "\u0041"], "anchor":"2020-01-31T12:00:00.123456789+05:30", "explain":{"top":100}}`))
	r.Header.Set("Content-Type", "application/json")
	s.Handler().ServeHTTP(httptest.NewRecorder(), r)
	want := PredictRequest{Task: "churn", Version: "7", Anchor: time.Date(2020, 1, 31, 6, 30, 0, 123456000, time.UTC), ExplainTop: 100,
		Entities: []json.RawMessage{[]byte("9223372036854775807"), []byte(`[1,"a"]`), []byte(`"\u0041"`)}}
	if diff := cmp.Diff(want, f.lastAsk()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	post(s, "churn%2Fx", `{"entities":[1]}`)
	if got := f.lastAsk().Task; got != "churn/x" {
		t.Errorf("task %q, want the unescaped name", got)
	}
}

// TestPredict_limits stands just below and just above each limit.
func TestPredict_limits(t *testing.T) {
	entities := func(n int) string { return `{"entities":[1` + strings.Repeat(",1", n-1) + `]}` }
	body := func(n int) string { // of n bytes
		const frame = `{"entities":["` + `"]}`
		return `{"entities":["` + strings.Repeat("k", n-len(frame)) + `"]}`
	}
	deep := func(n int) string { // nested n deep
		return `{"entities":` + strings.Repeat("[", n-1) + "1" + strings.Repeat("]", n-1) + "}"
	}
	top := func(n int) string { return fmt.Sprintf(`{"entities":[1],"explain":{"top":%d}}`, n) }
	s, _ := newServer(t, &fake{}, nil) // the defaults
	for _, c := range []struct {
		name, body string
		status     int
		code       string
	}{
		{"body", body(16 << 20), 200, ""},
		{"body", body(16<<20 + 1), 413, "body_too_large"},
		{"depth", deep(64), 200, ""},
		{"depth", deep(65), 400, "json_too_deep"},
		{"depth", strings.Repeat("[", 1<<20), 400, "json_too_deep"},
		{"brackets in a text", `{"entities":["` + strings.Repeat(`[{\"`, 100) + `"]}`, 200, ""},
		{"entities", entities(10_000), 200, ""},
		{"entities", entities(10_001), 422, "TK164"},
		{"top", top(100), 200, ""},
		{"top", top(101), 422, "wrong_value"},
		{"not UTF-8", "{\"entities\":[\"\xff\"]}", 400, "malformed_json"},
	} {
		w := post(s, "churn", c.body)
		var p problem
		if w.Code != 200 {
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
		}
		if w.Code != c.status || c.code != "" && p.Errors[0].Code != c.code {
			t.Errorf("%s of %d bytes: %d %s, want %d %s", c.name, len(c.body), w.Code, p.Detail, c.status, c.code)
		}
	}
	// Without a Content-Length the body is counted while it comes.
	r := httptest.NewRequest(http.MethodPost, "/v1/tasks/churn/predict", struct{ *strings.Reader }{strings.NewReader(body(16<<20 + 1))})
	r.ContentLength = -1
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	if w.Code != 413 {
		t.Errorf("a chunked body over the limit: %d, want 413", w.Code)
	}
}

// TestPredict_compressed reads gzip within the same limit, before decompression and after it:
// a body of a few kilobytes that would unpack to more is refused when the limit is reached.
func TestPredict_compressed(t *testing.T) {
	s, _ := newServer(t, &fake{}, func(o *Options) { o.Limits.BodyBytes = 1 << 20 })
	pack := func(text string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write([]byte(text))
		_ = z.Close()
		return b.String()
	}
	bomb := pack(strings.Repeat(" ", 64<<20))
	fits := `{"entities":[42]` + strings.Repeat(" ", 1<<20-len(`{"entities":[42]}`)) + "}"
	for _, c := range []struct {
		name, body string
		status     int
	}{
		{"a key", pack(`{"entities":[42]}`), 200},
		{"just the limit", pack(fits), 200},
		{"one byte more", pack(fits + " "), 413},
		{"a bomb", bomb, 413},
		{"cut off", pack(`{"entities":[42]}`)[:20], 400},
		{"no gzip", `{"entities":[42]}`, 400},
	} {
		for _, path := range []string{"/v1/tasks/churn/predict", "/v2/models/churn/infer"} {
			r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(c.body))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Content-Encoding", "gzip")
			w := httptest.NewRecorder()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			s.Handler().ServeHTTP(w, r)
			runtime.ReadMemStats(&after)
			want := c.status
			if want == 200 && strings.HasPrefix(path, "/v2") {
				want = 422 // it is no inference request
			}
			if w.Code != want {
				t.Errorf("%s to %s: %d %s, want %d", c.name, path, w.Code, w.Body, want)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 16<<20 {
				t.Errorf("%s to %s of %d bytes: %d MB allocated for a limit of one", c.name, path, len(c.body), used>>20)
			}
		}
	}
}

func TestErrors_stayInTheLog(t *testing.T) {
	for _, task := range []string{"bug", "panic"} {
		s, log := newServer(t, &fake{}, nil)
		w := post(s, task, `{"entities":[1]}`)
		id := w.Header().Get("X-Request-Id")
		if w.Code != 500 || strings.Contains(w.Body.String(), "hunter2") {
			t.Errorf("%s: the client sees %d %s", task, w.Code, w.Body)
		}
		text := log.String()
		if strings.Count(text, "hunter2") != 1 || strings.Count(text, "level=ERROR") != 1 || !strings.Contains(text, "request_id="+id) {
			t.Errorf("%s: want one log line with the cause and request id %s, have\n%s", task, id, text)
		}
	}
	f := &fake{}
	s, log := newServer(t, f, nil)
	f.fail = fmt.Errorf("read models: %w", fmt.Errorf("disk hunter2"))
	for _, path := range []string{"/v1/tasks", "/v1/tasks/churn", "/v1/models", "/v1/models/churn"} {
		if w := get(s, path); w.Code != 500 || strings.Contains(w.Body.String(), "hunter2") || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	if n := strings.Count(log.String(), "hunter2"); n != 4 {
		t.Errorf("%d log lines for 4 errors", n)
	}
	if w := get(s, "/metrics"); w.Code != 200 || strings.Contains(w.Body.String(), "rowlink_model_info{") {
		t.Errorf("metrics without models: %d", w.Code)
	}
}

func TestRequestID(t *testing.T) {
	s, _ := newServer(t, &fake{}, nil)
	for _, c := range []struct {
		id   string
		kept bool
	}{{"a-B_3.4:5", true}, {strings.Repeat("x", 128), true}, {strings.Repeat("x", 129), false}, {"", false}, {"a b", false}, {"<script>", false}, {"ä", false}} {
		r := httptest.NewRequest(http.MethodGet, "/healthz", nil)
		r.Header.Set("X-Request-Id", c.id)
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		if got := w.Header().Get("X-Request-Id"); (got == c.id) != c.kept || got == "" {
			t.Errorf("id %q is answered by %q", c.id, got)
		}
	}
}

// FuzzPredict sends any body: the answer is JSON, never a 500, and each entity is
// answered exactly once and echoed as sent.
func FuzzPredict(f *testing.F) {
	for _, body := range []string{`{"entities":[42]}`, `{"entities":[null,{"a":[1]},[],[1,"x"],1e400,"\ud800"],"explain":{"top":3}}`,
		`{"entities":[1],"anchor":"2020-09-22T00:00:00Z","outputs":["probability"]}`, `[`, ``, `{"a":1,"a":2}`, "{\"entities\":[500, \"\x00\"]}", "\xff"} {
		f.Add([]byte(body))
	}
	s, _ := newServer(f, &fake{}, func(o *Options) { o.Limits.BodyBytes = 1 << 16 })
	f.Fuzz(func(t *testing.T, body []byte) {
		w := post(s, "churn", string(body))
		if !json.Valid(w.Body.Bytes()) {
			t.Fatalf("answer is no JSON: %q", w.Body)
		}
		switch w.Code {
		case 400, 413, 422:
			return
		case 200:
		default:
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
		var sent struct{ Entities []json.RawMessage }
		var got struct {
			Predictions, Errors []struct {
				Index  int
				Entity json.RawMessage
			}
		}
		if json.Unmarshal(body, &sent) != nil || json.Unmarshal(w.Body.Bytes(), &got) != nil {
			t.Fatalf("accepted %q, answered %q", body, w.Body)
		}
		seen := make([]bool, len(sent.Entities))
		for _, row := range append(got.Predictions, got.Errors...) {
			if row.Index < 0 || row.Index >= len(seen) || seen[row.Index] {
				t.Fatalf("entity %d of %d answered twice or unasked", row.Index, len(seen))
			}
			seen[row.Index] = true
			if want := compact(sent.Entities[row.Index]); compact(row.Entity) != want {
				t.Fatalf("entity %s echoed as %s", want, row.Entity)
			}
		}
		for i, ok := range seen {
			if !ok {
				t.Fatalf("entity %d of %d is not answered", i, len(seen))
			}
		}
	})
}

// FuzzInfer sends any body to the Open Inference Protocol: the answer is JSON, never a
// 500, and every output has as many elements as its shape says.
func FuzzInfer(f *testing.F) {
	for _, body := range []string{`{"inputs":[{"name":"entity","shape":[1],"datatype":"INT64","data":[42]}]}`,
		`{"id":"","inputs":[{"name":"entity","shape":[2,1],"datatype":"BYTES","data":[["42"],["57"]]},{"name":"anchor","shape":[2],"datatype":"BYTES","data":["2020-09-22T00:00:00Z","2020-09-21T00:00:00Z"]}],"outputs":[{"name":"eligible"}],"parameters":{"explain":2}}`,
		`{"inputs":[{"name":"entity","shape":[1e3],"datatype":"FP64","data":[1e400]}]}`, `{"inputs":[]}`, `{`, "\xff"} {
		f.Add([]byte(body))
	}
	s, _ := newServer(f, &fake{}, func(o *Options) { o.Limits.BodyBytes, o.Limits.Entities = 1<<16, 100 })
	f.Fuzz(func(t *testing.T, body []byte) {
		r := httptest.NewRequest(http.MethodPost, "/v2/models/churn/infer", bytes.NewReader(body))
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		var out struct {
			Error   *string
			Outputs []struct {
				Shape []int
				Data  []json.RawMessage
			}
		}
		if json.Unmarshal(w.Body.Bytes(), &out) != nil {
			t.Fatalf("answer is no JSON: %q", w.Body)
		}
		switch w.Code {
		case 400, 413, 422, 501:
			if out.Error == nil {
				t.Fatalf("a refusal without error: %s", w.Body)
			}
		case 200:
			for _, o := range out.Outputs {
				if len(o.Shape) != 1 || len(o.Data) != o.Shape[0] {
					t.Fatalf("an output of shape %v has %d elements", o.Shape, len(o.Data))
				}
			}
		default:
			if w.Code == 500 && strings.Contains(w.Body.String(), codeNotFinite) {
				return // the fake's key 500, a fault of the model
			}
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
	})
}

func compact(raw json.RawMessage) string {
	out, err := json.Marshal(raw)
	if err != nil {
		return err.Error()
	}
	return string(out)
}

// BenchmarkPredict is what the server adds to the backend's own time.
func BenchmarkPredict(b *testing.B) {
	for _, n := range []int{1, 1000} {
		b.Run(fmt.Sprintf("entities=%d", n), func(b *testing.B) {
			s, _ := newServer(b, &fake{}, nil)
			body := `{"entities":[42` + strings.Repeat(",9007199254740993", n-1) + `]}`
			b.ReportAllocs()
			for b.Loop() {
				if w := post(s, "churn", body); w.Code != 200 {
					b.Fatal(w.Code)
				}
			}
		})
	}
}
