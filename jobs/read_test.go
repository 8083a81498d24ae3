package jobs

import (
	"context"
	"log/slog"
	"testing"
	"time"
)

// Another process sees the jobs, and its wish to cancel one is heeded, also one that was
// left while nobody ran the jobs.
func TestRequestCancel(t *testing.T) {
	dir, began := t.TempDir(), make(chan string, 2)
	work := map[string]Work{"train": func(ctx context.Context, j Job, _ string, emit func(string, any)) (any, error) {
		emit("say", "begun")
		began <- j.ID
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	q, err := Open(dir, work, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	first, _, err := q.Submit("train", "churn", nil, "")
	if err != nil {
		t.Fatal(err)
	}
	second, _, err := q.Submit("train", "churn", nil, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := RequestCancel(dir, second.ID); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan struct{})
	go func() { q.Run(ctx); close(ran) }()
	if id := <-began; id != first.ID {
		t.Fatalf("job %s runs first", id)
	}
	if list, err := Read(dir); err != nil || len(list) != 2 || list[0].ID != second.ID || list[1].State != Running {
		t.Errorf("read %+v, %v", list, err)
	}
	if events := ReadEvents(dir, first.ID); len(events) < 2 {
		t.Errorf("events %+v", events)
	}
	if err := RequestCancel(dir, first.ID); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{first.ID, second.ID} {
		for {
			if j, _, _ := q.Job(id); j.State == Cancelled {
				break
			}
			time.Sleep(time.Millisecond)
		}
	}
	if len(began) > 0 {
		t.Error("the second job ran")
	}
	if err := RequestCancel(dir, "nobody"); err == nil {
		t.Error("a job that is not there is cancelled")
	}
	// a second queue waits until the first has ended, and goes on with what that one left
	third, _, err := q.Submit("train", "churn", nil, "")
	if err != nil {
		t.Fatal(err)
	}
	<-began
	other, err := Open(dir, work, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	later, stopLater := context.WithCancel(t.Context())
	otherRan := make(chan struct{})
	go func() { other.Run(later); close(otherRan) }()
	time.Sleep(20 * time.Millisecond)
	if len(began) > 0 {
		t.Error("two queues run the same job")
	}
	stop()
	<-ran
	if id := <-began; id != third.ID {
		t.Errorf("job %s goes on, want %s", id, third.ID)
	}
	if j, _, _ := other.Job(third.ID); j.State != Running || j.Attempts != 2 {
		t.Errorf("the job of the queue before: %+v", j)
	}
	stopLater()
	<-otherRan
	if list, err := Read(dir); err != nil || list[0].ID != third.ID || list[0].State != Interrupted {
		t.Errorf("after all queues ended: %+v, %v", list[0], err)
	}
}
