package tasks

import (
	"math"
	"sync"

	"github.com/rowlink/rowlink/ingest"
)

// aggregate evaluates one [Aggregate] over one snapshot. Where neither argument nor
// filter depends on the anchor, both are computed once per slot.
type aggregate struct {
	def     *Aggregate
	fn      reducer
	arg     node // nil for *
	filter  node // nil = none
	kind    ValueKind
	empty   Value
	dynamic bool            // argument or filter must be computed per window
	rule    ingest.TimeRule // of the window's end and of the as-of instant
	snap    *ingest.Snapshot
	entity  int
	slots   *slots

	once      sync.Once
	irregular []bool    // per entity: slots must be looked at one by one; nil = none
	kept      []int32   // of the slots before i, how many pass the filter with a value
	num       []float64 // per slot, for reducers that need numbers
	sums      []int64   // of the whole numbers before slot i; nil when there are fractions
	code      []int32   // per slot: position in dict, for reducers that need identity
	dict      []Value   // distinct values, ascending
}

// at returns where a window lies at an anchor.
func (w Window) at(anchor int64, o *Options) timeRange {
	if w.Static {
		return timeRange{asOf: anchor}
	}
	r := timeRange{after: math.MinInt64, until: w.End.AddTo(anchor, o.Zone), asOf: anchor}
	if !w.OpenStart {
		r.after = w.Start.AddTo(anchor, o.Zone)
	}
	if w.Future() {
		r.asOf = r.until
	}
	return r
}

// value is the aggregate at the frame's entity and anchor. Cost: two binary searches and
// what the reducer needs.
func (a *aggregate) value(f *frame, r timeRange) Value {
	s := a.slots
	lo, hi := s.start[f.entity], s.start[f.entity+1]
	if lo < hi && !a.def.Window.Static {
		times := s.time[lo:hi]
		hi = lo + a.rule.Cut(times, r.until)
		if !a.def.Window.OpenStart {
			lo += ingest.TimeRule{}.Cut(times, r.after)
		}
	}
	if lo >= hi {
		return a.nothing(f)
	}
	if a.dynamic || a.irregular != nil && a.irregular[f.entity] {
		return a.walk(f, lo, hi, r)
	}
	f.filled++
	n := int(a.kept[hi] - a.kept[lo])
	if n < max(1, a.fn.fewest) {
		return a.otherwise(f)
	}
	return a.fn.fast(a, f, lo, hi, n)
}

// nothing is the result when the entity has no row in the window.
func (a *aggregate) nothing(f *frame) Value {
	if !a.def.OnEmpty {
		f.empty++
	}
	return a.otherwise(f)
}

// otherwise is the result over no value (rule R8).
func (a *aggregate) otherwise(f *frame) Value {
	if a.def.Skip {
		f.skip = true
		return null
	}
	return a.empty
}

// walk looks at each slot of a run: is its route visible as of the window's end (rule
// R21), does it pass the filter, has it a value.
func (a *aggregate) walk(f *frame, lo, hi int, r timeRange) Value {
	s := a.slots
	row, asOf, rule := f.row, f.asOf, f.rule
	f.asOf, f.rule = r.asOf, a.rule
	values := f.scratch.values[:0]
	repeats := s.irregular[f.entity]
	if repeats && f.scratch.rows == nil {
		f.scratch.rows = map[int32]bool{}
	} else if repeats {
		clear(f.scratch.rows)
	}
	seen := false
	for i := lo; i < hi; i++ {
		if s.from != nil && !a.rule.Valid(s.from[i], s.until[i], r.asOf) {
			continue
		}
		if repeats {
			if f.scratch.rows[s.row[i]] {
				continue
			}
			f.scratch.rows[s.row[i]] = true
		}
		seen = true
		f.row = s.row[i]
		if v, ok := a.take(f); ok {
			values = append(values, v)
		}
	}
	f.row, f.asOf, f.rule, f.scratch.values = row, asOf, rule, values
	switch {
	case !seen:
		return a.nothing(f)
	case len(values) < max(1, a.fn.fewest):
		f.filled++
		return a.otherwise(f)
	}
	f.filled++
	return a.fn.slow(values)
}

// take computes the argument of the frame's row; ok is false when the filter is not TRUE
// or the argument is NULL.
func (a *aggregate) take(f *frame) (v Value, ok bool) {
	if a.filter != nil && !a.filter(f).isTrue() {
		return null, false
	}
	if a.arg == nil {
		return boolValue(true), true
	}
	v = a.arg(f)
	return v, !v.Null
}
