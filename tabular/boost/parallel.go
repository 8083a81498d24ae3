package boost

import (
	"sync"
	"sync/atomic"
)

// pool runs tasks on a number of goroutines.
type pool int

// each calls f for every task below tasks; worker, below the size of the pool, names
// scratch memory that no other call uses meanwhile. Which worker takes which task is left
// to chance, so a result may depend on the task only.
func (p pool) each(tasks int, f func(worker, task int)) {
	n := min(int(p), tasks)
	if n <= 1 {
		for t := range tasks {
			f(0, t)
		}
		return
	}
	var next atomic.Int64
	work := func(worker int) {
		for {
			t := int(next.Add(1)) - 1
			if t >= tasks {
				return
			}
			f(worker, t)
		}
	}
	var wg sync.WaitGroup
	for w := 1; w < n; w++ {
		wg.Go(func() { work(w) })
	}
	work(0)
	wg.Wait()
}

// rowGrain is the fixed number of rows in one block of work.
const rowGrain = 1 << 13

// rows calls f for consecutive blocks of n rows.
func (p pool) rows(n int, f func(lo, hi int)) {
	p.each((n+rowGrain-1)/rowGrain, func(_, b int) { f(b*rowGrain, min(n, (b+1)*rowGrain)) })
}
