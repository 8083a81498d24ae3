package durable

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"
)

// pulse tells that a worker lives, and takes jobs from workers that are silent. All times are
// those of the database.
type pulse struct {
	*Queue
	takeover time.Duration
}

// run beats until ctx ends, and then says that the worker is gone.
func (p *pulse) run(ctx context.Context) {
	tick := time.NewTicker(p.takeover / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			p.leave(context.WithoutCancel(ctx))
			return
		case <-tick.C:
		}
		err := p.beat(ctx)
		if err == nil {
			err = p.rescue(ctx)
		}
		if err != nil && ctx.Err() == nil {
			p.log.Warn("the queue's database", "error", reason(err))
		}
	}
}

// beat says that this worker lives, and forgets workers that have long been silent and have
// no job.
func (p *pulse) beat(ctx context.Context) error {
	_, err := p.pool.Exec(ctx, "INSERT INTO "+Schema+".worker (id, seen) VALUES ($1, clock_timestamp()) ON CONFLICT (id) DO UPDATE SET seen = clock_timestamp()", p.id)
	if err != nil {
		return fmt.Errorf("tell the queue of this worker: %s", reason(err))
	}
	return nil
}

// leave forgets this worker, and those that have been silent for long.
func (p *pulse) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, p.takeover)
	defer cancel()
	_, err := p.pool.Exec(ctx, "DELETE FROM "+Schema+".worker WHERE id = $1 OR seen < clock_timestamp() - interval '1 day'", p.id)
	if err != nil {
		p.log.Warn("the queue was not told that this worker is gone", "error", reason(err))
	}
}

// rescue makes the jobs of silent workers available again; one that has used up its attempts
// is given up. A job that somebody else took over meanwhile has a later start, and stays.
func (p *pulse) rescue(ctx context.Context) error {
	rows, err := p.pool.Query(ctx, `SELECT j.id, j.attempt, j.max_attempts, coalesce(w.id, ''), clock_timestamp()
		FROM `+Schema+`.river_job j LEFT JOIN `+Schema+`.worker w ON w.id = j.attempted_by[array_upper(j.attempted_by, 1)]
		WHERE j.state = 'running' AND (w.id IS NULL OR w.seen < clock_timestamp() - $1::interval)`, p.takeover)
	if err != nil {
		return err
	}
	defer rows.Close()
	r := &riverdriver.JobRescueManyParams{Schema: Schema}
	for rows.Next() {
		var id int64
		var attempt, most int
		var silent string
		var now time.Time
		if err := rows.Scan(&id, &attempt, &most, &silent, &now); err != nil {
			return err
		}
		said, _ := json.Marshal(rivertype.AttemptError{At: now, Attempt: attempt, Error: "its worker does not answer any more: " + silent})
		state, final := rivertype.JobStateAvailable, (*time.Time)(nil)
		if attempt >= most {
			state, final = rivertype.JobStateDiscarded, &now
		}
		r.ID, r.Error, r.FinalizedAt, r.ScheduledAt, r.State = append(r.ID, id), append(r.Error, said), append(r.FinalizedAt, final), append(r.ScheduledAt, now), append(r.State, string(state))
		if r.StuckHorizon.IsZero() {
			r.StuckHorizon = now
		}
	}
	if err := rows.Err(); err != nil || len(r.ID) == 0 {
		return err
	}
	p.log.Info("jobs are taken over", "jobs", len(r.ID))
	_, err = p.driver.GetExecutor().JobRescueMany(ctx, r)
	return err
}
