package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink/jobs/durable"
	"github.com/rowlink/rowlink/sink"
)

func init() { subcommands.Add("batch", batchCommand) }

// The environment may hold the URLs, since arguments show passwords to others.
const (
	queueEnv = "ROWLINK_QUEUE_URL"
	sinkEnv  = "ROWLINK_SINK_URL"
)

// batchFlags are the flags of batch.
type batchFlags struct {
	storedFlags
	to        toTable
	out, at   string
	where     string
	job       bool
	perShard  int
	snapshot  string
	label     string
	queue     string
	index, of int
}

func batchCommand(a *app) *cobra.Command {
	var f batchFlags
	cmd := &cobra.Command{
		Use:   "batch TASK",
		Short: "Predict for everybody in shards, by one process or many, each row once",
		Long: `batch answers for all eligible rows, as predict --all does, in shards of rows. A shard is staged beside
the table or folder with the mark that it is done, in one step; when all are in, readers see all of
them at once. So a batch that was interrupted goes on with what is missing, and it does not matter how
often, where or by how many processes a shard was begun.

With --queue the shards wait in a Postgres for the processes of rowlink worker, and batch waits for
them. With --index I --of N the process does its share of the shards, such as a pod of an Indexed Job
of Kubernetes; the last one to end publishes. Without either it does all of them. All processes read one
workspace. The same batch once more, of the same version, snapshot and anchor into the same place, is the
one that is there; --run NAME makes it another.`,
		Example: "  rowlink batch churn --to postgres://writer@localhost/shop --table churn_scores\n" +
			"  rowlink batch churn --out /shared/churn --queue postgres://queue@db/jobs\n" +
			"  rowlink batch churn --out /shared/churn --index 3 --of 16",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.to.url, f.queue = cmp.Or(f.to.url, os.Getenv(sinkEnv)), cmp.Or(f.queue, os.Getenv(queueEnv))
			if err := f.check(cmd.Flags().Changed); err != nil {
				return err
			}
			if f.job {
				ctx, stop := a.asJob(cmd.Context())
				defer stop()
				cmd.SetContext(ctx)
			}
			a.snapshot = f.snapshot
			return a.batch(cmd.Context(), args[0], f)
		},
	}
	c := cmd.Flags()
	f.register(cmd)
	f.to.register(c, "predictions")
	c.StringVar(&f.out, "out", "", "folder for a Parquet file per shard, on a file system that all processes see; made when all are in")
	c.StringVar(&f.at, "at", "", "anchor: a date or time in the task's zone, or now (default: the end of the data)")
	c.StringVar(&f.where, "where", "", "only rows of which this condition holds at the anchor, written as the WHERE of a task")
	c.BoolVar(&f.job, "job", false, "report to the server that runs this as a job")
	_ = c.MarkHidden("job") // it is there
	c.IntVar(&f.perShard, "rows-per-shard", shardRows, "rows that make a shard: some seconds of work, and what a killed process loses at most")
	c.StringVar(&f.snapshot, "snapshot", "", "id of the snapshot to read (default: the workspace's latest)")
	c.StringVar(&f.label, "run", "", "a name that makes the batch another than an equal one before it")
	c.StringVar(&f.queue, "queue", "", "Postgres with the queue of the workers: postgres://user@host/database (default $"+queueEnv+")")
	c.IntVar(&f.index, "index", 0, "with --of: which share of the shards this process does, from 0")
	c.IntVar(&f.of, "of", 0, "how many processes share the shards")
	return cmd
}

func (f *batchFlags) check(given func(string) bool) error {
	if err := f.storedFlags.check(); err != nil {
		return err
	}
	if f.out == "" || f.to.table != "" {
		if err := f.to.check(); err != nil {
			return err
		}
	}
	switch {
	case (f.out == "") == (f.to.table == ""):
		return usage("write --to URL --table NAME, or --out FOLDER", "a batch goes into a table or a folder")
	case f.perShard < 1:
		return usage("", "--rows-per-shard is %d, want 1 or more", f.perShard)
	case given("index") && !given("of"):
		return usage("--index 0 --of 4", "--index needs --of")
	case given("of") && (f.of < 1 || f.index < 0 || f.index >= f.of):
		return usage("--index 0 --of 4", "--index %d --of %d: want 0 to the number before the last", f.index, f.of)
	case given("of") && given("queue"):
		return usage("take one of them", "--queue leaves the shards to the workers, --of does a share of them here")
	}
	var err error
	f.out, err = folder(f.out)
	return err
}

// batchDone is what batch prints.
type batchDone struct {
	Task      string `json:"task"`
	Version   int    `json:"version"`
	Snapshot  string `json:"snapshot"`
	Anchor    string `json:"anchor,omitempty"`
	Run       string `json:"run"`
	Shards    int    `json:"shards"`
	Here      int    `json:"shards_here"` // that this process added
	Rows      int64  `json:"rows"`
	Published bool   `json:"published"`
	Table     string `json:"table,omitempty"`
	Folder    string `json:"folder,omitempty"`
}

// batch plans the batch, does it or has it done, and says what came of it.
func (a *app) batch(ctx context.Context, task string, f batchFlags) error {
	if r, err := a.ranking(ctx, task, f.storedFlags); err != nil || r != nil {
		if r != nil {
			r.db.Close()
			err = usage("rowlink predict TASK --all --out FILE", "rankings are not cut into shards")
		}
		return err
	}
	m, err := a.stored(ctx, task, f.storedFlags)
	if err != nil {
		return err
	}
	r, err := a.planBatch(ctx, m, f)
	if err != nil {
		m.db.Close()
		return err
	}
	defer r.Close()
	a.say("run %s: %d rows in %d shards", r.run(), r.Rows, r.shards())
	done, here, err := a.finish(ctx, r, f)
	if err != nil {
		return err
	}
	out := batchDone{r.Task, r.Version, r.Snapshot, "", r.run(), r.shards(), here, done.Rows, done.Done, r.Table, r.Folder}
	if !r.Own {
		out.Anchor = instantJSON(r.Anchor)
	}
	return a.print(out, func(w io.Writer) error {
		where := cmp.Or(r.Table, r.Folder)
		if !done.Done {
			_, err := fmt.Fprintf(w, "run %s: %d shards done here, %d of %d in; %s changes when all are\n", out.Run, here, done.In, out.Shards, where)
			return err
		}
		_, err := fmt.Fprintf(w, "run %s: %d predictions of task %s, version %d, are in %s; %d of %d shards were done here\n", out.Run, done.Rows, out.Task, out.Version, where, here, out.Shards)
		return err
	})
}

// planBatch finds out who is asked about, and opens the sink.
func (a *app) planBatch(ctx context.Context, m *storedModel, f batchFlags) (*batchRun, error) {
	p := &predictions{Predictor: m.Predictor, from: m.origin(), entity: m.Snap.Tables[m.Task.Entity]}
	if err := p.setAnchor(f.at); err != nil {
		return nil, err
	}
	p.remark(0)
	for _, w := range p.warnings {
		a.warn("%s", w)
	}
	rows, err := p.chosen(ctx, nil, true, f.where)
	if err != nil {
		return nil, err
	}
	r := &batchRun{model: m, p: p, rows: rows, worker: fmt.Sprintf("batch-%d", os.Getpid())}
	r.batchSpec = batchSpec{Task: m.Version.Task, Version: m.Version.Version, Served: m.Served, Snapshot: m.Snap.ID, Anchor: p.anchor, Own: p.own,
		Rows: len(r.rows), PerShard: f.perShard, Label: f.label, Where: f.where, Table: f.to.table, Append: f.to.more, Folder: f.out}
	return r, r.stage(ctx, f.to.url)
}

// finish brings the shards in, here or through the queue, and publishes them.
func (a *app) finish(ctx context.Context, r *batchRun, f batchFlags) (done sink.Published, here int, err error) {
	if done, err = r.to.Publish(ctx); err != nil || done.Done {
		return done, 0, err
	}
	if f.queue != "" && f.of == 0 {
		done, err = a.await(ctx, r, f.queue)
		return done, 0, err
	}
	step := max(f.of, 1)
	for shard := f.index; shard < r.shards(); shard += step {
		added, err := r.do(ctx, shard)
		if err != nil {
			return done, here, err
		}
		if added {
			here++
		}
		a.update("predict", int64(shard/step+1), int64((r.shards()-f.index+step-1)/step), "shards")
	}
	done, err = r.to.Publish(ctx)
	return done, here, err
}

// queuePace is how often a batch looks how far its shards are.
const queuePace = 500 * time.Millisecond

// await puts the missing shards into the queue and waits until all are in.
func (a *app) await(ctx context.Context, r *batchRun, url string) (done sink.Published, err error) {
	q, err := durable.Open(ctx, url, a.queueLog())
	if err != nil {
		return done, err
	}
	defer q.Close()
	begun, err := q.Now(ctx)
	if err != nil {
		return done, err
	}
	var list []durable.Job
	for shard := range r.shards() {
		if in, err := r.to.Has(ctx, shard); err != nil || in {
			if err != nil {
				return done, err
			}
			continue
		}
		request, err := json.Marshal(shardRequest{r.batchSpec, shard})
		if err != nil {
			return done, err
		}
		list = append(list, durable.Job{Name: r.shardName(shard), Group: r.run(), Request: request})
	}
	added, err := q.Submit(ctx, durable.Shards, list)
	if err != nil {
		return done, err
	}
	a.say("%d shards wait for rowlink worker", added)
	for {
		if done, err = r.to.Publish(ctx); err != nil || done.Done {
			return done, err
		}
		if err := q.Failed(ctx, r.run(), begun); err != nil {
			return done, err
		}
		a.update("predict", int64(done.In), int64(r.shards()), "shards")
		select {
		case <-time.After(queuePace):
		case <-ctx.Done():
			return done, ctx.Err()
		}
	}
}
