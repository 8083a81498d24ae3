// Package jobs owns long work that a server was asked for: what was asked, how far it is,
// what it said on the way and what came of it, in one folder per job that survives the
// process. One job runs at a time; a job that was running when the process ended, however
// it ended, is run again by the next one, and the work itself goes on from its checkpoint.
//
//	queue/<id>/job.json      what was asked and what became of it, replaced whole
//	queue/<id>/events.jsonl  what was said on the way, appended; a torn last line is dropped
//	queue/<id>/...           files that the work leaves for the client
//
// What the work is belongs to those who give [Work].
package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"
)

// State is how far a job is.
type State string

// The states. Only the first two, and the last, can change.
const (
	Queued    State = "queued"
	Running   State = "running"
	Succeeded State = "succeeded"
	Failed    State = "failed"
	Cancelled State = "cancelled"
	// Interrupted is what others than the server read of a job that was running when its
	// process ended. The next server queues it again.
	Interrupted State = "interrupted"
)

// Final reports whether a job will not change any more.
func (s State) Final() bool { return s != Queued && s != Running && s != Interrupted }

// Job is one piece of work.
type Job struct {
	ID       string          `json:"id"`
	Kind     string          `json:"kind" doc:"train or batch"`
	Task     string          `json:"task"`
	State    State           `json:"state" enum:"queued,running,succeeded,failed,cancelled,interrupted"`
	Request  json.RawMessage `json:"request" doc:"what was asked"`
	Created  time.Time       `json:"created"`
	Started  time.Time       `json:"started,omitzero"`
	Ended    time.Time       `json:"ended,omitzero"`
	Attempts int             `json:"attempts" doc:"runs that were begun: more than one after an interruption"`
	Progress json.RawMessage `json:"progress,omitempty" doc:"how far it is: the last event of that kind"`
	Epoch    json.RawMessage `json:"epoch,omitempty" doc:"of a training: the last epoch, with its validation metric"`
	Error    string          `json:"error,omitempty" doc:"why it failed"`
	Result   json.RawMessage `json:"result,omitempty" doc:"what came of it"`

	Key    string `json:"idempotency_key,omitempty" doc:"under which it was asked"`
	Digest string `json:"-"`
}

// stored is a job as its file has it.
type stored struct {
	Job
	Digest string `json:"digest"`
}

// Event is something that a job said. The first has ID 1.
type Event struct {
	ID   int             `json:"id"`
	At   time.Time       `json:"at"`
	Kind string          `json:"kind" doc:"state, epoch, progress or say"`
	Data json.RawMessage `json:"data"`
}

// Work does what a job asks. dir is the job's folder. emit records an event. Work ends soon
// after ctx does, and leaves a checkpoint then if it can.
type Work func(ctx context.Context, j Job, dir string, emit func(kind string, data any)) (result any, err error)

// Why the context of a job ends.
var (
	ErrCancelled = errors.New("the job was cancelled")
	ErrStopping  = errors.New("the server is stopping; the job goes on with the next one")
)

// FullError refuses a job because too many wait.
type FullError struct{ Waiting int }

func (e *FullError) Error() string { return "too many jobs wait already" }

// KeyError refuses a key that was used for something else.
type KeyError struct{ Key, Job string }

func (e *KeyError) Error() string {
	return "the idempotency key " + e.Key + " was used for another request, job " + e.Job
}

// digest tells equal requests.
func digest(kind, task string, request json.RawMessage) string {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(kind), []byte(task), request} {
		h.Write(part)
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil))
}
