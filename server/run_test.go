package server

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// running is a server on a real port.
type running struct {
	url    string
	client *http.Client
	stop   context.CancelFunc // as SIGTERM does
	ended  chan error
}

func run(t *testing.T, s *Server) *running {
	t.Helper()
	ln, err := s.Listen()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &running{url: "http://" + ln.Addr().String(), client: &http.Client{Transport: &http.Transport{}}, stop: stop, ended: make(chan error, 1)}
	go func() { r.ended <- s.Serve(ctx, ln) }()
	t.Cleanup(func() {
		stop()
		r.client.CloseIdleConnections()
	})
	return r
}

func (r *running) post(task string) (*http.Response, error) {
	return r.client.Post(r.url+"/v1/tasks/"+task+"/predict", "application/json", strings.NewReader(`{"entities":[42]}`))
}

// status reads an answer to its end.
func status(res *http.Response, err error) string {
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err.Error()
	}
	var p problem
	if json.Unmarshal(body, &p) == nil && len(p.Errors) > 0 && res.StatusCode != 200 {
		return fmt.Sprint(res.StatusCode, " ", p.Errors[0].Code, " retry ", res.Header.Get("Retry-After"))
	}
	return fmt.Sprint(res.StatusCode)
}

// eventually waits for a condition that other goroutines bring about.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 2000 {
		if ok() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("timed out: %s", what)
}

// TestServe_drain stops the server while requests are computed and queued. All accepted
// ones are answered, new ones are told to come back, nobody is reset.
func TestServe_drain(t *testing.T) {
	release := make(chan struct{})
	f := &fake{hold: func(ctx context.Context) error {
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}}
	s, _ := newServer(t, f, func(o *Options) { o.Limits.DrainGrace = 150 * time.Millisecond })
	r := run(t, s)
	const accepted = 12 // two at work, ten in the queue
	answers := make(chan string, accepted)
	for range accepted {
		go func() { answers <- status(r.post("churn")) }()
	}
	eventually(t, "all requests are inside", func() bool { return s.gate.inside.Load() == accepted })
	if got := status(r.client.Get(r.url + "/readyz")); got != "200" {
		t.Errorf("ready before the drain: %s", got)
	}
	r.stop()
	eventually(t, "draining", s.draining.Load)
	for path, want := range map[string]string{"/readyz": "503 draining retry 5", "/v1/tasks": "503 draining retry 5",
		"/": "503 draining retry 5", "/healthz": "200", "/metrics": "200"} {
		if got := status(r.client.Get(r.url + path)); got != want {
			t.Errorf("%s during the drain: %s, want %s", path, got, want)
		}
	}
	if got := status(r.post("churn")); got != "503 draining retry 5" {
		t.Errorf("a new prediction during the drain: %s", got)
	}
	eventually(t, "the listener is closed", func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	close(release)
	for range accepted {
		if got := <-answers; got != "200" {
			t.Errorf("an accepted request got %s", got)
		}
	}
	if err := <-r.ended; err != nil {
		t.Errorf("Serve: %v, want nil", err)
	}
}

// TestServe_drainUnderLoad stops the server while clients with kept connections never
// pause: each answer is 200 or 503, every request that reached the server has its answer,
// and a transport error only meets connections that the server never took: refused, or
// reset by the kernel in the queue of the closing listener.
func TestServe_drainUnderLoad(t *testing.T) {
	f := &fake{hold: func(context.Context) error { time.Sleep(time.Millisecond); return nil }}
	s, _ := newServer(t, f, func(o *Options) { o.Limits.DrainGrace = 100 * time.Millisecond })
	r := run(t, s)
	var wg sync.WaitGroup
	var mu sync.Mutex
	count := map[string]int{}
	for range 8 {
		wg.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for {
				res, err := client.Post(r.url+"/v1/tasks/churn/predict", "application/json", strings.NewReader(`{"entities":[42]}`))
				got := status(res, err)
				mu.Lock()
				count[got]++
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	time.Sleep(50 * time.Millisecond)
	r.stop()
	wg.Wait()
	if err := <-r.ended; err != nil {
		t.Error(err)
	}
	done, refused := count["200"], count["503 draining retry 5"]
	for got, n := range count {
		if got != "200" && got != "503 draining retry 5" &&
			!strings.Contains(got, "connection refused") && !strings.Contains(got, "connection reset") {
			t.Errorf("%d times %s", n, got)
		}
	}
	if done == 0 || refused == 0 {
		t.Errorf("%d answered, %d turned away, want both kinds", done, refused)
	}
	text := get(s, "/metrics").Body.String()
	for code, want := range map[int]int{200: done, 503: refused} {
		if line := fmt.Sprintf("rowlink_requests_total{code=\"%d\",path=\"/v1/tasks/{task}/predict\"} %d\n", code, want); !strings.Contains(text, line) {
			t.Errorf("the clients have %d answers with status %d, the server counts differently", want, code)
		}
	}
}

func TestServe_hardStop(t *testing.T) {
	f := &fake{hold: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}
	s, _ := newServer(t, f, func(o *Options) { o.Limits.DrainTime = 30 * time.Millisecond })
	r := run(t, s)
	answer := make(chan string)
	go func() { answer <- status(r.post("churn")) }()
	eventually(t, "the request is inside", func() bool { return s.gate.inside.Load() == 1 })
	r.stop()
	if got := <-answer; got != "503 draining retry 5" {
		t.Errorf("the cut request got %s", got)
	}
	if err := <-r.ended; err == nil || !strings.Contains(err.Error(), "1 requests were not done after 30ms") {
		t.Errorf("Serve: %v", err)
	}
}

func TestPredict_overload(t *testing.T) {
	release := make(chan struct{})
	f := &fake{hold: func(context.Context) error { <-release; return nil }}
	s, _ := newServer(t, f, func(o *Options) { o.Limits.Concurrent, o.Limits.Queue = 1, 2 })
	answers := make(chan int, 3)
	for range 3 {
		go func() { answers <- post(s, "churn", `{"entities":[1]}`).Code }()
	}
	eventually(t, "place and queue are full", func() bool { return s.gate.inside.Load() == 3 && s.batcher.depth() == 2 })
	start := time.Now()
	w := post(s, "churn", `{"entities":[1]}`)
	if took := time.Since(start); w.Code != 503 || w.Header().Get("Retry-After") != "1" || took > 100*time.Millisecond {
		t.Errorf("above the limit: %d, Retry-After %q after %s", w.Code, w.Header().Get("Retry-After"), took)
	}
	if w := get(s, "/v1/tasks"); w.Code != 200 {
		t.Errorf("other paths under overload: %d", w.Code)
	}
	close(release)
	for range 3 {
		if code := <-answers; code != 200 {
			t.Errorf("an admitted request got %d", code)
		}
	}
	if w := post(s, "churn", `{"entities":[1]}`); w.Code != 200 {
		t.Errorf("after the overload: %d", w.Code)
	}
	if w := get(s, "/metrics"); !strings.Contains(w.Body.String(), `rowlink_errors_total{reason="rejected"} 1`) {
		t.Error("the refusal is not counted")
	}
}

func TestPredict_deadlineAndCancel(t *testing.T) {
	f := &fake{hold: func(ctx context.Context) error { <-ctx.Done(); return fmt.Errorf("sample: %w", ctx.Err()) }}
	s, _ := newServer(t, f, func(o *Options) { o.Limits.PredictTime, o.Limits.Concurrent = 20*time.Millisecond, 1 })
	codes := make(chan int, 2) // the second one's time is up in the queue
	for range 2 {
		go func() { codes <- post(s, "churn", `{"entities":[1]}`).Code }()
	}
	for range 2 {
		if code := <-codes; code != 504 {
			t.Errorf("after the deadline: %d, want 504", code)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/v1/tasks/churn/predict", strings.NewReader(`{"entities":[1]}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	if w.Code != 499 {
		t.Errorf("after the client left: %d, want 499", w.Code)
	}
	text := get(s, "/metrics").Body.String()
	for _, want := range []string{`rowlink_errors_total{reason="deadline"} 2`, `rowlink_errors_total{reason="cancelled"} 1`} {
		if !strings.Contains(text, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	if s.gate.inside.Load() != 0 || s.batcher.busy != 0 || s.batcher.depth() != 0 {
		t.Error("places are not given back")
	}
}

// TestServe_longPrediction computes for longer than a request may take to arrive.
func TestServe_longPrediction(t *testing.T) {
	f := &fake{hold: func(ctx context.Context) error {
		select {
		case <-time.After(150 * time.Millisecond):
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}}
	s, _ := newServer(t, f, func(o *Options) { o.Limits.ReadTime = 50 * time.Millisecond })
	r := run(t, s)
	for range 2 { // the second on the same connection
		if got := status(r.post("churn")); got != "200" {
			t.Errorf("got %s", got)
		}
	}
	r.stop()
	if err := <-r.ended; err != nil {
		t.Error(err)
	}
}

// TestServe_slowAndHostile speaks to the port by hand.
func TestServe_slowAndHostile(t *testing.T) {
	s, _ := newServer(t, &fake{}, func(o *Options) {
		o.Limits.ReadHeaderTime, o.Limits.ReadTime, o.Limits.HeaderBytes = 50*time.Millisecond, 80*time.Millisecond, 2048
	})
	r := run(t, s)
	const head = "POST /v1/tasks/churn/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
	for name, c := range map[string]struct{ send, want string }{
		"header never ends":     {"GET / HTTP/1.1\r\nHost: localhost\r\n", ""},
		"body never ends":       {head + "Content-Length: 100\r\n\r\n{", "408 Request Timeout"},
		"header too large":      {"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 10_000) + "\r\n\r\n", "431 Request Header Fields Too Large"},
		"declared body too big": {head + "Content-Length: 99999999999\r\n\r\n{", "413 Request Entity Too Large"},
		"foreign name":          {"GET /v1/tasks HTTP/1.1\r\nHost: evil.example:8080\r\n\r\n", "421 Misdirected Request"},
		"own name":              {"GET /healthz HTTP/1.1\r\nHost: LOCALHOST.:8080\r\nConnection: close\r\n\r\n", "200 OK"},
		"own address":           {"GET /healthz HTTP/1.1\r\nHost: [::1]:8080\r\nConnection: close\r\n\r\n", "200 OK"},
		"no HTTP":               {"\x16\x03\x01\r\n\r\n", "400 Bad Request"},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_, _ = conn.Write([]byte(c.send)) // the server may close early
			_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
			line, err := bufio.NewReader(conn).ReadString('\n')
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				t.Fatal("the connection stays open")
			}
			if got := strings.TrimSpace(strings.TrimPrefix(line, "HTTP/1.1 ")); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	r.stop()
	if err := <-r.ended; err != nil {
		t.Error(err)
	}
}

func TestNew_addresses(t *testing.T) {
	for addr, local := range map[string]bool{"": true, "127.0.0.1:0": true, "localhost:80": true, "[::1]:80": true, "127.8.8.8:1": true, "[::ffff:127.0.0.1]:1": true,
		":8080": false, "0.0.0.0:8080": false, "[::]:8080": false, "10.0.0.1:80": false, "example.com:80": false, "localhost.example.com:80": false} {
		_, err := New(Options{Backend: &fake{}, Addr: addr})
		if (err == nil) != local {
			t.Errorf("%q: %v", addr, err)
		}
		if err != nil && !strings.Contains(err.Error(), "--listen-remote") {
			t.Errorf("%q: %v does not name the way out", addr, err)
		}
		for _, c := range []struct {
			change func(*Options)
			lacks  string // what the error names; "" = none
		}{
			{func(o *Options) {}, "--tls-cert"},
			{func(o *Options) { o.TLS = &tls.Config{} }, "rowlink tokens create"},
			{func(o *Options) { o.PlainHTTP = true }, "rowlink tokens create"},
			{func(o *Options) { o.TLS, o.Gatekeeper = &tls.Config{}, tokens{} }, ""},
			{func(o *Options) { o.PlainHTTP, o.Gatekeeper = true, tokens{} }, ""},
		} {
			opt := Options{Backend: &fake{}, Addr: addr, AllowRemote: true}
			c.change(&opt)
			_, err := New(opt)
			if fits := err == nil || c.lacks != "" && strings.Contains(err.Error(), c.lacks); !fits || (err == nil) != (local || c.lacks == "") {
				t.Errorf("%q with AllowRemote: %v, want one about %q", addr, err, c.lacks)
			}
		}
	}
	if _, err := New(Options{Backend: &fake{}, Addr: "8080"}); err == nil {
		t.Error("an address without host is accepted")
	}
	ln, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	s, _ := newServer(t, &fake{}, nil)
	if err := s.Serve(context.Background(), ln); err == nil || !strings.Contains(err.Error(), "other machines") {
		t.Errorf("a remote listener: %v", err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	s, _ = newServer(t, &fake{}, func(o *Options) { o.Addr = taken.Addr().String() })
	if err := s.Run(context.Background()); err == nil || !strings.Contains(err.Error(), "listen on 127.0.0.1:") {
		t.Errorf("a taken port: %v", err)
	}
}

func TestNew_wrongLimits(t *testing.T) {
	_, err := New(Options{Backend: &fake{}, Limits: Limits{BodyBytes: -1, Entities: -5, Concurrent: -1, Queue: -2, PredictTime: -1, WriteTime: -1, DrainGrace: -2}})
	for _, want := range []string{"BodyBytes is -1", "Entities is -5", "Concurrent is -1", "Queue is -2", "PredictTime is -1ns", "DrainGrace is -2ns"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v lacks %q", err, want)
		}
	}
}

func TestReady(t *testing.T) {
	ready := errors.New("loading hunter2")
	s, _ := newServer(t, &fake{}, func(o *Options) { o.Ready = func(context.Context) error { return ready } })
	if w := get(s, "/readyz"); w.Code != 503 || w.Header().Get("Retry-After") != "1" || bytes.Contains(w.Body.Bytes(), []byte("hunter2")) {
		t.Errorf("not ready: %d %s", w.Code, w.Body)
	}
	ready = nil
	if w := get(s, "/readyz"); w.Code != 200 {
		t.Errorf("ready: %d", w.Code)
	}
}
