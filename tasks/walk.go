package tasks

import "github.com/rowlink/rowlink/ingest"

// walker follows the path of an aggregate from one row to the entities.
type walker struct {
	first    *ingest.Table
	steps    []walkStep
	timeStep int
	static   bool
}

type walkStep struct {
	parents  []int32   // up
	children [][]int32 // down: per parent row; shared storage
	to       *ingest.Table
}

func newWalker(snap *ingest.Snapshot, e *Aggregate) *walker {
	w := &walker{first: snap.Tables[e.Table], timeStep: e.TimeStep, static: e.Window.Static}
	for i, step := range e.Path {
		s := walkStep{to: stepTable(snap, e, i+1)}
		child := snap.Tables[step.Table]
		if step.Down {
			s.children = childrenOf(child.Parents[step.Link], snap.Tables[child.Def.Links[step.Link].To].Rows)
		} else {
			s.parents = child.Parents[step.Link]
		}
		w.steps = append(w.steps, s)
	}
	return w
}

// childrenOf lists the rows that point to each parent row, ascending.
func childrenOf(parents []int32, n int) [][]int32 {
	counts := make([]int32, n)
	total := 0
	for _, p := range parents {
		if p >= 0 {
			counts[p]++
			total++
		}
	}
	all := make([]int32, total)
	lists := make([][]int32, n)
	for p, c := range counts {
		lists[p], all = all[:0:c], all[c:]
	}
	for row, p := range parents {
		if p >= 0 {
			lists[p] = append(lists[p], int32(row))
		}
	}
	return lists
}

// visit calls emit once per route from a row to an entity on which every row is ever
// visible. The entity row itself is not asked: rule R3 does.
func (w *walker) visit(row int32, emit func(entity int32, at slot)) {
	at := slot{time: ingest.Always, from: ingest.Always, until: ingest.Never}
	if !at.pass(w.first, row) {
		return
	}
	if w.timeStep == 0 && !w.static {
		at.time = w.first.TimeOf(row)
	}
	w.walk(0, row, at, emit)
}

func (w *walker) walk(step int, row int32, at slot, emit func(int32, slot)) {
	if step == len(w.steps) {
		emit(row, at)
		return
	}
	s := &w.steps[step]
	if s.parents != nil {
		if p := s.parents[row]; p >= 0 && w.arrive(step, p, &at) {
			w.walk(step+1, p, at, emit)
		}
		return
	}
	if s.children == nil { // a link of a table without rows
		return
	}
	for _, c := range s.children[row] {
		branch := at
		if w.arrive(step, c, &branch) {
			w.walk(step+1, c, branch, emit)
		}
	}
}

// arrive adds the row that a step reached to the route.
func (w *walker) arrive(step int, row int32, at *slot) bool {
	to := w.steps[step].to
	if step+1 < len(w.steps) && !at.pass(to, row) {
		return false
	}
	if step+1 == w.timeStep && !w.static {
		at.time = to.TimeOf(row)
	}
	return at.time != ingest.Never
}

// pass narrows the route's visibility to that of a row; false if that is never.
func (s *slot) pass(t *ingest.Table, row int32) bool {
	since := t.TimeOf(row)
	if since == ingest.Never {
		return false
	}
	s.from = max(s.from, since)
	if t.Until != nil {
		s.until = min(s.until, t.Until[row])
	}
	return true
}
