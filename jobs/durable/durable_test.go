package durable_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rowlink/rowlink/internal/pgtest"
	"github.com/rowlink/rowlink/jobs/durable"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func open(t *testing.T, url string) *durable.Queue {
	t.Helper()
	q, err := durable.Open(t.Context(), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(q.Close)
	return q
}

// work runs a worker until stop is called.
func work(t *testing.T, q *durable.Queue, h durable.Handler) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := q.Work(ctx, durable.WorkOptions{Lanes: map[string]durable.Handler{durable.Shards: h}, Takeover: time.Second, Grace: 100 * time.Millisecond}); err != nil {
			t.Error(err)
		}
	})
	return func() { cancel(); wg.Wait() }
}

func submit(t *testing.T, q *durable.Queue, n int) int {
	t.Helper()
	var list []durable.Job
	for i := range n {
		list = append(list, durable.Job{Name: fmt.Sprint("shard ", i), Group: "group-1", Request: []byte(fmt.Sprint(i))})
	}
	added, err := q.Submit(t.Context(), durable.Shards, list)
	if err != nil {
		t.Fatal(err)
	}
	return added
}

// until waits for a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 600 {
		if ok() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("waited in vain: %s", what)
}

// done is the state in which nothing of the group waits.
func done(t *testing.T, q *durable.Queue) func() bool {
	return func() bool {
		n, err := q.Waiting(t.Context(), "group-1")
		if err != nil {
			t.Fatal(err)
		}
		return n == 0
	}
}

// Three open at once make the tables once; a name waits once; every job is done.
func TestQueue(t *testing.T) {
	url := pgtest.URL(t)
	var opened sync.WaitGroup
	for range 3 {
		opened.Go(func() {
			if q, err := durable.Open(t.Context(), url, nil); err != nil {
				t.Error(err)
			} else {
				q.Close()
			}
		})
	}
	opened.Wait()
	q := open(t, url)
	if a, b := submit(t, q, 5), submit(t, q, 8); a != 5 || b != 3 {
		t.Errorf("added %d and %d, want 5 and 3", a, b)
	}
	var mu sync.Mutex
	seen := map[string]int{}
	stop := work(t, q, func(_ context.Context, j durable.Job) error {
		mu.Lock()
		defer mu.Unlock()
		if seen[j.Name]++; seen[j.Name] == 1 && j.Name == "shard 3" {
			return errors.New("not yet")
		}
		return nil
	})
	until(t, "eight jobs", done(t, q))
	stop()
	for i := range 8 {
		want := 1
		if i == 3 {
			want = 2
		}
		if name := fmt.Sprint("shard ", i); seen[name] != want {
			t.Errorf("%s was begun %d times, want %d", name, seen[name], want)
		}
	}
	if n := submit(t, q, 1); n != 1 {
		t.Errorf("a job that ended could not be submitted again: %d", n)
	}
}

// A worker that is asked to stop leaves its job to the next one; one that stops answering
// loses it.
func TestQueue_takeover(t *testing.T) {
	url := pgtest.URL(t)
	first, second := open(t, url), open(t, url)
	submit(t, first, 1)
	begun := make(chan struct{}, 9)
	stop := work(t, first, func(ctx context.Context, _ durable.Job) error {
		begun <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	})
	<-begun
	stop()
	if done(t, first)() {
		t.Fatal("the job is gone")
	}

	// The first takes it again, and then its heart stops: somebody else's time for it.
	free := make(chan struct{})
	stopFirst := work(t, first, func(context.Context, durable.Job) error {
		begun <- struct{}{}
		<-free
		return nil
	})
	<-begun
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	// as if it had never been heard of, however often it tells
	if _, err := conn.Exec(t.Context(), `CREATE FUNCTION deaf() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF NEW.id = TG_ARGV[0] THEN NEW.seen = 'epoch'; END IF; RETURN NEW; END $$;
		CREATE TRIGGER deaf BEFORE INSERT OR UPDATE ON `+durable.Schema+`.worker FOR EACH ROW EXECUTE FUNCTION deaf('`+first.Worker()+`')`); err != nil {
		t.Fatal(err)
	}
	taken := make(chan struct{}, 9)
	stopSecond := work(t, second, func(context.Context, durable.Job) error { taken <- struct{}{}; return nil })
	select {
	case <-taken:
	case <-time.After(20 * time.Second):
		t.Error("nobody took over")
	}
	until(t, "the job", done(t, second))
	close(free)
	stopFirst()
	stopSecond()
}

// A job that fails again and again is given up, and the group is told.
func TestQueue_failed(t *testing.T) {
	url := pgtest.URL(t)
	q := open(t, url)
	begun, err := q.Now(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	submit(t, q, 1)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), "UPDATE "+durable.Schema+".river_job SET max_attempts = 2"); err != nil {
		t.Fatal(err)
	}
	defer work(t, q, func(context.Context, durable.Job) error { return errors.New("the sink is full") })()
	until(t, "the end", done(t, q))
	var failed *durable.FailedError
	if err := q.Failed(t.Context(), "group-1", begun); !errors.As(err, &failed) || failed.Last != "the sink is full" || failed.Attempts != 2 {
		t.Errorf("%v", err)
	}
	if err := q.Failed(t.Context(), "group-2", begun); err != nil {
		t.Error(err)
	}
}

func TestOpen_wrong(t *testing.T) {
	_, err := durable.Open(t.Context(), "postgres://someone:hunter2@127.0.0.1:1/none?sslmode=disable", nil)
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("no server: %v", err)
	}
}

// ExampleQueue_Submit leaves a shard to whoever takes it.
func ExampleQueue_Submit() {
	url := os.Getenv("ROWLINK_QUEUE_URL")
	if url == "" {
		return // needs a Postgres
	}
	ctx := context.Background()
	q, err := durable.Open(ctx, url, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer q.Close()
	_, err = q.Submit(ctx, durable.Shards, []durable.Job{{Name: "churn/3/000000", Group: "churn-3", Request: []byte(`{}`)}})
	fmt.Println(err)
}
