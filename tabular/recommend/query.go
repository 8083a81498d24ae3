package recommend

import (
	"cmp"
	"math"
	"slices"

	"github.com/rowlink/rowlink/ingest"
)

// Query asks what an entity will be linked to, by what is visible at a cut.
type Query struct {
	Row int32
	Cut int64
}

// Bounds of what a query looks at.
const (
	allItems     = 600 // up to so many visible items all are candidates
	ownItems     = 200 // of the entity's own, the latest
	popularItems = 60  // of each half-life
	commonItems  = 100
	mostEvents   = 1000 // of an entity and channel, the latest
	seedItems    = 10   // of the entity whose other entities are asked
	seedEntities = 40   // of each of those items
	theirEvents  = 40   // of each of those entities
)

// query computes one query at a time, with memory that it keeps.
type query struct {
	*world
	popular []*popularity
	few     bool // all visible items are candidates
	cut     int64
	moment  ingest.Moment
	row     int32

	at         []int32 // per item: 1 + its place among the candidates, 0 = it is none
	candidates []int32
	common     []float64 // per item, of common entities
	touched    []int32   // items whose common is not 0
	x          []float64 // candidates x features
}

func (w *world) newQuery() *query {
	n := w.items.Rows
	return &query{world: w, at: make([]int32, n), common: make([]float64, n)}
}

// rows computes the candidates of a query and their features; both are overwritten by the
// next call.
func (q *query) rows(of Query, popular []*popularity, few bool) (candidates []int32, x []float64) {
	q.popular, q.few, q.cut, q.row, q.moment = popular, few, of.Cut, of.Row, q.task.Options.Rule.Moment(of.Cut)
	q.neighbours()
	q.choose()
	q.fill()
	for _, i := range q.candidates {
		q.at[i] = 0
	}
	for _, i := range q.touched {
		q.common[i] = 0
	}
	q.touched = q.touched[:0]
	return q.candidates, q.x
}

// latest keeps the last n of a list.
func latest[T any](list []T, n int) []T { return list[max(0, len(list)-n):] }

// neighbours sums over the entities that share an item with this one how often they were
// linked to other items, those with many links counting less (Adamic and Adar, 2003).
func (q *query) neighbours() {
	c := q.channels[0]
	own, ownTime := c.byEntity.past(q.row, q.moment)
	asked := map[int32]bool{}
	for i := len(own) - 1; i >= 0 && len(asked) < seedItems; i-- {
		if asked[own[i]] {
			continue
		}
		asked[own[i]] = true
		weight := decay(age(q.cut, ownTime[i]), halfLives[1]*q.horizon)
		who, _ := c.byItem.past(own[i], q.moment)
		met := map[int32]bool{q.row: true}
		for _, e := range latest(who, seedEntities) {
			if met[e] {
				continue
			}
			met[e] = true
			theirs, when := c.byEntity.past(e, q.moment)
			w := weight / math.Log(2+float64(len(theirs)))
			lo := max(0, len(theirs)-theirEvents)
			for k := lo; k < len(theirs); k++ {
				if q.common[theirs[k]] == 0 {
					q.touched = append(q.touched, theirs[k])
				}
				q.common[theirs[k]] += w * (1e-9 + decay(age(q.cut, when[k]), halfLives[2]*q.horizon))
			}
		}
	}
}

// choose finds the candidates: all items where there are few, else what the entity was
// linked to, what is popular, and what entities with common items were linked to.
func (q *query) choose() {
	q.candidates = q.candidates[:0]
	if q.few {
		for i := range int32(q.items.Rows) {
			q.take(i)
		}
	} else {
		for _, c := range q.channels {
			own, _ := c.byEntity.past(q.row, q.moment)
			for _, i := range latest(own, ownItems) {
				q.take(i)
			}
		}
		slices.SortFunc(q.touched, func(a, b int32) int {
			return cmp.Or(cmp.Compare(q.common[b], q.common[a]), cmp.Compare(a, b))
		})
		for _, i := range q.touched[:min(commonItems, len(q.touched))] {
			q.take(i)
		}
		for _, p := range q.popular {
			for _, i := range p.top {
				q.take(i)
			}
		}
	}
	if !q.task.Ranking.ExcludeSeen {
		return
	}
	own, _ := q.channels[0].byEntity.past(q.row, q.moment)
	for _, i := range own {
		if q.at[i] > 0 {
			q.at[i] = -1
		}
	}
	kept := q.candidates[:0]
	for _, i := range q.candidates {
		if q.at[i] < 0 {
			q.at[i] = 0
			continue
		}
		kept = append(kept, i)
		q.at[i] = int32(len(kept))
	}
	q.candidates = kept
}

// take makes an item a candidate if it is visible and none yet.
func (q *query) take(i int32) {
	if q.at[i] == 0 && q.items.VisibleAt(q.task.Options.Rule, i, q.cut) {
		q.candidates = append(q.candidates, i)
		q.at[i] = int32(len(q.candidates))
	}
}
