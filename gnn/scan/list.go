package scan

import (
	"cmp"
	"slices"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
)

// list holds the events of every ancestor over one path, in the order of time: rows that
// come to be known and, where rows end, rows that cease to be visible. A state after an
// event is made of the events up to it, whatever comes later.
type list struct {
	ptr  []int32 // events of ancestor p are [ptr[p], ptr[p+1])
	row  []int32 // whose event it is
	when []int64 // since when it counts
	gap  []tensor.Real

	// Where rows end: span[i] is the time from the beginning of the row to its end, or -1
	// where event i is a beginning, and newest[i] the youngest row that is visible after
	// event i, -1 for none. Both nil otherwise: the newest row is that of the event.
	span   []int64
	newest []int32

	times []int64 // of the rows, by chain
}

const dayMicros = 86_400_000_000

// event is one entry of a list that is being made.
type event struct {
	up, row int32
	when    int64
	end     bool
}

// newList orders the events of ancestors rows. Rows without time (ingest.Never), and rows
// that no instant sees, have none.
func newList(c *chain, ancestors int, rule ingest.TimeRule) *list {
	var events []event
	for row, up := range c.up {
		from := c.known(int32(row))
		if up < 0 || from == ingest.Never {
			continue
		}
		begin := event{up: up, row: int32(row), when: from}
		if c.until == nil || c.until[row] == ingest.Never {
			events = append(events, begin)
			continue
		}
		// Under the strict rule a row that begins at an instant is not visible at it, and
		// one that ends there is not either: its end counts one step of the clock earlier.
		until := c.until[row]
		if rule.Strict {
			until--
		}
		if until > from {
			events = append(events, begin, event{up: up, row: int32(row), when: until, end: true})
		}
	}
	slices.SortFunc(events, func(a, b event) int {
		return cmp.Or(cmp.Compare(a.up, b.up), cmp.Compare(a.when, b.when), cmp.Compare(a.row, b.row))
	})
	l := &list{ptr: make([]int32, ancestors+1), row: make([]int32, len(events)), when: make([]int64, len(events)),
		gap: make([]tensor.Real, len(events)), times: c.times}
	for i, e := range events {
		l.ptr[e.up+1]++
		l.row[i], l.when[i] = e.row, e.when
		if i > 0 && events[i-1].up == e.up {
			l.gap[i] = days(e.when, events[i-1].when)
		}
	}
	for p := range ancestors {
		l.ptr[p+1] += l.ptr[p]
	}
	if c.until != nil {
		l.endings(events)
	}
	return l
}

// endings fills in what lists need whose rows end.
func (l *list) endings(events []event) {
	l.span, l.newest = make([]int64, len(events)), make([]int32, len(events))
	over := map[int32]bool{} // rows of this ancestor that ended
	var stack []int32        // rows that began, the youngest last
	for i, e := range events {
		if i == 0 || events[i-1].up != e.up {
			clear(over)
			stack = stack[:0]
		}
		l.span[i] = -1
		if e.end {
			l.span[i] = e.when - l.began(e.row)
			over[e.row] = true
		} else {
			stack = append(stack, e.row)
		}
		for len(stack) > 0 && over[stack[len(stack)-1]] {
			stack = stack[:len(stack)-1]
		}
		l.newest[i] = -1
		if len(stack) > 0 {
			l.newest[i] = stack[len(stack)-1]
		}
	}
}

func (l *list) began(row int32) int64 {
	if l.times == nil {
		return ingest.Always
	}
	return l.times[row]
}

// after returns the last event of an ancestor that a moment sees, -1 for none.
func (l *list) after(p int32, m ingest.Moment) int32 {
	if p < 0 {
		return -1
	}
	lo, hi := l.ptr[p], l.ptr[p+1]
	if n := m.Count(l.when[lo:hi]); n > 0 {
		return lo + int32(n) - 1
	}
	return -1
}

// youngest is the youngest row that is visible after event i, -1 for none.
func (l *list) youngest(i int32) int32 {
	switch {
	case i < 0:
		return -1
	case l.newest != nil:
		return l.newest[i]
	}
	return l.row[i]
}

// noneDays stands for "never" in days since the youngest row.
const noneDays = 10_000

// since is the number of days from the youngest row after event i to an instant.
func (l *list) since(i int32, at int64) tensor.Real {
	row := l.youngest(i)
	if row < 0 {
		return noneDays
	}
	return days(at, l.began(row))
}

// days is the time between two instants in days, at least 0; 0 where there is no time.
func days(at, from int64) tensor.Real {
	if from == ingest.Always || at == ingest.Always {
		return 0
	}
	return tensor.Real(float64(max(at-from, 0)) * (1.0 / dayMicros))
}
