package server

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// tokens lets in by name of the scope.
type tokens struct{}

func (tokens) Required() bool { return true }
func (tokens) Allows(token string, scope Scope) (known, allowed bool) {
	order := "read predict train admin"
	at := strings.Index(order, token)
	return token != "" && at >= 0, token != "" && at >= strings.Index(order, string(scope))
}

// TestAuthorize_everyOperation asks each operation of the document without token, with a
// wrong one, and with the scope below the one that it names: nothing but probes answers.
func TestAuthorize_everyOperation(t *testing.T) {
	f := &fake{}
	s, _ := newServer(t, f, func(o *Options) { o.Gatekeeper = tokens{} })
	d, _ := readDocument(t, s)
	j, _, err := s.opt.Jobs.Submit("train", "churn", []byte("{}"), "")
	if err != nil {
		t.Fatal(err)
	}
	s.opt.Jobs.Cancel(j.ID) // its events end
	below := map[Scope]string{ScopePredict: "read", ScopeTrain: "predict", ScopeAdmin: "train"}
	open := map[string]bool{"/healthz": true, "/readyz": true, "/v2/health/live": true, "/v2/health/ready": true}
	for path, ops := range d.Paths {
		for method := range ops {
			pattern := strings.ToUpper(method) + " " + path
			scope, ok := s.scopes[pattern]
			if path == "/" || path == "/v2/" {
				scope, ok = s.scopes[pattern+"{$}"]
			}
			if !ok {
				t.Errorf("%s has no scope", pattern)
			}
			url := strings.NewReplacer("{id}", j.ID, "{alias}", "prod", "{task}", "churn", "{model}", "churn", "{version}", "7").Replace(path)
			ask := func(token string) int {
				r := httptest.NewRequest(strings.ToUpper(method), url, strings.NewReader("{}"))
				r.Header.Set("Content-Type", "application/json")
				if token != "" {
					r.Header.Set("Authorization", "Bearer "+token)
				}
				w := httptest.NewRecorder()
				s.Handler().ServeHTTP(w, r)
				if w.Code == 401 && len(w.Header().Values("WWW-Authenticate")) != 2 {
					t.Errorf("%s: a 401 without WWW-Authenticate", pattern)
				}
				return w.Code
			}
			if open[path] {
				if code := ask(""); code != 200 {
					t.Errorf("%s without token: %d", pattern, code)
				}
				continue
			}
			for _, token := range []string{"", "guess"} {
				if code := ask(token); code != 401 {
					t.Errorf("%s with the token %q: %d, want 401", pattern, token, code)
				}
			}
			if less := below[scope]; less != "" {
				if code := ask(less); code != 403 {
					t.Errorf("%s with the scope %s: %d, want 403", pattern, less, code)
				}
			}
			if code := ask(string(scope)); code == 401 || code == 403 {
				t.Errorf("%s with the scope %s: %d", pattern, scope, code)
			}
		}
	}
	if len(f.asks) > 0 {
		for _, a := range f.asks {
			if len(a.Entities) > 0 {
				t.Errorf("the backend saw %+v", a)
			}
		}
	}
	if w := get(s, "/nothing"); w.Code != 401 {
		t.Errorf("an unknown path tells strangers %d", w.Code)
	}
}

func TestAuthorize_basic(t *testing.T) {
	s, _ := newServer(t, &fake{}, func(o *Options) { o.Gatekeeper = tokens{} })
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.SetBasicAuth("anyone", "read")
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	if w.Code != 200 {
		t.Errorf("a browser with the token as password: %d", w.Code)
	}
}

// TestAuthorize_otherSites: what a page of another site can make a browser send changes
// nothing and asks nothing.
func TestAuthorize_otherSites(t *testing.T) {
	s, _ := newServer(t, &fake{}, nil)
	for _, c := range []struct {
		header, value string
		status        int
	}{
		{"", "", 200},
		{"Sec-Fetch-Site", "same-origin", 200},
		{"Sec-Fetch-Site", "none", 200},
		{"Origin", "http://localhost:8080", 200},
		{"Sec-Fetch-Site", "cross-site", 403},
		{"Sec-Fetch-Site", "same-site", 403},
		{"Origin", "http://evil.example", 403},
		{"Origin", "http://localhost:9999", 403},
		{"Origin", "null", 403},
	} {
		for _, path := range []string{"/v1/tasks/churn/predict", "/v2/models/churn/infer", "/v1/query"} {
			body := map[string]string{"/v1/query": `{"query":"PREDICT x"}`, "/v1/tasks/churn/predict": `{"entities":[42]}`,
				"/v2/models/churn/infer": `{"inputs":[{"name":"entity","shape":[1],"datatype":"INT64","data":[42]}]}`}[path]
			r := httptest.NewRequest(http.MethodPost, "http://localhost:8080"+path, strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			if c.header != "" {
				r.Header.Set(c.header, c.value)
			}
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, r)
			if w.Code != c.status {
				t.Errorf("%s with %s: %s: %d, want %d", path, c.header, c.value, w.Code, c.status)
			}
		}
	}
}
