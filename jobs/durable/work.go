package durable

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// Handler does a job. It must have the same effect however often, and by however many at a
// time, it is begun: what is to happen once belongs into one transaction, or under one name,
// with the mark that says so. Work that ends because ctx did returns an error that is
// context.Canceled, and another worker begins it anew, without that counting as an attempt.
type Handler func(ctx context.Context, j Job) error

// WorkOptions configures [Queue.Work].
type WorkOptions struct {
	Lanes map[string]Handler

	// Takeover is how long a worker may be silent before its jobs go to others. Workers tell
	// three times in that span that they live.
	Takeover time.Duration
	// Grace is how long a job may go on after ctx has ended.
	Grace time.Duration
}

// DefaultTakeover is a Takeover that a long pause of a machine, or of the database, does not
// reach.
const DefaultTakeover = 30 * time.Second

// ever is longer than any job: River takes over by the age of a job, we by the silence of its
// worker.
const ever = 100 * 365 * 24 * time.Hour

// Work takes jobs, one of each lane at a time, until ctx ends and those that run have ended.
func (q *Queue) Work(ctx context.Context, opt WorkOptions) error {
	workers, queues := river.NewWorkers(), map[string]river.QueueConfig{}
	for lane := range opt.Lanes {
		queues[lane] = river.QueueConfig{MaxWorkers: 1}
	}
	river.AddWorker(workers, &worker{lanes: opt.Lanes})
	client, err := river.NewClient(q.driver, &river.Config{ID: q.id, Schema: Schema, Logger: q.log, Workers: workers, Queues: queues,
		JobTimeout: -1, RescueStuckJobsAfter: ever, SoftStopTimeout: opt.Grace, RetryPolicy: retrySoon{}})
	if err != nil {
		return fmt.Errorf("work on the queue: %s", reason(err))
	}
	p := &pulse{Queue: q, takeover: opt.Takeover}
	if err := p.beat(ctx); err != nil { // before the first job
		return err
	}
	beating, stop := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	wg.Go(func() { p.run(beating) })
	defer wg.Wait()
	defer stop() // after the last job
	if err := client.Start(ctx); err != nil {
		return fmt.Errorf("work on the queue: %s", reason(err))
	}
	<-client.Stopped()
	return nil
}

// worker hands River's jobs to the handlers.
type worker struct {
	river.WorkerDefaults[Job]
	lanes map[string]Handler
}

// Work implements [river.Worker].
func (w *worker) Work(ctx context.Context, j *river.Job[Job]) error {
	err := w.lanes[j.Queue](ctx, j.Args)
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return river.JobSnooze(0)
	}
	return err
}

// retrySoon waits some seconds after an error: what is wrong with a shard rarely mends itself,
// and a sink that cannot be reached comes back in a minute or two.
type retrySoon struct{}

func (retrySoon) NextRetry(row *rivertype.JobRow) time.Time {
	return time.Now().Add(time.Duration(row.Attempt*row.Attempt) * 500 * time.Millisecond)
}
