package shop

import (
	"cmp"
	"database/sql"
	"math/rand/v2"
	"slices"
	"time"
)

// simulation grows a database period by period.
type simulation struct {
	seed   uint64
	db     *Database
	appeal []float64 // weight of each product when one is chosen
	people []*person
	shelf  shelf
}

// shelf is what is sold in a period: the products, all and by category, with running
// sums of their appeal.
type shelf struct {
	all        section
	byCategory map[string]section
}

type section struct {
	products []int
	sums     []float64
}

func (s *section) add(product int, appeal float64) {
	sum := appeal
	if n := len(s.sums); n > 0 {
		sum += s.sums[n-1]
	}
	s.products = append(s.products, product)
	s.sums = append(s.sums, sum)
}

// stock fills the shelf with the products listed at the start of a period.
func (s *simulation) stock(at time.Time) {
	s.shelf = shelf{byCategory: map[string]section{}}
	for i, p := range s.db.Products {
		if p.ListedOn.After(at) {
			continue
		}
		s.shelf.all.add(i, s.appeal[i])
		sec := s.shelf.byCategory[p.Category]
		sec.add(i, s.appeal[i])
		s.shelf.byCategory[p.Category] = sec
	}
}

// purchase is an order before the orders of the period are sorted and numbered.
type purchase struct {
	order Order
	lines []line
}

type line struct {
	OrderLine
	product int // row of the product
	back    Return
	tickets []Ticket
}

// period decides for every customer whether to order in period k, and places the orders.
func (s *simulation) period(k int) {
	anchor := Anchor(k)
	s.stock(anchor)
	var bought []purchase
	for i, p := range s.people {
		if p.joined > k {
			continue
		}
		r := source(s.seed, streamPeriod, i, k)
		from, orders := anchor, 0
		if p.joined == k {
			// The sign-up period has no label: the customer is unknown at its anchor.
			from = s.db.Customers[i].SignedUpAt
			if from.Before(Anchor(k+1)) && r.Float64() < 0.9 {
				orders = 1
			}
		} else {
			g := p.at(anchor)
			stay := sigmoid(g.logOdds())
			churned := r.Float64() >= stay
			s.db.truth.record(k, i, example{
				signal: g, p: 1 - stay, churned: churned, known: true,
				eligible: p.channel >= 0 && p.last.After(anchor.Add(-Eligible)),
			})
			if !churned {
				orders = 1 + poisson(r, 0.3+0.3*min(p.orders, 3))
			}
		}
		bought = append(bought, s.shop(r, i, orders, from, Anchor(k+1))...)
	}
	slices.SortStableFunc(bought, func(a, b purchase) int {
		return cmp.Or(a.order.OrderedAt.Compare(b.order.OrderedAt), cmp.Compare(a.order.Customer, b.order.Customer))
	})
	if k == Periods-1 && len(bought) > 0 {
		endWith(&bought[len(bought)-1])
	}
	for _, p := range bought {
		s.book(p)
	}
	for _, p := range s.people {
		p.age()
	}
	for _, p := range bought {
		s.remember(p, Anchor(k+1))
	}
}

// endWith moves the last order of all onto End; what would follow from it has not
// happened yet.
func endWith(p *purchase) {
	p.order.OrderedAt = End
	for i := range p.lines {
		p.lines[i].back, p.lines[i].tickets = Return{}, nil
	}
}

// shop draws a customer's orders of one period with all that follows from them.
func (s *simulation) shop(r *rand.Rand, i, orders int, from, to time.Time) []purchase {
	p, out := s.people[i], make([]purchase, orders)
	if r.Float64() < 0.15 {
		p.favourite[r.IntN(2)] = r.IntN(len(categories))
	}
	times := make([]time.Time, orders)
	for o := range times {
		times[o] = between(r, from, to)
	}
	slices.SortFunc(times, time.Time.Compare)
	for o, at := range times {
		if p.channel < 0 || r.Float64() < 0.35 {
			p.channel = weighted(r, p.leaning)
		}
		out[o] = s.purchase(r, i, at, channels[p.channel])
	}
	return out
}

func (s *simulation) purchase(r *rand.Rand, i int, at time.Time, channel string) purchase {
	c := s.db.Customers[i]
	out := purchase{order: Order{Customer: c.ID, OrderedAt: at, Channel: channel, customer: i}}
	if channel == "store" {
		out.order.Store = s.storeIn(r, c.Region)
	}
	for n := range 1 + poisson(r, 1.4) {
		row := s.choose(r, s.people[i])
		p := &s.db.Products[row]
		l := line{product: row, OrderLine: OrderLine{
			No: int64(n + 1), Product: p.ID, Quantity: int64(1 + poisson(r, 0.3)),
			UnitPrice: p.Price, Discount: maybe(r, 0.8, float64(5+5*r.IntN(5))/100),
		}}
		out.order.Total += float64(l.Quantity) * l.UnitPrice * (1 - l.Discount.V)
		s.aftermath(r, p, at, &l)
		out.lines = append(out.lines, l)
	}
	out.order.Total = cents(out.order.Total)
	s.askOrWait(r, at, &out)
	return out
}

// choose draws a product: mostly from a favourite category.
func (s *simulation) choose(r *rand.Rand, p *person) int {
	sec := s.shelf.all
	if x := r.Float64(); x < 0.75 {
		if fav, ok := s.shelf.byCategory[categories[p.favourite[r.IntN(2)]]]; ok {
			sec = fav
		}
	}
	return sec.products[weighted(r, sec.sums)]
}

func (s *simulation) storeIn(r *rand.Rand, region string) sql.Null[int64] {
	var near []int64
	for _, st := range s.db.Stores {
		if st.Region == region {
			near = append(near, st.ID)
		}
	}
	return some(pick(r, near))
}

// aftermath decides whether a line comes back, the more likely the worse the product,
// and whether the customer complains about it.
func (s *simulation) aftermath(r *rand.Rand, p *Product, at time.Time, l *line) {
	back := r.Float64() < sigmoid(-3.1-1.2*p.quality)
	reason := pick(r, reasons)
	when := between(r, at.Add(2*Day), at.Add(20*Day))
	if back {
		l.back = Return{No: l.No, ReturnedAt: when, Reason: reason}
	}
	if x := r.Float64(); back && x < 0.5 {
		l.tickets = append(l.tickets, newTicket(r, topicDamaged, between(r, at.Add(Day), when)))
	}
}

// askOrWait adds the tickets that have nothing to do with quality.
func (s *simulation) askOrWait(r *rand.Rand, at time.Time, p *purchase) {
	x := r.Float64()
	topic := ""
	switch {
	case x < 0.08:
		topic = topicLate
	case x < 0.11:
		topic = topicBilling
	case x < 0.16:
		topic = topicQuestion
	}
	if topic != "" {
		t := newTicket(r, topic, between(r, at.Add(Day), at.Add(12*Day)))
		p.lines[0].tickets = append(p.lines[0].tickets, t)
	}
}

func newTicket(r *rand.Rand, topic string, at time.Time) Ticket {
	upset := topic != topicQuestion && r.Float64() < 0.5
	t := Ticket{OpenedAt: at, Topic: topic, Body: complain(r, topic, upset)}
	if r.Float64() < 0.7 {
		t.ResolvedAt = some(at.Add(time.Duration(3600+r.ExpFloat64()*6*86400) * time.Second))
	}
	t.upset = upset
	return t
}

// book numbers the order and appends its rows. Rows after End are left out: they
// have not happened yet.
func (s *simulation) book(p purchase) {
	db := s.db
	p.order.ID = firstOrder + int64(len(db.Orders))
	p.order.first, p.order.lines = len(db.Lines), len(p.lines)
	for _, l := range p.lines {
		l.Order = p.order.ID
		db.Lines = append(db.Lines, l.OrderLine)
		if at := l.back.ReturnedAt; !at.IsZero() && !at.After(End) {
			l.back.Order = p.order.ID
			db.Returns = append(db.Returns, l.back)
		}
		for _, t := range l.tickets {
			if t.OpenedAt.After(End) {
				continue
			}
			if t.ResolvedAt.V.After(End) {
				t.ResolvedAt = sql.Null[time.Time]{}
			}
			t.Customer, t.Order = p.order.Customer, some(p.order.ID)
			db.Tickets = append(db.Tickets, t)
		}
	}
	db.Orders = append(db.Orders, p.order)
}

// remember adds what a customer lived through to the state at the next anchor.
func (s *simulation) remember(b purchase, anchor time.Time) {
	p, at := s.people[b.order.customer], b.order.OrderedAt
	p.last = at
	p.orders += halving(anchor.Sub(at), orderHalfLife)
	for _, l := range b.lines {
		w := halving(anchor.Sub(at), qualityHalfLife)
		p.weight += w
		p.sum += w * s.db.Products[l.product].quality
		if !l.back.ReturnedAt.IsZero() {
			p.frustrations = append(p.frustrations, frustration{at: l.back.ReturnedAt, weight: 0.5})
		}
		for _, t := range l.tickets {
			p.frustrations = append(p.frustrations, frustration{at: t.OpenedAt, weight: t.weight()})
		}
	}
}

// weight says how much a ticket hurts.
func (t *Ticket) weight() float64 {
	w := map[string]float64{topicDamaged: 1, topicLate: 0.8, topicBilling: 0.6, topicQuestion: 0}[t.Topic]
	if t.upset {
		return 1.8 * w
	}
	return w
}

// finish numbers returns and tickets by time.
func (s *simulation) finish() {
	db := s.db
	slices.SortStableFunc(db.Returns, func(a, b Return) int { return a.ReturnedAt.Compare(b.ReturnedAt) })
	for i := range db.Returns {
		db.Returns[i].ID = firstReturn + int64(i)
	}
	slices.SortStableFunc(db.Tickets, func(a, b Ticket) int { return a.OpenedAt.Compare(b.OpenedAt) })
	for i := range db.Tickets {
		db.Tickets[i].ID = firstTicket + int64(i)
	}
}
