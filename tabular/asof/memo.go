package asof

import "sync"

// memo remembers what the rows below a row came to at a cut, for requests that come few at
// a time: a server is asked about one entity after another at one cut, and those of a team
// share what the team's thousands of rows came to. Rows of a graph never change, so what is
// remembered is what would be computed. Safe for concurrent use; the zero value is ready.
type memo struct {
	mu         sync.Mutex
	young, old map[memoKey][]float64 // old was young before young was full
	held       int                   // numbers in young
}

type memoKey struct {
	part int // of the plan
	row  int32
	cut  int64
}

// Bounds of what is remembered.
const (
	memoRequests = 64      // more requests at once are a batch, which hardly asks twice
	memoNumbers  = 4 << 20 // of eight bytes, twice: 64 MiB a plan
)

// get returns what is remembered, not to be changed, or nil.
func (m *memo) get(key memoKey) []float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if v := m.young[key]; v != nil {
		return v
	}
	v := m.old[key]
	if v != nil {
		m.put(key, v)
	}
	return v
}

// keep remembers a copy of the features.
func (m *memo) keep(key memoKey, features []float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.young[key] == nil {
		m.put(key, append([]float64(nil), features...))
	}
}

func (m *memo) put(key memoKey, v []float64) {
	if m.young == nil || m.held+len(v) > memoNumbers {
		m.young, m.old, m.held = map[memoKey][]float64{}, m.young, 0
	}
	m.young[key] = v
	m.held += len(v)
}
