package ingest

import (
	"math"
	"math/bits"
)

// Row times are microseconds since 1970-01-01 UTC, with two marks at the ends.
const (
	// Always is the time of every row of a table without time: visible at every anchor.
	Always int64 = math.MinInt64
	// Never is the time of a row whose time is NULL in a timed table: visible at no anchor.
	Never int64 = math.MaxInt64
)

// TimeRule decides which rows an anchor may see. It is the only place where a row
// time is compared with an anchor: statistics, encoders, sampling, target history,
// label code and baselines all ask it (rule R2 of the task language). The zero
// value is the inclusive rule: a row at exactly the anchor is visible.
type TimeRule struct {
	Strict bool // rows at exactly the anchor are not visible (option past = strict)
}

// Visible reports whether a row known since time is visible at anchor at.
func (r TimeRule) Visible(time, at int64) bool { return r.Moment(at).Sees(time) }

// Valid is Visible for a row that also ends: it is visible until the instant
// until (excluded); until == Never means that it does not end.
func (r TimeRule) Valid(time, until, at int64) bool {
	return r.Visible(time, at) && (until == Never || at < until)
}

// Cut returns how many of the ascending times are visible at anchor at: the
// visible ones are times[:Cut]. Cost: O(log n).
func (r TimeRule) Cut(times []int64, at int64) int { return r.Moment(at).Count(times) }

// Moment is an anchor under a rule, for asking about many row times.
type Moment struct{ last int64 } // latest time that is visible

// Moment returns the anchor at under rule r.
func (r TimeRule) Moment(at int64) Moment {
	switch {
	case r.Strict && at != Always: // Always stays visible even then
		return Moment{at - 1}
	case at == Never:
		return Moment{Never - 1}
	}
	return Moment{at}
}

// Sees reports whether a row known since time is visible.
func (m Moment) Sees(time int64) bool { return time <= m.last }

// Count returns how many of the ascending times are visible. Cost: O(log n). It does
// not branch on the times, so that searches that follow each other wait for memory
// side by side.
func (m Moment) Count(times []int64) int {
	const sign = 1 << 63
	last := uint64(m.last) ^ sign // as unsigned numbers in the same order
	lo, n := uint(0), uint(len(times))
	for n > 0 {
		half := (n + 1) / 2
		_, later := bits.Sub64(last, uint64(times[lo+half-1])^sign, 0)
		lo += half & (uint(later) - 1)
		n -= half
	}
	return int(lo)
}

// VisibleAt reports whether row is visible at anchor at under rule r.
func (t *Table) VisibleAt(r TimeRule, row int32, at int64) bool {
	if t.Times == nil {
		return true
	}
	if t.Until == nil {
		return r.Visible(t.Times[row], at)
	}
	return r.Valid(t.Times[row], t.Until[row], at)
}

// TimeOf is the time since which row is known; Always for a table without time.
func (t *Table) TimeOf(row int32) int64 {
	if t.Times == nil {
		return Always
	}
	return t.Times[row]
}
