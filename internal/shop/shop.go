// Package shop owns a generated shop database with a planted signal: customers stop
// ordering for reasons that lie in their own orders, in their tickets and returns,
// and in the quality of what they bought, several foreign keys away. The generator
// knows the true probability of every label, so the best score that any model can
// reach on it is known ([Database.Attainable]). It is the embedded demo, the
// database of end-to-end tests, and can be written to SQLite or Postgres.
//
// Time runs on a grid of 30-day periods that ends at [End]. At each grid anchor a
// the state of a customer, computed from rows at or before a, gives the probability
// of ordering in (a, a + 30 days]; one draw decides, and only then are the orders of
// that period placed. So the label of task "churn" at a grid anchor is one Bernoulli
// draw with a known probability.
package shop

import (
	"database/sql"
	"time"
)

// Day is 24 hours; the shop's clock is UTC.
const Day = 24 * time.Hour

// Period is the length of a grid period and of every task's label window.
const Period = 30 * Day

// Periods is the number of periods from [Start] to [End].
const Periods = 24

// End is the last instant of the database: no row is later, and the last order (of a
// shop with an order in its last period) lies exactly on it, so that the label windows
// that end here are complete.
var End = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// Start is the first instant: the first customers sign up after it.
var Start = End.Add(-Periods * Period)

// Anchor returns grid anchor k: Start + k periods, for k from 0 to Periods-1.
func Anchor(k int) time.Time { return Start.Add(time.Duration(k) * Period) }

// Options configures [Generate]. The zero value is usable.
type Options struct {
	Customers int    // 0 means 5,000, which gives about 200,000 order lines
	Products  int    // 0 means 400
	Suppliers int    // 0 means 40
	Seed      uint64 // equal options give equal databases
}

func (o Options) withDefaults() Options {
	if o.Customers == 0 {
		o.Customers = 5000
	}
	if o.Products == 0 {
		o.Products = 400
	}
	if o.Suppliers == 0 {
		o.Suppliers = 40
	}
	return o
}

// Database is a generated shop: the rows of its tables in key order, and the truth
// about them that is not in the rows.
type Database struct {
	Suppliers []Supplier
	Products  []Product
	Stores    []Store
	Customers []Customer
	Orders    []Order // by time
	Lines     []OrderLine
	Returns   []Return // by time
	Tickets   []Ticket // by time

	truth truth
}

// Supplier delivers products. Rating is a reading of its hidden quality.
type Supplier struct {
	ID      int64
	Name    string
	Country string
	Rating  sql.Null[float64] // 1 to 5, one decimal

	quality float64 // standard normal
}

// Product is sold from ListedOn. Its hidden quality shows in its supplier's rating
// and in how often it is returned.
type Product struct {
	ID          int64
	Supplier    int64
	Category    string
	Brand       string
	Price       float64
	Description sql.Null[string]
	ListedOn    time.Time

	quality float64 // mean 0, deviation 1 over what is sold; mostly the supplier's
}

// Store is a place where orders of channel "store" are made.
type Store struct {
	ID       int64
	City     string
	Region   string
	OpenedOn time.Time
}

// Customer is the entity of the tasks.
type Customer struct {
	ID         int64
	SignedUpAt time.Time
	Region     string
	Age        sql.Null[int64]
	Newsletter bool
	ReferredBy sql.Null[int64] // an earlier customer
	Note       sql.Null[string]
}

// Order is one purchase; Total is the sum of its lines.
type Order struct {
	ID        int64
	Customer  int64
	OrderedAt time.Time
	Channel   string
	Store     sql.Null[int64] // of channel "store" only
	Total     float64

	customer, first, lines int // row of the customer; first row and number of lines
}

// OrderLine is keyed by (Order, No) and has no time of its own: it is as old as its order.
type OrderLine struct {
	Order, No int64
	Product   int64
	Quantity  int64
	UnitPrice float64
	Discount  sql.Null[float64] // share of the price
}

// Return sends one order line back.
type Return struct {
	ID         int64
	Order, No  int64
	ReturnedAt time.Time
	Reason     string
}

// Ticket is a complaint or a question of a customer.
type Ticket struct {
	ID         int64
	Customer   int64
	Order      sql.Null[int64]
	OpenedAt   time.Time
	Topic      string
	Body       string
	ResolvedAt sql.Null[time.Time]

	upset bool // can be told from Body only
}

// Generate makes a shop. Equal options give equal databases, row for row.
func Generate(o Options) *Database {
	o = o.withDefaults()
	s := &simulation{seed: o.Seed, db: &Database{}}
	s.makeSuppliers(o.Suppliers)
	s.makeProducts(o.Products)
	s.makeStores()
	s.makeCustomers(o.Customers)
	s.db.truth.reset(o.Customers)
	for k := range Periods {
		s.period(k)
	}
	s.finish()
	return s.db
}
