package graph

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"github.com/rowlink/rowlink/ingest"
)

// children turns the parent of each row of t, by link, into the children of each of
// the parents, by counting. The parents are cut into one range per thread; a range
// fills its own lists in row order, so the result does not depend on the cut.
func children(t *ingest.Table, link, parents, threads int) (List, error) {
	up := t.Parents[link]
	if err := checkLink(t, up, parents); err != nil {
		return List{}, err
	}
	l := List{Offsets: make([]int64, parents+1)}
	ranges(parents, threads, func(lo, hi int32) {
		for row, p := range up {
			if p >= lo && p < hi && known(t, row) {
				l.Offsets[p+1]++
			}
		}
	})
	for p := range parents {
		l.Offsets[p+1] += l.Offsets[p]
	}
	l.Children = make([]int32, l.Offsets[parents])
	if t.Times != nil {
		l.Times = make([]int64, len(l.Children))
	}
	ranges(parents, threads, func(lo, hi int32) {
		next := slices.Clone(l.Offsets[lo:hi])
		for row, p := range up {
			if p >= lo && p < hi && known(t, row) {
				at := next[p-lo]
				next[p-lo]++
				l.Children[at] = int32(row)
				if l.Times != nil {
					l.Times[at] = t.Times[row]
				}
			}
		}
		if l.Times != nil {
			var pairs []timedRow
			for p := lo; p < hi; p++ {
				rows, times := l.Of(p)
				pairs = byTime(rows, times, pairs)
			}
		}
	})
	return l, nil
}

func known(t *ingest.Table, row int) bool { return t.Times == nil || t.Times[row] != ingest.Never }

func checkLink(t *ingest.Table, up []int32, parents int) error {
	if len(up) != t.Rows || t.Times != nil && len(t.Times) != t.Rows {
		return fmt.Errorf("%d parents and %d times for %d rows", len(up), len(t.Times), t.Rows)
	}
	for row, p := range up {
		if p < -1 || int(p) >= parents {
			return fmt.Errorf("row %d points to row %d of %d", row, p, parents)
		}
	}
	return nil
}

// ranges calls f once for each of at most threads ranges that cover [0, n).
func ranges(n, threads int, f func(lo, hi int32)) {
	threads = max(1, min(threads, n))
	var wg sync.WaitGroup
	for i := range threads {
		lo, hi := int32(n*i/threads), int32(n*(i+1)/threads)
		wg.Go(func() { f(lo, hi) })
	}
	wg.Wait()
}

type timedRow struct {
	time int64
	row  int32
}

// insertionMax is the length up to which moving elements one by one beats sorting
// pairs; most lists are this short or in order already.
const insertionMax = 24

// byTime sorts rows, which ascend, and their times by time, ties by row. pairs is
// scratch that the next call may reuse.
func byTime(rows []int32, times []int64, pairs []timedRow) []timedRow {
	if slices.IsSorted(times) {
		return pairs
	}
	if len(rows) <= insertionMax {
		for i := 1; i < len(rows); i++ {
			t, r := times[i], rows[i]
			j := i
			for ; j > 0 && times[j-1] > t; j-- {
				times[j], rows[j] = times[j-1], rows[j-1]
			}
			times[j], rows[j] = t, r
		}
		return pairs
	}
	pairs = pairs[:0]
	for i, r := range rows {
		pairs = append(pairs, timedRow{times[i], r})
	}
	slices.SortFunc(pairs, func(a, b timedRow) int {
		if a.time != b.time {
			return cmp.Compare(a.time, b.time)
		}
		return cmp.Compare(a.row, b.row)
	})
	for i, p := range pairs {
		times[i], rows[i] = p.time, p.row
	}
	return pairs
}
