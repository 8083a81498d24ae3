package shop

import (
	"math"
	"math/rand/v2"
	"time"
)

// The channels of orders.
var channels = []string{"app", "phone", "store", "web"}

// person is what the generator knows about a customer: tastes, and the state that
// decides about the next period. All of the state is computed from rows that carry
// their time, so that what is known at an anchor can be read at that anchor.
type person struct {
	joined    int       // period of the sign-up
	static    float64   // from the customer's own columns
	leaning   []float64 // running sums of the weights of the channels
	favourite [2]int    // categories; one changes now and then
	last      time.Time // of the last order, else the sign-up
	channel   int       // of the last order; -1 before the first

	orders       float64 // decayed number of orders at the present anchor
	sum, weight  float64 // decayed quality and number of the lines bought
	frustrations []frustration
}

// frustration is a bad experience: a return or a complaint. Whether a ticket was
// resolved plays no part: its cell is written later than its row, so that at an
// anchor nobody may read it.
type frustration struct {
	at     time.Time
	weight float64
}

// newPerson draws tastes; the static effect uses the columns as they are stored.
func newPerson(r *rand.Rand, c Customer, joined int) *person {
	p := &person{joined: joined, last: c.SignedUpAt, channel: -1}
	p.static = map[string]float64{"north": 0.5, "south": -0.5, "east": 0.15, "west": -0.15, "islands": 0}[c.Region]
	if c.Newsletter {
		p.static += 0.4
	}
	young := 0.0
	if c.Age.Valid {
		young = float64(45-c.Age.V) / 30
		p.static -= 0.25 * young
	}
	sum := 0.0
	for _, lean := range []float64{young, -0.8 - young, -0.3 - 0.5*young, 0.5} {
		sum += math.Exp(lean + 0.8*r.NormFloat64())
		p.leaning = append(p.leaning, sum)
	}
	p.favourite = [2]int{r.IntN(len(categories)), r.IntN(len(categories))}
	return p
}

// How fast the past fades.
const (
	orderHalfLife       = 45 * Day
	qualityHalfLife     = 60 * Day
	frustrationHalfLife = 45 * Day
)

// age moves the decayed sums of the state from one anchor to the next.
func (p *person) age() {
	p.orders *= halving(Period, orderHalfLife)
	f := halving(Period, qualityHalfLife)
	p.sum *= f
	p.weight *= f
}

// signal holds the parts of a customer's log odds of ordering in the next period.
type signal struct {
	static  float64 // own columns
	own     float64 // own orders: how many, how long ago (one hop)
	trouble float64 // tickets (one hop) and returns (three hops)
	quality float64 // of the products bought lately and their suppliers (three and four hops)
}

// The weights of the parts; see TestSignals for the scores that they lead to.
const (
	weightStatic  = 0.6
	weightOwn     = 1.3
	weightTrouble = 2.1
	weightQuality = 3.0
	baseline      = 1.0
)

// logOdds of ordering in the period after the anchor.
func (g signal) logOdds() float64 {
	return baseline + g.static + g.own + g.trouble + g.quality
}

// at reads the state at an anchor.
func (p *person) at(anchor time.Time) signal {
	gap := float64(anchor.Sub(p.last)) / float64(Period)
	own := math.Log1p(p.orders) - 0.6 - 0.5*(min(gap, 4)-0.7)
	trouble := 0.0
	for _, f := range p.frustrations {
		if f.at.After(anchor) {
			continue
		}
		trouble += f.weight * halving(anchor.Sub(f.at), frustrationHalfLife)
	}
	quality := 0.0
	if p.weight > 0 {
		quality = p.sum / (p.weight + 0.5)
	}
	return signal{
		static: weightStatic * p.static, own: weightOwn * own,
		trouble: -weightTrouble * math.Log1p(trouble), quality: weightQuality * quality,
	}
}
