package server

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// gated is the fake behind a door: calls wait until it is opened, and what they ask is
// noted. A call about the key 13 panics, and one about the key 14 fails.
type gated struct {
	*fake
	open chan struct{}

	mu    sync.Mutex
	calls []string
}

func newGated() *gated { return &gated{fake: &fake{}, open: make(chan struct{})} }

func (g *gated) Predict(ctx context.Context, req PredictRequest) (*PredictAnswer, error) {
	keys := make([]string, len(req.Entities))
	for i, k := range req.Entities {
		keys[i] = string(k)
	}
	slices.Sort(keys) // who came first is chance
	g.mu.Lock()
	g.calls = append(g.calls, strings.Join(keys, " "))
	g.mu.Unlock()
	select {
	case <-g.open:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	switch {
	case slices.Contains(keys, "13"):
		panic("thirteen")
	case slices.Contains(keys, "14"):
		return nil, fmt.Errorf("fourteen")
	}
	return g.fake.Predict(ctx, req)
}

func (g *gated) seen() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.calls)
}

// crowd sends bodies at once to a server with one place, the first of them alone, and
// opens the door when all wait. It returns the answers by body.
func crowd(t *testing.T, g *gated, bodies ...string) map[string]string {
	t.Helper()
	s, _ := newServer(t, nil, func(o *Options) { o.Backend, o.Limits.Concurrent = g, 1 })
	answers := map[string]string{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	send := func(body string) {
		wg.Go(func() {
			w := post(s, "churn", body)
			mu.Lock()
			defer mu.Unlock()
			answers[body] = fmt.Sprint(w.Code, " ", w.Body.String())
		})
	}
	send(bodies[0])
	eventually(t, "the first is computed", func() bool { return len(g.seen()) == 1 })
	for i, body := range bodies[1:] {
		send(body)
		eventually(t, "the others wait", func() bool { return s.batcher.depth() == i+1 })
	}
	close(g.open)
	wg.Wait()
	if s.batcher.busy != 0 || s.batcher.depth() != 0 {
		t.Errorf("%d places taken and %d waiting at the end", s.batcher.busy, s.batcher.depth())
	}
	return answers
}

// TestBatcher_together puts those that wait into as few calls as may be, and each answer is
// the same as alone.
func TestBatcher_together(t *testing.T) {
	g := newGated()
	long := fmt.Sprintf(`{"entities":[%s]}`, strings.TrimSuffix(strings.Repeat("7,", sharedEntities+1), ","))
	answers := crowd(t, g,
		`{"entities":[1]}`,
		`{"entities":[2, 404]}`,
		`{"entities":[3],"anchor":"2020-01-01T00:00:00Z"}`,
		`{"entities":["x"]}`,
		`{"entities":[57]}`,
		`{"entities":[4],"explain":{"top":2}}`,
		long,
		`{"entities":[6],"anchor":"2020-01-01T00:00:00Z"}`,
		`{"entities":[5]}`)
	calls := g.seen()
	want := []string{"1", `"x" 2 404 5 57`, "3 6", "4", strings.TrimSpace(strings.Repeat("7 ", sharedEntities+1))}
	if !slices.Equal(calls, want) {
		t.Errorf("calls of the backend\n%q, want\n%q", calls, want)
	}
	alone, _ := newServer(t, &fake{}, nil)
	for body, got := range answers {
		w := post(alone, "churn", body)
		if want := fmt.Sprint(w.Code, " ", w.Body.String()); withoutID(got) != withoutID(want) {
			t.Errorf("%s among others: %s, alone: %s", body, got, want)
		}
	}
}

// withoutID takes out what differs between two equal requests.
func withoutID(answer string) string {
	_, text, _ := strings.Cut(answer, " ")
	var v map[string]any
	if json.Unmarshal([]byte(text), &v) != nil {
		return answer
	}
	delete(v, "request_id")
	return fmt.Sprint(answer[:3], v)
}

// TestBatcher_faults: a request that fails or panics spoils no other.
func TestBatcher_faults(t *testing.T) {
	for _, bad := range []string{"13", "14"} {
		g := newGated()
		answers := crowd(t, g, `{"entities":[1]}`, `{"entities":[2]}`, `{"entities":[`+bad+`]}`, `{"entities":[3]}`)
		for body, got := range answers {
			want := "200"
			if strings.Contains(body, bad) {
				want = "500"
			}
			if !strings.HasPrefix(got, want) {
				t.Errorf("%s beside %s: %s, want %s", body, bad, got, want)
			}
		}
	}
}

// TestBatcher_nobodyWaits: a call ends when all who wait for it have left, and not before.
func TestBatcher_nobodyWaits(t *testing.T) {
	var group []*ask
	var leave []context.CancelFunc
	for range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		group, leave = append(group, &ask{ctx: ctx}), append(leave, cancel)
	}
	ctx, cancel := allOf(group)
	defer cancel()
	leave[0]()
	leave[2]()
	select {
	case <-ctx.Done():
		t.Fatal("the call ended while somebody waits")
	case <-time.After(10 * time.Millisecond):
	}
	leave[1]()
	eventually(t, "the call ends", func() bool { return ctx.Err() != nil })
}

// TestBatcher_late: while a request has waited for too long, new ones are told at once.
func TestBatcher_late(t *testing.T) {
	g := newGated()
	s, _ := newServer(t, nil, func(o *Options) { o.Backend, o.Limits.Concurrent, o.Limits.QueueTime = g, 1, time.Millisecond })
	var wg sync.WaitGroup
	for i := range 2 {
		wg.Go(func() {
			if w := post(s, "churn", `{"entities":[1]}`); w.Code != 200 {
				t.Errorf("an admitted request got %d", w.Code)
			}
		})
		eventually(t, "the request is inside", func() bool { return len(g.seen())+s.batcher.depth() == i+1 })
	}
	eventually(t, "it is late", s.batcher.late)
	if w := post(s, "churn", `{"entities":[1]}`); w.Code != 503 || w.Header().Get("Retry-After") != "1" {
		t.Errorf("behind a late request: %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	close(g.open)
	wg.Wait()
	if w := post(s, "churn", `{"entities":[1]}`); w.Code != 200 {
		t.Errorf("after that: %d", w.Code)
	}
}
