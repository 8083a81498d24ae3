// Package durable owns the queue that several processes share: jobs in a Postgres, through
// River. Any worker takes the next job; a job whose worker was killed, or does not answer any
// more, is taken over by another. A job can therefore be begun more than once, also by two
// workers at a time, and what it does must have the effect of one run: see [Handler].
//
// The tables lie in a schema of their own ([Schema]) of the database that the URL names.
package durable

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/ingest/postgres"
)

// Schema is where the tables of the queue lie.
const Schema = "rowlink_queue"

// Shards is the lane of the shards of batches. A worker runs one job of a lane at a time.
const Shards = "shards"

// Job is one piece of work. Two jobs of one name never wait at the same time.
type Job struct {
	Name    string          `json:"name" river:"unique"`
	Group   string          `json:"group"` // those of a batch: letters, digits, - and _
	Request json.RawMessage `json:"request"`
}

// Kind implements [river.JobArgs].
func (Job) Kind() string { return "rowlink" }

// mostAttempts is how often a job is begun before it is given up. A worker that is killed
// counts: a shard that takes its worker's memory should not take all workers down.
const mostAttempts = 10

// Queue is an open queue. It is safe for concurrent use.
type Queue struct {
	pool   *pgxpool.Pool
	driver *riverpgxv5.Driver
	insert *river.Client[pgx.Tx]
	log    *slog.Logger
	id     string // of this process, as a worker
}

// Open connects, and makes the tables of the queue where they are missing. Errors never hold
// the URL. Close the queue.
func Open(ctx context.Context, url string, log *slog.Logger) (*Queue, error) {
	config, err := postgres.ConfigOf(url)
	if err != nil {
		return nil, err
	}
	pc, err := pgxpool.ParseConfig("host=localhost") // the one way to make a config
	if err != nil {
		return nil, err
	}
	pc.ConnConfig, pc.MaxConns = config, 6
	q := &Queue{log: cmp.Or(log, slog.New(slog.NewTextHandler(io.Discard, nil))), id: workerID()}
	if q.pool, err = pgxpool.NewWithConfig(ctx, pc); err != nil {
		return nil, &ingest.UserError{Msg: "the queue's database cannot be opened", Hint: "--queue postgres://user@host/database"}
	}
	q.driver = riverpgxv5.New(q.pool)
	q.insert, err = river.NewClient(q.driver, &river.Config{Schema: Schema, Logger: q.log, SkipUnknownJobCheck: true})
	if err == nil {
		err = q.migrate(ctx)
	}
	if err != nil {
		q.pool.Close()
		return nil, &ingest.UserError{Msg: "the queue's database: " + reason(err),
			Hint: "--queue postgres://user@host/database, a role that may create the schema " + Schema + " in it, or owns it"}
	}
	return q, nil
}

// workerID names a process for people, and apart from all others.
func workerID() string {
	host, _ := os.Hostname() // only for people
	return fmt.Sprintf("%s-%d-%s", cmp.Or(host, "host"), os.Getpid(), strings.ToLower(rand.Text()[:6]))
}

// Worker names this process.
func (q *Queue) Worker() string { return q.id }

// Close ends the connections.
func (q *Queue) Close() { q.pool.Close() }

// migrationLock keeps two processes from making the tables at once.
const migrationLock = 7236125011

// migrate brings the tables to what this program needs.
func (q *Queue) migrate(ctx context.Context) error {
	conn, err := q.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", migrationLock); err != nil {
		return err
	}
	defer func() { _, _ = conn.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", migrationLock) }() // ends with the connection too
	const heartbeats = `CREATE TABLE IF NOT EXISTS ` + Schema + `.worker (id text PRIMARY KEY, seen timestamptz NOT NULL)`
	var there bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1)", Schema).Scan(&there); err != nil {
		return err
	}
	if !there {
		if _, err := conn.Exec(ctx, "CREATE SCHEMA "+Schema); err != nil {
			return err
		}
	}
	m, err := rivermigrate.New(q.driver, &rivermigrate.Config{Schema: Schema, Logger: q.log})
	if err != nil {
		return err
	}
	if _, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, heartbeats)
	return err
}

// waiting are the states in which a job is not to be submitted again.
var waiting = []rivertype.JobState{rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning, rivertype.JobStateRetryable, rivertype.JobStateScheduled}

// submitStep is how many jobs are inserted at a time.
const submitStep = 1000

// Submit puts jobs into a lane. Those whose name waits or runs already are left out; added
// counts the others.
func (q *Queue) Submit(ctx context.Context, lane string, list []Job) (added int, err error) {
	for lo := 0; lo < len(list); lo += submitStep {
		var params []river.InsertManyParams
		for _, j := range list[lo:min(lo+submitStep, len(list))] {
			params = append(params, river.InsertManyParams{Args: j, InsertOpts: &river.InsertOpts{Queue: lane, MaxAttempts: mostAttempts,
				Tags: []string{j.Group}, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: waiting}}})
		}
		done, err := q.insert.InsertMany(ctx, params)
		if err != nil {
			return added, fmt.Errorf("submit to the queue: %s", reason(err))
		}
		for _, r := range done {
			if !r.UniqueSkippedAsDuplicate {
				added++
			}
		}
	}
	return added, nil
}

// Waiting counts the jobs of a group that wait or run.
func (q *Queue) Waiting(ctx context.Context, group string) (n int, err error) {
	states := make([]string, len(waiting))
	for i, s := range waiting {
		states[i] = string(s)
	}
	err = q.pool.QueryRow(ctx, "SELECT count(*) FROM "+Schema+".river_job WHERE tags @> ARRAY[$1::varchar(255)] AND state::text = ANY($2)", group, states).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("read the queue: %s", reason(err))
	}
	return n, nil
}

// A FailedError is a job that was given up, or cancelled by hand.
type FailedError struct {
	Name     string
	Attempts int
	Last     string // what the last attempt said
}

func (e *FailedError) Error() string {
	return fmt.Sprintf("job %s was given up after %d attempts: %s", e.Name, e.Attempts, e.Last)
}

// Failed returns a [*FailedError] when a job of a group was given up after since, the time of
// the database, and not submitted again.
func (q *Queue) Failed(ctx context.Context, group string, since time.Time) error {
	list, err := q.insert.JobList(ctx, river.NewJobListParams().TagsAll(group).States(rivertype.JobStateDiscarded, rivertype.JobStateCancelled).
		Where("finalized_at > @since", river.NamedArgs{"since": since}).First(1))
	if err != nil {
		return fmt.Errorf("read the queue: %s", reason(err))
	}
	if len(list.Jobs) > 0 {
		row := list.Jobs[0]
		var j Job
		_ = json.Unmarshal(row.EncodedArgs, &j) // a name for people
		e := &FailedError{Name: j.Name, Attempts: row.Attempt, Last: "cancelled"}
		if n := len(row.Errors); n > 0 {
			e.Last = row.Errors[n-1].Error
		}
		return e
	}
	return nil
}

// Now is the time of the queue's database.
func (q *Queue) Now(ctx context.Context) (at time.Time, err error) {
	if err = q.pool.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&at); err != nil {
		err = fmt.Errorf("read the queue: %s", reason(err))
	}
	return at, err
}

// reason is what the server says, without what the driver knows of the connection.
func reason(err error) string {
	if e := (*pgconn.PgError)(nil); errors.As(err, &e) {
		return e.Message + " (SQLSTATE " + e.Code + ")"
	}
	if e := (*pgconn.ConnectError)(nil); errors.As(err, &e) {
		return "no connection"
	}
	return err.Error()
}
