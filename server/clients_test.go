package server

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A client beyond its rate gets 429 with Retry-After, in the shape of each API; others, probes
// and the same client later are answered. Who is refused uses nothing up.
func TestClients(t *testing.T) {
	s, _ := newServer(t, &fake{}, func(o *Options) { o.Limits.ClientRate, o.Limits.ClientBurst = 0.5, 2 })
	now := testNow
	s.clients.now = func() time.Time { return now }
	ask := func(path, address, token string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.RemoteAddr = address
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		return w
	}
	for i := range 2 {
		if w := ask("/v1/tasks", "10.0.0.1:1000", ""); w.Code != 200 {
			t.Fatalf("request %d: %d", i, w.Code)
		}
	}
	for range 3 { // refusals cost nothing
		w := ask("/v1/tasks", "10.0.0.1:2000", "")
		if w.Code != 429 || w.Header().Get("Retry-After") != "2" || !strings.Contains(w.Body.String(), `"code":"client_rate"`) || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
		}
	}
	if w := ask("/v2/models", "10.0.0.1:1000", ""); w.Code != 429 || !strings.HasPrefix(w.Body.String(), `{"error":"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for name, w := range map[string]*httptest.ResponseRecorder{"another address": ask("/v1/tasks", "10.0.0.2:1000", ""), "a token": ask("/v1/tasks", "10.0.0.1:1000", "x"), "a probe": ask("/healthz", "10.0.0.1:1000", "")} {
		if w.Code != 200 {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	now = now.Add(2 * time.Second)
	if w := ask("/v1/tasks", "10.0.0.1:1000", ""); w.Code != 200 {
		t.Errorf("two seconds later: %d", w.Code)
	}
	if text := ask("/metrics", "10.0.0.9:1", "").Body.String(); !strings.Contains(text, `rowlink_errors_total{reason="rejected"} 4`) {
		t.Error("refusals are not counted")
	}
	if _, err := New(Options{Backend: &fake{}, Limits: Limits{ClientRate: -1}}); err == nil {
		t.Error("a negative rate is taken")
	}
}
