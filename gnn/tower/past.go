package tower

import (
	"cmp"
	"math"
	"slices"

	"github.com/rowlink/rowlink/ingest"
)

// Links are events that link entities to items, and when they came to be known, in any
// order.
type Links struct {
	Entity, Item []int32
	Time         []int64 // microseconds UTC
}

// past is what happened, by entity and by time.
type past struct {
	start []int64 // links of entity e are start[e] to start[e+1], in time order
	item  []int32
	time  []int64

	byTime     []int64 // of all links, ascending, with
	itemByTime []int32 // their items
}

func newPast(l Links, entities int) *past {
	order := make([]int32, len(l.Time))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(cmp.Compare(l.Time[a], l.Time[b]), cmp.Compare(l.Item[a], l.Item[b]), cmp.Compare(l.Entity[a], l.Entity[b]))
	})
	n := len(order)
	p := &past{start: make([]int64, entities+1), item: make([]int32, n), time: make([]int64, n), byTime: make([]int64, n), itemByTime: make([]int32, n)}
	for _, e := range l.Entity {
		p.start[e+1]++
	}
	for e := range entities {
		p.start[e+1] += p.start[e]
	}
	next := slices.Clone(p.start[:entities])
	for i, at := range order {
		p.byTime[i], p.itemByTime[i] = l.Time[at], l.Item[at]
		to := &next[l.Entity[at]]
		p.item[*to], p.time[*to] = l.Item[at], l.Time[at]
		*to++
	}
	return p
}

// of are the latest links of an entity that a cut sees, at most so many, oldest first.
func (p *past) of(entity int32, m ingest.Moment, most int) (items []int32, times []int64) {
	lo, hi := p.start[entity], p.start[entity+1]
	n := m.Count(p.time[lo:hi])
	from := max(0, n-most)
	return p.item[lo:hi][from:n], p.time[lo:hi][from:n]
}

// popularity writes, for each item and half-life in days, log(1 + decayed links) as of a
// cut: items x half-lives. Cost: the links that the cut sees.
func (p *past) popularity(out []float64, m ingest.Moment, cut int64, halfLives []float64) {
	clear(out)
	k := len(halfLives)
	for i, t := range p.byTime[:m.Count(p.byTime)] {
		age := daysSince(t, cut)
		for h, half := range halfLives {
			out[int(p.itemByTime[i])*k+h] += math.Exp2(-age / half)
		}
	}
	for i, v := range out {
		out[i] = math.Log1p(v)
	}
}

// warm tells which items have a link that a moment sees.
func (p *past) warm(items int, m ingest.Moment) []bool {
	out := make([]bool, items)
	for _, i := range p.itemByTime[:m.Count(p.byTime)] {
		out[i] = true
	}
	return out
}

const dayMicros = 86_400_000_000

// daysSince is the age of a link; one without time is as good as new.
func daysSince(t, cut int64) float64 {
	if t == ingest.Always {
		return 0
	}
	return float64(cut-t) / dayMicros
}
