package tasks

import (
	"cmp"
	"slices"
	"sort"
	"sync"

	"github.com/rowlink/rowlink/ingest"
)

// slots says which rows of a table belong to each entity along one path, ordered by
// (time, row): the rows of a window are one run, found by two binary searches. The
// slots of entity e are start[e]:start[e+1].
type slots struct {
	once  sync.Once
	start []int
	row   []int32
	time  []int64 // by which windows select; ingest.Always where the path has no time
	// Of entities marked irregular: the route is visible from, and before until. Rows of
	// other entities appear once and are visible from their time on, for ever. Both are
	// nil when no entity is irregular.
	from, until []int64
	irregular   []bool
}

// slot is one row of an entity, or one route to it.
type slot struct{ time, from, until int64 }

// build arranges the rows along the path of e. Cost: O(routes log routes of an entity).
func (s *slots) build(snap *ingest.Snapshot, e *Aggregate, entities, threads int) {
	if t := snap.Tables[e.Table]; len(e.Path) == 1 && !e.Path[0].Down && e.TimeStep == 0 && t.Until == nil && e.Window.Static == (t.Times == nil) {
		s.direct(t, t.Parents[e.Path[0].Link], entities, threads)
		return
	}
	w := newWalker(snap, e)
	counts := make([]int, entities+1)
	rows := snap.Tables[e.Table].Rows
	for r := range rows {
		w.visit(int32(r), func(entity int32, _ slot) { counts[entity+1]++ })
	}
	for i := range entities {
		counts[i+1] += counts[i]
	}
	s.start = counts
	n := counts[entities]
	s.row, s.time = make([]int32, n), make([]int64, n)
	s.from, s.until = make([]int64, n), make([]int64, n)
	next := slices.Clone(counts[:entities])
	for r := range rows {
		w.visit(int32(r), func(entity int32, at slot) {
			i := next[entity]
			next[entity]++
			s.row[i], s.time[i], s.from[i], s.until[i] = int32(r), at.time, at.from, at.until
		})
	}
	s.irregular = make([]bool, entities)
	kept := make([]int, entities)
	inBlocks(entities, entityBlock, threads, func(_, lo, hi int) {
		for i := lo; i < hi; i++ {
			seg := segment{s, s.start[i], s.start[i+1]}
			if !sort.IsSorted(seg) {
				sort.Sort(seg)
			}
			kept[i], s.irregular[i] = seg.distinct()
		}
	})
	s.pack(kept)
}

// direct is build where one foreign key leads to the entity and rows do not end: each row
// has one route, which is visible from the row's own time on. Cost: O(rows) where rows lie
// in the order of their times, as in a table that grows at its end.
func (s *slots) direct(t *ingest.Table, parents []int32, entities, threads int) {
	times := t.Times
	s.start = make([]int, entities+1)
	for r, p := range parents {
		if p >= 0 && (times == nil || times[r] != ingest.Never) {
			s.start[p+1]++
		}
	}
	for i := range entities {
		s.start[i+1] += s.start[i]
	}
	n := s.start[entities]
	s.row, s.time = make([]int32, n), make([]int64, n)
	next := slices.Clone(s.start[:entities])
	for r, p := range parents {
		at := t.TimeOf(int32(r))
		if p < 0 || at == ingest.Never {
			continue
		}
		i := next[p]
		next[p]++
		s.row[i], s.time[i] = int32(r), at
	}
	s.irregular = make([]bool, entities)
	inBlocks(entities, entityBlock, threads, func(_, lo, hi int) {
		var order []timedRow
		for e := lo; e < hi; e++ {
			order = sortByTime(s.row[s.start[e]:s.start[e+1]], s.time[s.start[e]:s.start[e+1]], order)
		}
	})
}

type timedRow struct {
	time int64
	row  int32
}

// sortByTime sorts rows that ascend by (time, row); scratch is used and returned.
func sortByTime(rows []int32, times []int64, scratch []timedRow) []timedRow {
	if slices.IsSorted(times) {
		return scratch
	}
	scratch = scratch[:0]
	for i, at := range times {
		scratch = append(scratch, timedRow{at, rows[i]})
	}
	slices.SortFunc(scratch, func(a, b timedRow) int {
		return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.row, b.row))
	})
	for i, x := range scratch {
		rows[i], times[i] = x.row, x.time
	}
	return scratch
}

// pack closes the gaps that repeated routes left, and drops what regular slots do not need.
func (s *slots) pack(kept []int) {
	to := 0
	for e, n := range kept {
		from := s.start[e]
		s.start[e] = to
		copy(s.row[to:], s.row[from:from+n])
		copy(s.time[to:], s.time[from:from+n])
		copy(s.from[to:], s.from[from:from+n])
		copy(s.until[to:], s.until[from:from+n])
		to += n
	}
	s.start[len(kept)] = to
	s.row, s.time, s.from, s.until = s.row[:to], s.time[:to], s.from[:to], s.until[:to]
	if !slices.Contains(s.irregular, true) {
		s.from, s.until = nil, nil
	}
}

// segment sorts the slots of one entity by (time, row, from, until).
type segment struct {
	s      *slots
	lo, hi int
}

func (g segment) Len() int { return g.hi - g.lo }

func (g segment) Less(i, j int) bool {
	s := g.s
	i, j = i+g.lo, j+g.lo
	switch {
	case s.time[i] != s.time[j]:
		return s.time[i] < s.time[j]
	case s.row[i] != s.row[j]:
		return s.row[i] < s.row[j]
	case s.from[i] != s.from[j]:
		return s.from[i] < s.from[j]
	}
	return s.until[i] < s.until[j]
}

func (g segment) Swap(i, j int) {
	s := g.s
	i, j = i+g.lo, j+g.lo
	s.row[i], s.row[j] = s.row[j], s.row[i]
	s.time[i], s.time[j] = s.time[j], s.time[i]
	s.from[i], s.from[j] = s.from[j], s.from[i]
	s.until[i], s.until[j] = s.until[j], s.until[i]
}

// distinct moves the slots that matter to the front and returns how many they are. Of
// routes that never end and bring the same row at the same time the one visible first
// is enough.
func (g segment) distinct() (n int, irregular bool) {
	s, to := g.s, g.lo
	for i := g.lo; i < g.hi; i++ {
		same := to > g.lo && s.row[to-1] == s.row[i] && s.time[to-1] == s.time[i]
		if same && s.until[to-1] == ingest.Never {
			continue // it is visible from an earlier or the same instant on, for ever
		}
		s.row[to], s.time[to], s.from[to], s.until[to] = s.row[i], s.time[i], s.from[i], s.until[i]
		irregular = irregular || same || s.from[to] > s.time[to] || s.until[to] != ingest.Never
		to++
	}
	return to - g.lo, irregular || repeats(s.row[g.lo:to])
}

// repeats reports whether a row occurs more than once.
func repeats(rows []int32) bool {
	if len(rows) < 2 {
		return false
	}
	ascending := true
	for i := 1; i < len(rows) && ascending; i++ {
		ascending = rows[i-1] < rows[i]
	}
	if ascending {
		return false
	}
	sorted := slices.Clone(rows)
	slices.Sort(sorted)
	for i := 1; i < len(sorted); i++ {
		if sorted[i] == sorted[i-1] {
			return true
		}
	}
	return false
}
