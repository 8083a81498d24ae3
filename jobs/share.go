package jobs

import (
	"slices"
)

// catchUp reads what other processes did in the folder: the jobs that they submitted, and, of
// one that follows, also how far the jobs are that another process runs. Of jobs that have
// ended no file is read.
func (q *Queue) catchUp(follows bool) error {
	q.mu.Lock() // a job that is submitted meanwhile must not be missed
	defer q.mu.Unlock()
	q.follows = follows
	ids, err := q.store.ids()
	if err != nil {
		return err
	}
	for _, id := range ids {
		e := q.jobs[id]
		if e != nil && (!follows || e.State.Final()) {
			continue
		}
		j, ok, err := q.store.read(id)
		if err != nil {
			return err
		}
		switch {
		case ok && e == nil:
			q.take(j)
		case ok:
			q.show(e, j)
		}
	}
	if follows { // who runs them forgets the oldest
		q.list = slices.DeleteFunc(q.list, func(id string) bool {
			_, there := slices.BinarySearch(ids, id)
			if !there {
				delete(q.jobs, id)
			}
			return !there
		})
	}
	return nil
}

// take takes in a job that another process submitted; under mu.
func (q *Queue) take(j Job) {
	q.jobs[j.ID] = &entry{Job: j, more: make(chan struct{})}
	q.list = append(q.list, j.ID)
	slices.Sort(q.list) // ids begin with the time
	q.rouse()
}

// show takes over how far a job of another process is, and tells those who wait for more;
// under mu.
func (q *Queue) show(e *entry, j Job) {
	events := q.store.events(j.ID)
	if j.State == e.State && len(events) == len(e.events) {
		return
	}
	for _, ev := range events { // the file has them as of the last change of state
		switch ev.Kind {
		case "progress":
			j.Progress = ev.Data
		case "epoch":
			j.Epoch = ev.Data
		}
	}
	e.Job, e.events, e.read = j, events, true
	close(e.more)
	e.more = make(chan struct{})
}
