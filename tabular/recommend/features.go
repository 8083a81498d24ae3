package recommend

import (
	"cmp"
	"math"
	"slices"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// year in days.
const year = 365.25

// fill computes the features of all candidates, in the order of [world.featureNames].
func (q *query) fill() {
	width := len(q.names)
	q.x = slices.Grow(q.x[:0], len(q.candidates)*width)[:len(q.candidates)*width]
	clear(q.x)
	for k, c := range q.channels {
		q.ofPairs(c, k*perChannel)
		q.ofItems(c, q.popular[k], k*perChannel+perChannelPair)
	}
	at := len(q.channels) * perChannel
	q.ofNeighbours(at)
	at += 6
	q.ofLikeness(at)
	at += len(q.likeness)
	for n, col := range q.numbers {
		for i, item := range q.candidates {
			q.x[i*width+at+n] = numberOf(col, int(item))
		}
	}
}

func numberOf(c *ingest.Column, row int) float64 {
	switch {
	case c.Null(row):
		return math.NaN()
	case c.Kind == schema.Int:
		return float64(c.Ints[row])
	}
	return c.Floats[row]
}

// ofPairs counts the entity's own events with each candidate.
func (q *query) ofPairs(c *channel, at int) {
	width, last := len(q.names), at+len(halfLives)+1
	for i := range q.candidates {
		q.x[i*width+last] = math.NaN()
	}
	own, times := c.byEntity.past(q.row, q.moment)
	lo := max(0, len(own)-mostEvents)
	for k := lo; k < len(own); k++ {
		i := int(q.at[own[k]]) - 1
		if i < 0 {
			continue
		}
		x, old := q.x[i*width+at:], age(q.cut, times[k])
		for h := range halfLives {
			x[h] += decay(old, halfLives[h]*q.horizon)
		}
		days := float64(old) / dayMicros
		x[len(halfLives)]++
		x[len(halfLives)+1] = days
		if w := q.window(days); w >= 0 {
			x[len(halfLives)+2+w]++
		}
	}
}

// window is 0 for an age in the last horizon, 1 in the one before, 2 in the days a year
// ago that the horizon has now, -1 for none of them.
func (q *query) window(days float64) int {
	switch {
	case days < q.horizon:
		return 0
	case days < 2*q.horizon:
		return 1
	case days <= year && days > year-q.horizon:
		return 2
	}
	return -1
}

// ofItems reads what all entities did with each candidate.
func (q *query) ofItems(c *channel, p *popularity, at int) {
	width := len(q.names)
	own, ownTimes := c.byEntity.past(q.row, q.moment)
	recent := len(own) - countBefore(ownTimes, q.cut, q.horizon)
	for i, item := range q.candidates {
		x := q.x[i*width+at:]
		for h := range halfLives {
			x[h] = p.decayed(h, item, q.horizon)
		}
		_, times := c.byItem.past(item, q.moment)
		n := len(halfLives)
		x[n], x[n+1] = float64(len(times)), math.NaN()
		if len(times) > 0 {
			x[n+1] = float64(age(q.cut, times[len(times)-1])) / dayMicros
		}
		one, two := countBefore(times, q.cut, q.horizon), countBefore(times, q.cut, 2*q.horizon)
		x[n+2], x[n+3] = float64(len(times)-one), float64(one-two)
		x[n+4] = float64(max(0, countBefore(times, q.cut, year-q.horizon)-countBefore(times, q.cut, year)))
		x[n+5], x[n+6] = float64(len(own)), float64(recent)
	}
}

// countBefore counts the ascending times that are so many days before a cut, or older.
func countBefore(times []int64, cut int64, days float64) int {
	n, _ := slices.BinarySearch(times, cut-int64(days*dayMicros)+1)
	return n
}

// ofNeighbours writes what common entities say, and ranks among the candidates.
func (q *query) ofNeighbours(at int) {
	width, most := len(q.names), 0.0
	for _, item := range q.candidates {
		most = max(most, q.common[item])
	}
	for i, item := range q.candidates {
		x := q.x[i*width+at:]
		x[0] = q.common[item]
		if most > 0 {
			x[1] = q.common[item] / most
		}
		x[5] = math.NaN()
		if since := q.items.TimeOf(item); since != ingest.Always {
			x[5] = float64(q.cut-since) / dayMicros
		}
	}
	q.rankBy(1, at+2)
	q.rankBy(perChannelPair+1, at+3)
	q.rankBy(at, at+4)
}

// rankBy writes the place of each candidate by a feature, the largest first, as a share.
func (q *query) rankBy(feature, into int) {
	width := len(q.names)
	order := make([]int, len(q.candidates))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(q.x[b*width+feature], q.x[a*width+feature]) })
	for place, i := range order {
		if place > 0 && q.x[i*width+feature] == q.x[order[place-1]*width+feature] {
			q.x[i*width+into] = q.x[order[place-1]*width+into]
			continue
		}
		q.x[i*width+into] = float64(place) / float64(len(order))
	}
}

// ofLikeness writes which share of the entity's decayed events was with items that have
// the candidate's value.
func (q *query) ofLikeness(at int) {
	own, times := q.channels[0].byEntity.past(q.row, q.moment)
	width, lo := len(q.names), max(0, len(own)-mostEvents)
	for k, a := range q.likeness {
		sum, total := make([]float64, a.n), 0.0
		for j := lo; j < len(own); j++ {
			w := decay(age(q.cut, times[j]), halfLives[2]*q.horizon)
			total += w
			if code := a.at(own[j], q.task.Options.Rule, q.cut); code >= 0 {
				sum[code] += w
			}
		}
		for i, item := range q.candidates {
			v := math.NaN()
			if code := a.at(item, q.task.Options.Rule, q.cut); code >= 0 && total > 0 {
				v = sum[code] / total
			}
			q.x[i*width+at+k] = v
		}
	}
}
