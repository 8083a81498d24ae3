package recommend

import (
	"cmp"
	"context"
	"slices"
	"sync"
)

// table holds the candidates of queries with their features, query after query.
type table struct {
	group []int     // candidates of each query
	x     []float64 // candidates x features
	label []float64 // 1 = it came true
}

// part is what one query gives.
type part struct {
	item []int32
	x    []float64
}

// gather computes the candidates of queries, those of one cut together: what all entities
// did is summed up once per cut. The parts are in the order of the queries, the same at any
// number of threads.
func (w *world) gather(ctx context.Context, queries []Query, each func(i int, p part)) error {
	order := make([]int, len(queries))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(queries[a].Cut, queries[b].Cut) })
	var popular []*popularity
	for _, c := range w.channels {
		popular = append(popular, newPopularity(c, w.items.Rows))
	}
	workers, few := make([]*query, w.threads), false
	for lo := 0; lo < len(order); {
		cut := queries[order[lo]].Cut
		if lo == 0 || cut != queries[order[lo-1]].Cut {
			few = w.few(cut)
			for _, p := range popular {
				p.advance(cut, w.task.Options.Rule.Moment(cut), w.horizon, few)
			}
		}
		hi := lo
		for hi < len(order) && queries[order[hi]].Cut == cut && hi-lo < gatherBlock {
			hi++
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		parts := make([]part, hi-lo)
		var done sync.WaitGroup
		for t := range w.threads {
			done.Go(func() {
				if workers[t] == nil {
					workers[t] = w.newQuery()
				}
				for i := lo + t; i < hi; i += w.threads {
					item, x := workers[t].rows(queries[order[i]], popular, few)
					parts[i-lo] = part{slices.Clone(item), slices.Clone(x)}
				}
			})
		}
		done.Wait()
		for i := lo; i < hi; i++ {
			each(order[i], parts[i-lo])
		}
		lo = hi
	}
	return nil
}

// few reports whether so few items are visible at a cut that all are candidates.
func (w *world) few(cut int64) bool {
	n := 0
	for row := range int32(w.items.Rows) {
		if w.items.VisibleAt(w.task.Options.Rule, row, cut) {
			if n++; n > allItems {
				return false
			}
		}
	}
	return true
}

// gatherBlock bounds the queries that are in memory at a time.
const gatherBlock = 512

// examples makes a table of queries whose truth is known: all that came true, and of the
// others every stride-th, counted over the table, where there are more than mostRows.
func (w *world) examples(ctx context.Context, queries []Query, truth [][]int32) (*table, error) {
	stride := 1
	if n := len(queries) * min(w.items.Rows, 2*ownItems); n > mostRows {
		stride = n/mostRows + 1
	}
	t := &table{}
	seen, width := 0, len(w.names)
	err := w.gather(ctx, queries, func(i int, p part) {
		n, positives := 0, 0
		before := len(t.label)
		for k, item := range p.item {
			_, is := slices.BinarySearch(truth[i], item)
			seen++
			if !is && seen%stride != 0 {
				continue
			}
			label := 0.0
			if is {
				label = 1
				positives++
			}
			t.label = append(t.label, label)
			t.x = append(t.x, p.x[k*width:(k+1)*width]...)
			n++
		}
		if positives == 0 || positives == n { // nothing to learn from
			t.label, t.x = t.label[:before], t.x[:before*width]
			return
		}
		t.group = append(t.group, n)
	})
	return t, err
}
