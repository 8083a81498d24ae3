package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rowlink/rowlink/jobs"
)

// echo says what it was asked, waits where it is told to, and fails or panics if so asked.
func echo(hold <-chan struct{}) map[string]jobs.Work {
	return map[string]jobs.Work{"train": func(ctx context.Context, j jobs.Job, _ string, emit func(string, any)) (any, error) {
		emit("say", string(j.Request))
		switch string(j.Request) {
		case `"hold"`:
			select {
			case <-hold:
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		case `"fail"`:
			return nil, errors.New("no such task")
		case `"panic"`:
			panic("secret")
		}
		return map[string]int{"version": j.Attempts}, nil
	}}
}

func open(t *testing.T, dir string, hold <-chan struct{}) *jobs.Queue {
	t.Helper()
	q, err := jobs.Open(dir, echo(hold), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func submit(t *testing.T, q *jobs.Queue, request, key string) string {
	t.Helper()
	j, _, err := q.Submit("train", "churn", json.RawMessage(request), key)
	if err != nil {
		t.Fatal(err)
	}
	return j.ID
}

// story is a job's state and what it said, in short.
func story(t *testing.T, q *jobs.Queue, id string, until func(jobs.Job) bool) string {
	t.Helper()
	for range 5000 {
		if j, _, ok := q.Job(id); !ok {
			t.Fatalf("no job %s", id)
		} else if until(j) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	j, _, _ := q.Job(id)
	list, _, _, _ := q.Events(id, 0)
	parts := []string{string(j.State)}
	for i, e := range list {
		if e.ID != i+1 {
			t.Errorf("event %d has the id %d", i+1, e.ID)
		}
		parts = append(parts, e.Kind+" "+string(e.Data))
	}
	return strings.Join(parts, "; ")
}

func final(j jobs.Job) bool   { return j.State.Final() }
func running(j jobs.Job) bool { return j.State == jobs.Running }

// run runs a queue until stop.
func run(q *jobs.Queue) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); q.Run(ctx) }()
	return func() { cancel(); <-done }
}

func TestQueue(t *testing.T) {
	hold := make(chan struct{})
	q := open(t, t.TempDir(), hold)
	ids := map[string]string{}
	for _, request := range []string{`"ok"`, `"fail"`, `"panic"`, `"hold"`, `"later"`} {
		ids[request] = submit(t, q, request, "")
	}
	defer run(q)()
	for request, want := range map[string]string{
		`"ok"`:    `succeeded; state {"state":"running","attempt":1}; say "\"ok\""; state {"state":"succeeded","attempt":1,"result":{"version":1}}`,
		`"fail"`:  `failed; state {"state":"running","attempt":1}; say "\"fail\""; state {"state":"failed","attempt":1,"error":"no such task","result":null}`,
		`"panic"`: `failed; state {"state":"running","attempt":1}; say "\"panic\""; state {"state":"failed","attempt":1,"error":"a fault of the program; the server's log has it","result":null}`,
	} {
		got := story(t, q, ids[request], final)
		if got = strings.ReplaceAll(got, `,"result":null`, ""); got != strings.ReplaceAll(want, `,"result":null`, "") {
			t.Errorf("%s:\n%s, want\n%s", request, got, want)
		}
	}
	if got := story(t, q, ids[`"hold"`], running); !strings.HasPrefix(got, "running; ") {
		t.Errorf("the fourth: %s", got)
	}
	if j, _, _ := q.Job(ids[`"later"`]); j.State != jobs.Queued {
		t.Errorf("the fifth is %s beside the fourth, want one at a time", j.State)
	}
	q.Cancel(ids[`"later"`])
	q.Cancel(ids[`"hold"`])
	for _, request := range []string{`"hold"`, `"later"`} {
		if got := story(t, q, ids[request], final); !strings.HasPrefix(got, "cancelled; ") {
			t.Errorf("%s: %s", request, got)
		}
	}
	if _, ok := q.Cancel("nothing"); ok {
		t.Error("a job that is not there is cancelled")
	}
	all := q.Jobs()
	if len(all) != 5 || all[0].ID != ids[`"later"`] || all[4].ID != ids[`"ok"`] {
		t.Errorf("jobs %v", all)
	}
}

func TestSubmit_key(t *testing.T) {
	q := open(t, t.TempDir(), nil)
	first := submit(t, q, `"ok"`, "k")
	j, created, err := q.Submit("train", "churn", json.RawMessage(`"ok"`), "k")
	if err != nil || created || j.ID != first {
		t.Errorf("the same again: %v, %t, %v", j.ID, created, err)
	}
	used := (*jobs.KeyError)(nil)
	if _, _, err := q.Submit("train", "churn", json.RawMessage(`"fail"`), "k"); !errors.As(err, &used) || used.Job != first {
		t.Errorf("another request under the key: %v", err)
	}
	if _, _, err := q.Submit("train", "other", json.RawMessage(`"ok"`), "k"); !errors.As(err, &used) {
		t.Errorf("another task under the key: %v", err)
	}
	if other := submit(t, q, `"ok"`, ""); other == first {
		t.Error("without a key the job is the same")
	}
	full := (*jobs.FullError)(nil)
	for range 100 {
		if _, _, err = q.Submit("train", "churn", json.RawMessage(`"ok"`), ""); err != nil {
			break
		}
	}
	if !errors.As(err, &full) {
		t.Errorf("after a hundred: %v", err)
	}
}

// TestOpen_again ends a process in the middle of a job: in order, and by leaving things as
// a crash does. The next process goes on with it, then with those behind it, and all that
// was said is there.
func TestOpen_again(t *testing.T) {
	for _, crash := range []bool{false, true} {
		dir, hold := t.TempDir(), make(chan struct{})
		q := open(t, dir, hold)
		first, second := submit(t, q, `"hold"`, "k"), submit(t, q, `"ok"`, "")
		stop := run(q)
		story(t, q, first, running)
		if crash { // as it lies on disk while it runs, and half a line
			copied := t.TempDir()
			if err := os.CopyFS(filepath.Join(copied, "queue"), os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			stop()
			dir = filepath.Join(copied, "queue")
			f, err := os.OpenFile(filepath.Join(dir, first, "events.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
			if err == nil {
				_, err = fmt.Fprint(f, `{"id":3,"at":`)
			}
			if err := errors.Join(err, f.Close()); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(filepath.Join(dir, "20200101-000000000000-abcdef"), 0o700); err != nil { // never answered for
				t.Fatal(err)
			}
		} else {
			stop()
		}
		close(hold)
		q = open(t, dir, hold)
		if len(q.Jobs()) != 2 {
			t.Errorf("jobs %v", q.Jobs())
		}
		if j, created, err := q.Submit("train", "churn", json.RawMessage(`"hold"`), "k"); err != nil || created || j.ID != first {
			t.Errorf("the key is forgotten: %v %t %v", j.ID, created, err)
		}
		stop = run(q)
		got := story(t, q, second, final)
		if !strings.HasPrefix(got, "succeeded; ") {
			t.Errorf("the second: %s", got)
		}
		got = story(t, q, first, final)
		for _, want := range []string{"succeeded; ", `{"state":"running","attempt":1}`, `{"state":"running","attempt":2}`, `"result":{"version":2}`} {
			if !strings.Contains(got, want) {
				t.Errorf("crash %t: the first lacks %s: %s", crash, want, got)
			}
		}
		stop()
	}
}

// TestEvents_follow hears each event once, from where it left off.
func TestEvents_follow(t *testing.T) {
	hold := make(chan struct{})
	q := open(t, t.TempDir(), hold)
	id := submit(t, q, `"hold"`, "")
	defer run(q)()
	var heard []int
	opened := false
	for after := 0; ; {
		list, done, more, ok := q.Events(id, after)
		if !ok {
			t.Fatal("no such job")
		}
		for _, e := range list {
			heard = append(heard, e.ID)
			after = e.ID
		}
		if done && len(list) == 0 {
			break
		}
		if after == 2 && !opened {
			opened = true
			close(hold)
		}
		if len(list) == 0 {
			<-more
		}
	}
	if !slices.Equal(heard, []int{1, 2, 3}) {
		t.Errorf("heard %v", heard)
	}
	if _, _, _, ok := q.Events("nothing", 0); ok {
		t.Error("a job that is not there speaks")
	}
}

func Example() {
	dir, err := os.MkdirTemp("", "jobs")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	q, err := jobs.Open(dir, map[string]jobs.Work{"train": func(_ context.Context, j jobs.Job, _ string, emit func(string, any)) (any, error) {
		emit("epoch", map[string]any{"number": 1, "val": 0.75})
		return map[string]any{"version": 7}, nil
	}}, slog.New(slog.DiscardHandler))
	if err != nil {
		fmt.Println(err)
		return
	}
	j, _, err := q.Submit("train", "churn", json.RawMessage(`{"epochs": 3}`), "")
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	go q.Run(ctx)
	for after, done := 0, false; !done; {
		list, end, more, _ := q.Events(j.ID, after)
		for _, e := range list {
			fmt.Println(e.ID, e.Kind, string(e.Data))
			after = e.ID
		}
		if done = end; !done {
			<-more
		}
	}
	stop()
	// Output:
	// 1 state {"state":"running","attempt":1}
	// 2 epoch {"number":1,"val":0.75}
	// 3 state {"state":"succeeded","attempt":1,"result":{"version":7}}
}

// Of two queues over one folder one runs the jobs, also those that the other took in; both
// tell how far they are, and when the first ends the second goes on.
func TestQueue_shared(t *testing.T) {
	dir := t.TempDir()
	hold := make(chan struct{})
	a, b := open(t, dir, hold), open(t, dir, hold)
	stopA := run(a)
	first := submit(t, a, `"ok"`, "")
	story(t, a, first, final)
	defer run(b)()
	time.Sleep(50 * time.Millisecond) // b has found the lock taken
	// by one that only waits, and run by the other
	other := submit(t, b, `"ok"`, "")
	held := submit(t, b, `"hold"`, "")
	if got := story(t, b, other, final); !strings.HasPrefix(got, "succeeded; ") || !strings.Contains(got, `say "\"ok\""`) {
		t.Errorf("seen by the one that waits: %s", got)
	}
	if got := story(t, a, other, final); !strings.HasPrefix(got, "succeeded; ") {
		t.Errorf("seen by the one that ran it: %s", got)
	}
	if got := story(t, b, first, final); !strings.HasPrefix(got, "succeeded; ") {
		t.Errorf("the first: %s", got)
	}
	// cancelled through the one that does not run it
	story(t, b, held, running)
	b.Cancel(held)
	if got := story(t, b, held, final); !strings.HasPrefix(got, "cancelled; ") {
		t.Errorf("cancelled: %s", got)
	}
	again := submit(t, b, `"hold"`, "")
	story(t, b, again, running)
	stopA()
	close(hold)
	if got := story(t, b, again, final); !strings.HasPrefix(got, "succeeded; ") || !strings.Contains(got, `"attempt":2`) {
		t.Errorf("by the second: %s", got)
	}
}
