package shop

import (
	"database/sql"
	"math"
	"math/rand/v2"
	"time"
)

// Keys start here, so that a key is never a row number by accident.
const (
	firstSupplier = 11
	firstProduct  = 501
	firstStore    = 3
	firstCustomer = 10_001
	firstOrder    = 700_001
	firstReturn   = 30_001
	firstTicket   = 90_001
)

var (
	countries  = []string{"DE", "FR", "IT", "PL", "PT", "SE", "TR", "VN"}
	regions    = []string{"north", "south", "east", "west", "islands"}
	categories = []string{"audio", "bath", "books", "camping", "garden", "kitchen", "lighting", "office", "pets", "sports", "tools", "toys"}
	cities     = []string{"Aldern", "Brook", "Corvin", "Dunmore", "Elsworth", "Farley", "Garrow", "Hollin", "Ister", "Jarrow"}
)

func (s *simulation) makeSuppliers(n int) {
	quality, even := make([]float64, n), make([]float64, n)
	for i := range n {
		quality[i], even[i] = source(s.seed, streamQuality, i, 0).NormFloat64(), 1
	}
	standardise(quality, even)
	for i, q := range quality {
		r := source(s.seed, streamSupplier, i, 0)
		rating := min(5, max(1, math.Round((3.2+0.7*q+0.1*r.NormFloat64())*10)/10))
		s.db.Suppliers = append(s.db.Suppliers, Supplier{
			ID: firstSupplier + int64(i), Name: pick(r, nameHeads) + pick(r, nameTails) + " " + pick(r, nameForms),
			Country: pick(r, countries), Rating: maybe(r, 0.05, rating), quality: q,
		})
	}
}

func (s *simulation) makeProducts(n int) {
	quality := make([]float64, n)
	for i := range n {
		r := source(s.seed, streamProduct, i, 0)
		sup := r.IntN(len(s.db.Suppliers))
		category := pick(r, categories)
		s.db.Products = append(s.db.Products, Product{
			ID: firstProduct + int64(i), Supplier: s.db.Suppliers[sup].ID, Category: category,
			Brand: pick(r, nameHeads) + pick(r, nameTails), Price: cents(math.Exp(2.9 + 0.8*r.NormFloat64())),
			Description: maybe(r, 0.08, describe(r, category)),
			ListedOn:    listing(r, i == 0),
		})
		quality[i] = 0.8*s.db.Suppliers[sup].quality + 0.6*r.NormFloat64()
		s.appeal = append(s.appeal, math.Exp(0.7*r.NormFloat64()))
	}
	standardise(quality, s.appeal)
	for i, q := range quality {
		s.db.Products[i].quality = q
	}
}

// standardise gives x mean 0 and deviation 1 under the weights, so that shops of
// different seeds are equally good on the whole. Equal values all become 0.
func standardise(x, weights []float64) {
	var sum, mean, variance float64
	for i, w := range weights {
		sum += w
		mean += w * x[i]
	}
	mean /= sum
	for i, w := range weights {
		variance += w / sum * (x[i] - mean) * (x[i] - mean)
	}
	for i := range x {
		x[i] -= mean
		if variance > 0 {
			x[i] /= math.Sqrt(variance)
		}
	}
}

// listing draws the day from which a product is sold: most were there from the
// start, the first one always, so that there is something to buy.
func listing(r *rand.Rand, early bool) time.Time {
	if x := r.Float64(); early || x < 0.85 {
		return Start.AddDate(0, 0, -r.IntN(900))
	}
	return Start.AddDate(0, 0, r.IntN(int((Periods-2)*Period/Day)))
}

func (s *simulation) makeStores() {
	for i, city := range cities {
		s.db.Stores = append(s.db.Stores, Store{
			ID: firstStore + int64(i), City: city, Region: regions[i%len(regions)],
			OpenedOn: Start.AddDate(0, 0, -400-37*i),
		})
	}
}

// makeCustomers lets four in ten sign up in the first period and the others evenly
// until four periods before the end. Customers are numbered in the order of their
// sign-up period.
func (s *simulation) makeCustomers(n int) {
	for i := range n {
		r := source(s.seed, streamCustomer, i, 0)
		k := 0
		if early := n * 4 / 10; i >= early {
			k = 1 + (i-early)*(Periods-5)/(n-early)
		}
		c := Customer{
			ID: firstCustomer + int64(i), SignedUpAt: between(r, Anchor(k), Anchor(k+1)),
			Region: pick(r, regions), Newsletter: r.Float64() < 0.4,
			Age: maybe(r, 0.15, int64(18+r.IntN(60))),
		}
		if i > 0 && r.Float64() < 0.2 {
			c.ReferredBy = s.referrer(r, c.SignedUpAt)
		}
		if r.Float64() < 0.3 {
			c.Note = some(pick(r, notes))
		}
		s.db.Customers = append(s.db.Customers, c)
		s.people = append(s.people, newPerson(r, c, k))
	}
}

// referrer draws one of the customers who had signed up before the given time, among
// those created so far.
func (s *simulation) referrer(r *rand.Rand, before time.Time) sql.Null[int64] {
	by := &s.db.Customers[r.IntN(len(s.db.Customers))]
	if !by.SignedUpAt.Before(before) {
		return sql.Null[int64]{}
	}
	return some(by.ID)
}
