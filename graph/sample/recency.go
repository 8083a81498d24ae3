package sample

import (
	"fmt"
	"math"
	"slices"

	"github.com/rowlink/rowlink/ingest"
)

func init() { strategies.Add("recency", recency{}) }

// recency reads visible children drawn without replacement, one after the other, each
// time with a probability proportional to 0.5^(age / Options.HalfLife) among those left.
// Ages count from the newest child; one of 63 half-lives or more weighs as one of 63.
//
// Each child has a clock that rings after an exponential time at the rate of its weight;
// the first Want to ring are the draw (Efraimidis and Spirakis: Weighted random sampling
// with a reservoir, IPL 97(5), 2006). Clocks are not set for all children: those of like
// age, within one half-life, share a Poisson process at the rate of the heaviest, whose
// events are thinned to each child's own rate (Lewis and Shedler, 1979).
//
// Cost: at most 64 ranges of ages, each found in O(log degree). A range of no more than
// 4 Want children costs a draw per child, a longer one at most 2.7 Want events on
// average, and a range that comes too late a single one: bounded whatever the degree,
// and near Want where HalfLife is short.
type recency struct{}

var (
	_ Strategy = recency{}
	_ checked  = recency{}
)

func (recency) check(o *Options) error {
	if o.HalfLife <= 0 {
		return fmt.Errorf("HalfLife is %d, want more than 0 for strategy \"recency\"", o.HalfLife)
	}
	return nil
}

// oldestRange holds all children of that many half-lives or more.
const oldestRange = 63

func (recency) Pick(c *Choice, out []int32) []int32 {
	r := ringing{Choice: c, heap: c.heap[:0]}
	for hi := c.N; hi > 0; {
		lo, class := r.sameAge(hi)
		r.ring(lo, hi, class)
		hi = lo
	}
	c.heap = r.heap
	first := len(out)
	for _, e := range r.heap {
		out = append(out, e.pos)
	}
	slices.Sort(out[first:])
	return out
}

// ringing holds the first Want clocks that ring, of all that were looked at.
type ringing struct {
	*Choice
	heap []ring // the latest on top
}

type ring struct {
	at  float64
	pos int32
}

// halves is the age of a child in half-lives, counted from the newest.
func (r *ringing) halves(pos int) float64 {
	if r.Times == nil {
		return 0
	}
	d := r.Times[r.N-1] - r.Times[pos]
	if d < 0 { // beyond the range of int64
		return oldestRange
	}
	return math.Min(float64(d)/float64(r.HalfLife), oldestRange)
}

// sameAge returns the first of the positions before hi whose age is in the same
// half-life as that of position hi-1, and the number of that half-life.
func (r *ringing) sameAge(hi int) (lo, class int) {
	class = int(r.halves(hi - 1))
	if r.Times == nil || class == oldestRange {
		return 0, class
	}
	newest := r.Times[r.N-1]
	reach := float64(class+1) * float64(r.HalfLife)
	if reach >= float64(newest)-math.MinInt64 {
		return 0, class
	}
	lo = ingest.TimeRule{}.Cut(r.Times[:hi], newest-int64(reach))
	// Rounding may put a child at the edge into the next class.
	for lo > 0 && int(r.halves(lo-1)) == class {
		lo--
	}
	for lo < hi-1 && int(r.halves(lo)) != class {
		lo++
	}
	return lo, class
}

// ring lets the clocks at positions lo to hi-1 ring, whose rates lie between half of
// 2^-class and 2^-class.
func (r *ringing) ring(lo, hi, class int) {
	n, rate := hi-lo, math.Exp2(-float64(class))
	if n <= 4*r.Want && !(r.full() && rate*r.heap[0].at < 1) {
		for pos := lo; pos < hi; pos++ {
			r.offer(ring{exponential(r.Draws.Draw(uint64(pos))) * math.Exp2(r.halves(pos)), int32(pos)})
		}
		return
	}
	at, draw := 0.0, uint64(class+1)<<32 // past all positions
	r.slots = r.slots[:0]
	for {
		at += exponential(r.Draws.Draw(draw)) / (float64(n) * rate)
		if r.full() && at >= r.heap[0].at {
			return
		}
		pos := lo + int(r.Draws.Below(draw+1, uint64(n)))
		if unit(r.Draws.Draw(draw+2)) < math.Exp2(float64(class)-r.halves(pos)) && r.first(int32(pos)) {
			r.offer(ring{at, int32(pos)})
		}
		draw += 3
	}
}

// first reports whether the clock at pos rings for the first time in its range. At most
// Want do before the range ends.
func (r *ringing) first(pos int32) bool {
	if len(r.slots) == 0 {
		r.clearSlots()
	}
	return r.add(pos)
}

func (r *ringing) full() bool { return len(r.heap) == r.Want }

// offer keeps e if it rings before the last of those kept, or there are too few.
func (r *ringing) offer(e ring) {
	if !r.full() {
		r.heap = append(r.heap, e)
		for i := len(r.heap) - 1; i > 0 && r.heap[(i-1)/2].at < r.heap[i].at; i = (i - 1) / 2 {
			r.heap[i], r.heap[(i-1)/2] = r.heap[(i-1)/2], r.heap[i]
		}
		return
	}
	if e.at >= r.heap[0].at {
		return
	}
	h := r.heap
	i := 0
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) && h[child+1].at > h[child].at {
			child++
		}
		if h[child].at <= e.at {
			break
		}
		h[i] = h[child]
		i = child
	}
	h[i] = e
}

// unit is a draw as a number between 0 and 1, both excluded.
func unit(draw uint64) float64 { return (float64(draw>>11) + 0.5) * 0x1p-53 }

// exponential is a draw as an exponential time of rate 1.
func exponential(draw uint64) float64 { return -math.Log(unit(draw)) }
