package tasks

import "github.com/rowlink/rowlink/ingest"

// frame is the state in which compiled expressions are evaluated: one per worker.
type frame struct {
	anchor int64
	entity int32
	row    int32           // of the aggregated table, inside an aggregate
	asOf   int64           // what is reached by -> must be visible then (rule R21)
	rule   ingest.TimeRule // by this rule
	ranges []timeRange     // window of each aggregate at anchor
	frames []timeRange     // timeframes of a forecast at anchor

	// While probing, rows reached by -> count as visible whenever they ever are;
	// touched is the latest time of those, and ended tells that one of them ends.
	probe   bool
	touched int64
	ended   bool

	skip   bool // an aggregate with ON EMPTY SKIP met nothing
	filled int  // aggregates that met a value
	empty  int  // aggregates that met none, and whose ON EMPTY is the default

	stack   []Value // arguments of the calls in progress
	scratch scratch
}

// scratch is memory that walks over slots use again and again.
type scratch struct {
	values []Value
	rows   map[int32]bool
	stamp  []uint32
	now    uint32
}

// timeRange is a window at one anchor: instants in (after, until].
type timeRange struct {
	after, until int64
	asOf         int64
}

// fresh starts a new set of small integers below n in O(1), but for a reset every 2^32 sets.
func (s *scratch) fresh(n int) {
	if len(s.stamp) < n {
		s.stamp, s.now = make([]uint32, n), 0
	}
	s.now++
	if s.now == 0 {
		clear(s.stamp)
		s.now = 1
	}
}

// add reports whether i is new in the set.
func (s *scratch) add(i int32) bool {
	if s.stamp[i] == s.now {
		return false
	}
	s.stamp[i] = s.now
	return true
}
