package ingest

import (
	"runtime"

	"golang.org/x/sync/errgroup"
)

// blockRows is the number of rows that one goroutine treats at a time. It is fixed,
// so that what is computed per block does not depend on the number of threads.
const blockRows = 1 << 16

// each calls f for 0..n-1 on all processors and returns the error of the smallest i,
// so that a run with several faults always names the same one.
func each(n int, f func(i int) error) error {
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	errs := make([]error, n)
	for i := range n {
		g.Go(func() error {
			errs[i] = f(i)
			return nil
		})
	}
	_ = g.Wait() // every function returns nil; the errors are in errs
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// blocks cuts rows into half-open ranges of blockRows.
func blocks(rows int) [][2]int {
	var out [][2]int
	for lo := 0; lo < rows; lo += blockRows {
		out = append(out, [2]int{lo, min(lo+blockRows, rows)})
	}
	return out
}
