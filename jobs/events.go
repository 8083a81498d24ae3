package jobs

import (
	"encoding/json"
	"slices"
)

// Events returns what a job said after an event, whether that is all that it will ever say,
// and a channel that closes when there is more.
func (q *Queue) Events(id string, after int) (list []Event, done bool, more <-chan struct{}, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e := q.jobs[id]
	if e == nil {
		return nil, false, nil, false
	}
	q.recall(e)
	after = min(max(after, 0), len(e.events))
	return slices.Clone(e.events[after:]), e.State.Final(), e.more, true
}

// recall reads the events of a job of an earlier process; under mu.
func (q *Queue) recall(e *entry) {
	if !e.read {
		e.events, e.read = q.store.events(e.ID), true
	}
}

// stateEvent is said when a job's state changes.
type stateEvent struct {
	State   State           `json:"state"`
	Attempt int             `json:"attempt,omitempty"`
	Error   string          `json:"error,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
}

// say records an event; under mu.
func (q *Queue) say(e *entry, kind string, data any) {
	q.recall(e)
	if len(e.events) >= mostEvents && kind != "state" {
		return
	}
	raw, err := json.Marshal(data)
	if err != nil {
		q.log.Error("event of a job", "job", e.ID, "error", err)
		return
	}
	ev := Event{len(e.events) + 1, q.now().UTC(), kind, raw}
	e.events = append(e.events, ev)
	switch kind {
	case "progress":
		e.Progress = raw
	case "epoch":
		e.Epoch = raw
	}
	if err := q.store.append(e.ID, ev); err != nil {
		q.log.Error("event of a job", "job", e.ID, "error", err)
	}
	close(e.more)
	e.more = make(chan struct{})
}

func (q *Queue) save(e *entry) {
	if err := q.store.save(e.Job); err != nil {
		q.log.Error("job cannot be saved", "job", e.ID, "error", err)
	}
}
