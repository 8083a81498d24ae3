package sample

import (
	"math"

	"github.com/rowlink/rowlink/ingest"
)

// A window leaves out the children that are as old as it is long, or older, whatever
// the strategy that chooses among the others: two binary searches per list instead of
// one. Parents have no such limit: a row needs what it points to.

// tooOld is the moment that sees exactly the rows outside a window that ends at at.
func tooOld(at, window int64) ingest.Moment {
	if at < math.MinInt64+window {
		return ingest.TimeRule{Strict: true}.Moment(ingest.Always)
	}
	return ingest.TimeRule{}.Moment(at - window)
}

// leaveOut shortens the lists by the children that are too old; see lookUp.
func (w *worker) leaveOut(lists []listed, times []int64, first, stride int) {
	for i := range lists {
		l := &lists[i]
		n := w.tooOld[first+i*stride].Count(times[l.lo:][:l.n])
		l.lo += int64(n)
		l.n -= n
	}
}
