package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink/jobs/durable"
)

func init() { subcommands.Add("worker", workerCommand) }

// shardRequest is what a job of the queue asks for.
type shardRequest struct {
	Batch batchSpec `json:"batch"`
	Shard int       `json:"shard"`
}

// batchWorker does shards of the queue, one after another. It keeps the last batch open.
type batchWorker struct {
	*app
	to   string // URL of the tables' database
	name string
	run  *batchRun
}

func workerCommand(a *app) *cobra.Command {
	w := &batchWorker{app: a}
	var url string
	opt := durable.WorkOptions{Grace: jobGrace}
	cmd := &cobra.Command{
		Use:   "worker",
		Short: "Take the shards of batches from a queue in Postgres, beside any number of other workers",
		Long: `worker takes shards that rowlink batch --queue left in a Postgres, answers them and adds them to the table
or folder of their batch, until it is asked to stop; then it ends the shard that it has begun. A worker that
is killed, or is silent for the time of --takeover, loses its shard to another one. What it had not added is not
there, and what it had added is not added again. All workers read one workspace, on a file system that they
share, and write tables to the database of --to.`,
		Example: "  rowlink worker --queue postgres://queue@db/jobs --to postgres://writer@db/shop --workspace /shared/rowlink",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			url, w.to = cmp.Or(url, os.Getenv(queueEnv)), cmp.Or(w.to, os.Getenv(sinkEnv))
			switch {
			case url == "":
				return usage("--queue postgres://user@host/database, or "+queueEnv, "no queue was named")
			case opt.Takeover < time.Second:
				return usage("", "--takeover is %s, want 1s or more", opt.Takeover)
			}
			opt.Lanes = map[string]durable.Handler{durable.Shards: w.shard}
			return w.work(cmd.Context(), url, opt)
		},
	}
	f := cmd.Flags()
	f.StringVar(&url, "queue", "", "Postgres with the queue: postgres://user@host/database (default $"+queueEnv+")")
	f.StringVar(&w.to, "to", "", "Postgres that the tables of batches are written to: postgres://writer@host/database (default $"+sinkEnv+")")
	f.DurationVar(&opt.Takeover, "takeover", durable.DefaultTakeover, "how long a worker may be silent before others take its shard over; the same for all workers")
	return cmd
}

// work works until ctx ends: to be stopped by a signal is how a worker ends.
func (w *batchWorker) work(ctx context.Context, url string, opt durable.WorkOptions) error {
	release := context.AfterFunc(ctx, func() { signal.Reset(os.Interrupt, syscall.SIGTERM) }) // a second one stops at once
	defer release()
	q, err := durable.Open(ctx, url, w.queueLog())
	if err != nil {
		return err
	}
	defer q.Close()
	w.name = q.Worker()
	w.say("worker %s waits for shards", w.name)
	defer func() {
		if w.run != nil {
			w.run.Close()
		}
	}()
	return q.Work(ctx, opt)
}

// shard is a [durable.Handler].
func (w *batchWorker) shard(ctx context.Context, j durable.Job) error {
	var ask shardRequest
	if err := json.Unmarshal(j.Request, &ask); err != nil {
		return fmt.Errorf("read the request of %s: %w", j.Name, err)
	}
	if err := w.open(ctx, ask.Batch); err != nil {
		return err
	}
	added, err := w.run.do(ctx, ask.Shard)
	if err == nil {
		_, err = w.run.to.Publish(ctx)
	}
	if err != nil {
		err = errors.Join(err, w.close()) // a connection that broke is not used again
		w.warn("%s: %v", j.Name, err)
		return err
	}
	if added {
		w.say("%s is in", j.Name)
	}
	return nil
}

// open opens the batch, unless it is the one that is open.
func (w *batchWorker) open(ctx context.Context, s batchSpec) (err error) {
	if w.run != nil && w.run.batchSpec == s {
		return nil
	}
	if err := w.close(); err != nil {
		return err
	}
	w.run, err = w.openBatch(ctx, s, w.to, w.name)
	return err
}

func (w *batchWorker) close() error {
	r := w.run
	if w.run = nil; r == nil {
		return nil
	}
	return r.Close()
}

// queueLog says what goes wrong with the queue.
func (a *app) queueLog() *slog.Logger {
	return slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
}
