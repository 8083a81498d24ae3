package graph

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"sync"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/mapped"
)

// place says where the arrays of a list lie: on the heap, or with file set in a file
// that is being written. Scratch comes from space (nil = heap).
type place struct {
	file  *mapped.Writer
	space *mapped.Space
}

func alloc[T mapped.Element](p place, name string, n int) ([]T, error) {
	if p.file == nil {
		s := make([]T, n)
		spread(s)
		return s, nil
	}
	return mapped.Add[T](p.file, name, n)
}

// The links of a table are parted by ranges of parents into buckets of about
// bucketLinks, so that what is written at random fits into a core's cache and a bucket
// of a mapped file into memory. More buckets than mostBuckets would write to more pages
// at once than a core translates without help.
const (
	bucketLinks = 1 << 16
	mostBuckets = 2048
)

// listing turns the parent of each row of a table, by link, into the children of each
// of the parents. It parts the rows by ranges of parents, keeping their order, and then
// counts within each part. Time and bytes moved grow linearly with the links, and
// neither the cut into chunks nor the buckets show in the result.
type listing struct {
	table   *ingest.Table
	up      []int32
	parents int
	shift   int     // the bucket of parent p is p >> shift
	starts  []int64 // links in front of each bucket; one more than buckets
	ups     []int32 // parent of each link, parted like out.Children before the counting
	place   place
	out     List
}

// children lists the children of each of the parents over one link of t. names tells
// the arrays of a file apart.
func children(t *ingest.Table, link, parents, threads int, p place, names func(array string) string) (List, error) {
	if names == nil {
		names = func(array string) string { return array }
	}
	l := &listing{table: t, up: t.Parents[link], parents: parents, place: p}
	if err := checkLink(t, l.up, parents); err != nil {
		return List{}, err
	}
	cuts := l.part(max(1, min(threads, t.Rows)))
	if err := l.allocate(names); err != nil {
		return List{}, err
	}
	var group sync.WaitGroup
	for _, c := range cuts {
		group.Go(func() { l.scatter(c) })
	}
	group.Wait()
	return l.out, l.count(threads)
}

// chunk is a range of rows and where its links go in each bucket.
type chunk struct {
	lo, hi int
	next   []int64
}

// part cuts the rows into chunks and finds the place of each chunk in each bucket.
func (l *listing) part(threads int) []chunk {
	want := min(mostBuckets, max(1, max(len(l.up), l.parents)/bucketLinks))
	for (l.parents-1)>>l.shift >= want {
		l.shift++
	}
	buckets := (max(l.parents, 1)-1)>>l.shift + 1
	chunks := make([]chunk, threads)
	var group sync.WaitGroup
	for i := range chunks {
		c := chunk{len(l.up) * i / threads, len(l.up) * (i + 1) / threads, make([]int64, buckets)}
		chunks[i] = c
		group.Go(func() {
			for row := c.lo; row < c.hi; row++ {
				if p := l.up[row]; p >= 0 && known(l.table, row) {
					c.next[p>>l.shift]++
				}
			}
		})
	}
	group.Wait()
	l.starts = make([]int64, buckets+1)
	at := int64(0)
	for b := range buckets {
		l.starts[b] = at
		for i := range chunks {
			n := chunks[i].next[b]
			chunks[i].next[b] = at
			at += n
		}
	}
	l.starts[buckets] = at
	return chunks
}

func (l *listing) allocate(names func(string) string) (err error) {
	n := int(l.starts[len(l.starts)-1])
	if l.out.Offsets, err = alloc[int64](l.place, names("offsets"), l.parents+1); err != nil {
		return err
	}
	if l.out.Children, err = alloc[int32](l.place, names("children"), n); err != nil {
		return err
	}
	if l.table.Times != nil {
		if l.out.Times, err = alloc[int64](l.place, names("times"), n); err != nil {
			return err
		}
	}
	l.ups, err = mapped.Make[int32](l.place.space, n)
	return err
}

// scatter writes the links of a chunk into their buckets, in the order of their rows.
func (l *listing) scatter(c chunk) {
	for row := c.lo; row < c.hi; row++ {
		p := l.up[row]
		if p < 0 || !known(l.table, row) {
			continue
		}
		at := c.next[p>>l.shift]
		c.next[p>>l.shift]++
		l.ups[at], l.out.Children[at] = p, int32(row)
		if l.out.Times != nil {
			l.out.Times[at] = l.table.Times[row]
		}
	}
}

// count orders every bucket by parent and time, and fills Offsets.
func (l *listing) count(threads int) error {
	buckets := len(l.starts) - 1
	threads = max(1, min(threads, buckets))
	errs := make([]error, threads)
	var group sync.WaitGroup
	for worker := range threads {
		group.Go(func() {
			var s scratch
			for b := worker; b < buckets && errs[worker] == nil; b += threads {
				errs[worker] = l.bucket(b, &s)
			}
		})
	}
	group.Wait()
	return cmp.Or(errs...)
}

// scratch is the memory of one worker.
type scratch struct {
	rows  []int32
	times []int64
	next  []int64
	pairs []timedRow
}

// bucket orders one bucket.
func (l *listing) bucket(b int, s *scratch) error {
	lo, hi := b<<l.shift, min((b+1)<<l.shift, l.parents)
	from, to := l.starts[b], l.starts[b+1]
	rows, times, err := s.copy(l, from, to)
	if err != nil {
		return err
	}
	s.next = slices.Grow(s.next[:0], hi-lo)[:hi-lo]
	clear(s.next)
	ups := l.ups[from:to]
	for _, p := range ups {
		s.next[int(p)-lo]++
	}
	at := from
	for i, n := range s.next {
		s.next[i] = at
		at += n
		l.out.Offsets[lo+i+1] = at
	}
	for i, p := range ups {
		at := s.next[int(p)-lo]
		s.next[int(p)-lo]++
		l.out.Children[at] = rows[i]
		if times != nil {
			l.out.Times[at] = times[i]
		}
	}
	if times == nil {
		return nil
	}
	for _, end := range l.out.Offsets[lo+1 : hi+1] { // Offsets[lo] belongs to another worker
		s.pairs = byTime(l.out.Children[from:end], l.out.Times[from:end], s.pairs)
		from = end
	}
	return nil
}

// copy returns copies of the rows and times of links [from, to). A bucket of one row
// with very many children may be larger than memory should hold.
func (s *scratch) copy(l *listing, from, to int64) (rows []int32, times []int64, err error) {
	n := int(to - from)
	if len(s.rows) < n {
		if s.rows, err = mapped.Make[int32](l.place.space, n+n/4); err != nil {
			return nil, nil, err
		}
		if l.out.Times != nil {
			if s.times, err = mapped.Make[int64](l.place.space, n+n/4); err != nil {
				return nil, nil, err
			}
		}
	}
	copy(s.rows, l.out.Children[from:to])
	if l.out.Times == nil {
		return s.rows[:n], nil, nil
	}
	copy(s.times, l.out.Times[from:to])
	return s.rows[:n], s.times[:n], nil
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

type timedRow struct {
	time int64
	row  int32
}

// insertionMax is the length up to which moving elements one by one beats sorting
// pairs; most lists are this short or in order already. Lists longer than pairsMax are
// sorted in place, which takes longer and no memory.
const (
	insertionMax = 24
	pairsMax     = 1 << 20
)

// byTime sorts rows, which ascend, and their times by time, ties by row. pairs is
// scratch that the next call may reuse.
func byTime(rows []int32, times []int64, pairs []timedRow) []timedRow {
	if slices.IsSorted(times) {
		return pairs
	}
	if len(rows) > pairsMax {
		byTimeInPlace(rows, times)
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

func byTimeInPlace(rows []int32, times []int64) { sort.Sort(inPlace{rows, times}) }

// inPlace sorts by (time, row).
type inPlace struct {
	rows  []int32
	times []int64
}

func (p inPlace) Len() int { return len(p.rows) }
func (p inPlace) Less(i, j int) bool {
	return p.times[i] < p.times[j] || p.times[i] == p.times[j] && p.rows[i] < p.rows[j]
}
func (p inPlace) Swap(i, j int) {
	p.rows[i], p.rows[j] = p.rows[j], p.rows[i]
	p.times[i], p.times[j] = p.times[j], p.times[i]
}
