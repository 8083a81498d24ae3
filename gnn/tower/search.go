package tower

import (
	"github.com/rowlink/rowlink/gnn/tensor"
)

// Hit is an item and its score.
type Hit struct {
	Item  int32
	Score tensor.Real
}

// Blocks of [Search]: the scores of a block of queries against a block of items take
// 4 MB, so that they are still in a cache when they are looked through.
const (
	queryBlock = 256
	itemBlock  = 4096
	scanGrain  = 16
)

// Search returns for each query the k items with the largest inner products, best first,
// of equal ones the first item first. queries is n x d, items m x d. It is exact: every
// product is computed, block by block. allowed, which may be nil, is asked about the items
// that would make it into a list, by several goroutines at once. Results have equal bits
// at any number of threads. Cost: 2 n m d operations, and memory for one block.
func Search(pool *tensor.Pool, queries, items tensor.Mat, k int, allowed func(query int, item int32) bool) [][]Hit {
	out := make([][]Hit, queries.Rows)
	if k < 1 {
		return out
	}
	t := tensor.NewTape(pool)
	scores := make([]tensor.Real, queryBlock*itemBlock)
	for q := 0; q < queries.Rows; q += queryBlock {
		a := rowsOf(queries, q, queryBlock)
		lists := make([]list, a.Rows)
		for i := 0; i < items.Rows; i += itemBlock {
			b := rowsOf(items, i, itemBlock)
			t.Reset()
			c := tensor.MatOf(a.Rows, b.Rows, scores[:a.Rows*b.Rows]...)
			t.Product(tensor.NT, c, a, b)
			pool.Run(a.Rows, scanGrain, func(lo, hi int) {
				for r := lo; r < hi; r++ {
					lists[r].scan(c.Row(r), int32(i), k, func(item int32) bool { return allowed == nil || allowed(q+r, item) })
				}
			})
		}
		for r := range lists {
			out[q+r] = lists[r].sorted()
		}
	}
	return out
}

// rowsOf is at most n rows of a matrix from lo on, without a copy.
func rowsOf(m tensor.Mat, lo, n int) tensor.Mat {
	n = min(n, m.Rows-lo)
	return tensor.MatOf(n, m.Cols, m.Data[lo*m.Cols:(lo+n)*m.Cols]...)
}

// list is a heap of the best hits so far, the worst of them on top.
type list []Hit

// worse reports whether a comes after b in the order of answers.
func worse(a, b Hit) bool {
	if a.Score != b.Score {
		return a.Score < b.Score
	}
	return a.Item > b.Item
}

// scan takes a row of scores in, of the items from first on. Items come in ascending
// order, so one that equals the worst of a full list is not better than it.
func (l *list) scan(scores []tensor.Real, first int32, k int, allowed func(item int32) bool) {
	for j, s := range scores {
		full := len(*l) == k
		if full && !(s > (*l)[0].Score) || s != s {
			continue
		}
		h := Hit{first + int32(j), s}
		switch {
		case !allowed(h.Item):
		case full:
			(*l)[0] = h
			l.sink(0, k)
		default:
			*l = append(*l, h)
			l.rise(len(*l) - 1)
		}
	}
}

func (l list) rise(at int) {
	for up := (at - 1) / 2; at > 0 && worse(l[at], l[up]); at, up = up, (up-1)/2 {
		l[at], l[up] = l[up], l[at]
	}
}

// sink restores the order below at in the first n hits.
func (l list) sink(at, n int) {
	for {
		low := 2*at + 1
		if low >= n {
			return
		}
		if low+1 < n && worse(l[low+1], l[low]) {
			low++
		}
		if !worse(l[low], l[at]) {
			return
		}
		l[at], l[low] = l[low], l[at]
		at = low
	}
}

// sorted turns the heap into a list, best first.
func (l list) sorted() []Hit {
	for n := len(l) - 1; n > 0; n-- {
		l[0], l[n] = l[n], l[0]
		l.sink(0, n)
	}
	return l
}
