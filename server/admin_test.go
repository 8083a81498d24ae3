package server

import (
	"context"
	"net/http"
	"strings"
	"testing"
)

// TestAdminAddr: with a management address, operations that change what is trained or in
// service are answered there alone; everything else is answered at both, and both drain.
func TestAdminAddr(t *testing.T) {
	s, _ := newServer(t, &fake{}, func(o *Options) { o.AdminAddr = "127.0.0.1:0" })
	d, _ := readDocument(t, s)
	ln, err := s.Listen()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, ln) }()
	main, admin := "http://"+ln.Addr().String(), "http://"+s.AdminAddr().String()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	ask := func(base, method, path, host string) string {
		r, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Host = host
		return status(client.Do(r))
	}
	managed := 0
	for path, ops := range d.Paths {
		for method := range ops {
			pattern := strings.ToUpper(method) + " " + path
			if strings.HasSuffix(path, "/events") {
				continue // a stream
			}
			url := strings.NewReplacer("{id}", "0", "{alias}", "prod", "{task}", "churn", "{model}", "churn", "{version}", "7").Replace(path)
			here, there := ask(main, strings.ToUpper(method), url, ""), ask(admin, strings.ToUpper(method), url, "")
			switch refused := strings.HasPrefix(here, "403 management"); {
			case s.scopes[pattern].manages():
				managed++
				if !refused || strings.HasPrefix(there, "403") {
					t.Errorf("%s: %s, at the management address %s", pattern, here, there)
				}
			case refused || here != there:
				t.Errorf("%s: %s, at the management address %s", pattern, here, there)
			}
		}
	}
	if managed < 4 {
		t.Errorf("only %d operations manage", managed)
	}
	if got := ask(admin, "GET", "/v1/tasks", "evil.example"); !strings.HasPrefix(got, "421") {
		t.Errorf("a foreign name at the management address: %s", got)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for _, base := range []string{main, admin} {
		if got := ask(base, "GET", "/healthz", ""); !strings.Contains(got, "refused") {
			t.Errorf("%s after the drain: %s", base, got)
		}
	}
	if _, err := New(Options{Backend: &fake{}, AdminAddr: "0.0.0.0:1"}); err == nil || !strings.Contains(err.Error(), "--listen-remote") {
		t.Errorf("a management address for other machines: %v", err)
	}
}
