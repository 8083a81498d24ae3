package shop

import (
	"math"
	"slices"
	"testing"
	"time"
)

// scored is the AUROC of a score for churn over the examples of the test split.
func scored(d *Database, churnScore func(example) float64) float64 {
	var ex []Example
	for k := Periods - EvalAnchors; k < Periods; k++ {
		for i := range d.Customers {
			if e := d.truth.examples[k*d.truth.customers+i]; e.eligible {
				ex = append(ex, Example{P: churnScore(e), Churned: e.churned})
			}
		}
	}
	realised, _ := AttainableAUROC(ex)
	return realised
}

// TestSignals holds the planted signal to its promise: each part of the database
// adds to the score, and the best score lies in a known range.
func TestSignals(t *testing.T) {
	for seed := range uint64(3) {
		if testing.Short() && seed != 1 {
			continue
		}
		d := whole()
		if seed != 1 {
			d = Generate(Options{Seed: seed})
		}
		for _, c := range []struct {
			name        string
			score       func(signal) float64 // log odds of staying
			least, most float64
		}{
			{"own columns", func(g signal) float64 { return g.static }, 0.53, 0.58},
			{"own orders", func(g signal) float64 { return g.own }, 0.68, 0.73},
			{"own columns and orders", func(g signal) float64 { return g.static + g.own }, 0.68, 0.74},
			{"with tickets and returns", func(g signal) float64 { return g.static + g.own + g.trouble }, 0.77, 0.82},
			{"with quality, without trouble", func(g signal) float64 { return g.static + g.own + g.quality }, 0.74, 0.80},
			{"everything", signal.logOdds, 0.82, 0.85},
		} {
			got := scored(d, func(e example) float64 { return -c.score(e.signal) })
			t.Logf("seed %d, %s: AUROC %.4f", seed, c.name, got)
			if got < c.least || got > c.most {
				t.Errorf("seed %d, %s: AUROC %.4f, want %.2f to %.2f", seed, c.name, got, c.least, c.most)
			}
		}
		ex := d.TestAttainable()
		realised, expected := AttainableAUROC(ex)
		churned := 0.0
		for _, e := range ex {
			if e.Churned {
				churned++
			}
		}
		rate := churned / float64(len(ex))
		t.Logf("seed %d: %d test examples, churn %.4f, attainable AUROC %.4f (expected %.4f)", seed, len(ex), rate, realised, expected)
		if rate < 0.25 || rate > 0.45 || math.Abs(realised-expected) > 0.015 {
			t.Errorf("seed %d: churn %.3f (want 0.25 to 0.45), AUROC %.4f against %.4f expected", seed, rate, realised, expected)
		}
	}
}

// TestAttainable_isCalibrated compares the probabilities with what happened.
func TestAttainable_isCalibrated(t *testing.T) {
	d := whole()
	var all []Example
	for k := range Periods {
		all = append(all, d.Attainable(Anchor(k))...)
	}
	var n, sum, churned, variance [10]float64
	for _, e := range all {
		b := min(9, int(e.P*10))
		n[b]++
		sum[b] += e.P
		variance[b] += e.P * (1 - e.P)
		if e.Churned {
			churned[b]++
		}
	}
	for b := range n {
		if z := (churned[b] - sum[b]) / math.Sqrt(variance[b]); n[b] < 100 || math.Abs(z) > 4 {
			t.Errorf("P in [%.1f, %.1f): %v examples, %v churned, %.1f expected (z = %.1f)", float64(b)/10, float64(b+1)/10, n[b], churned[b], sum[b], z)
		}
	}
}

// TestAttainable_isTaskChurn recomputes eligibility and labels from the rows by the
// task's own text: an order in (a-90d, a], no order in (a, a+30d].
func TestAttainable_isTaskChurn(t *testing.T) {
	d := whole()
	times := map[int64][]time.Time{}
	for _, o := range d.Orders {
		times[o.Customer] = append(times[o.Customer], o.OrderedAt)
	}
	within := func(ts []time.Time, from, to time.Time) bool {
		return slices.ContainsFunc(ts, func(at time.Time) bool { return at.After(from) && !at.After(to) })
	}
	for k := range Periods {
		a := Anchor(k)
		got := d.Attainable(a)
		for _, c := range d.Customers {
			ts := times[c.ID]
			if c.SignedUpAt.After(a) || !within(ts, a.Add(-90*Day), a) {
				continue
			}
			if len(got) == 0 || got[0].Customer != c.ID {
				t.Fatalf("anchor %s lacks customer %d", a, c.ID)
			}
			if want := !within(ts, a, a.Add(30*Day)); got[0].Churned != want {
				t.Fatalf("anchor %s, customer %d: churned %v, want %v", a, c.ID, got[0].Churned, want)
			}
			got = got[1:]
		}
		if len(got) != 0 {
			t.Fatalf("anchor %s has %d examples too many, first %+v", a, len(got), got[0])
		}
	}
}

// replay recomputes the signal of every eligible customer at an anchor from the rows
// at or before it, given the quality of each product.
func replay(d *Database, k int, quality []float64) map[int]signal {
	a := Anchor(k)
	people := make([]*person, len(d.Customers))
	byOrder := map[int64]int{}
	for i, c := range d.Customers {
		people[i] = &person{last: c.SignedUpAt, static: staticOf(c)}
	}
	for _, o := range d.Orders {
		if o.OrderedAt.After(a) {
			break
		}
		p := people[o.customer]
		byOrder[o.ID] = o.customer
		p.last = o.OrderedAt
		p.orders += halving(a.Sub(o.OrderedAt), orderHalfLife)
		for _, l := range d.Lines[o.first : o.first+o.lines] {
			w := halving(a.Sub(o.OrderedAt), qualityHalfLife)
			p.weight += w
			p.sum += w * quality[l.Product-firstProduct]
		}
	}
	for _, r := range d.Returns {
		if !r.ReturnedAt.After(a) {
			p := people[byOrder[r.Order]]
			p.frustrations = append(p.frustrations, frustration{at: r.ReturnedAt, weight: 0.5})
		}
	}
	for i := range d.Tickets {
		if t := &d.Tickets[i]; !t.OpenedAt.After(a) {
			p := people[t.Customer-firstCustomer]
			p.frustrations = append(p.frustrations, frustration{at: t.OpenedAt, weight: t.weight()})
		}
	}
	out := map[int]signal{}
	for i := range d.Customers {
		if d.truth.examples[k*d.truth.customers+i].eligible {
			out[i] = people[i].at(a)
		}
	}
	return out
}

func staticOf(c Customer) float64 {
	r := source(0, 0, 0, 0) // the tastes that it draws are not used
	return newPerson(r, c, 0).static
}

// TestAttainable_dependsOnThePastOnly recomputes the recorded probabilities from rows
// at or before the anchor.
func TestAttainable_dependsOnThePastOnly(t *testing.T) {
	d := whole()
	quality := make([]float64, len(d.Products))
	for i, p := range d.Products {
		quality[i] = p.quality
	}
	for _, k := range []int{4, Periods - 1} {
		signals := replay(d, k, quality)
		if len(signals) < 1000 {
			t.Fatalf("%d examples at anchor %d", len(signals), k)
		}
		for i, g := range signals {
			want := d.truth.examples[k*d.truth.customers+i].p
			if got := sigmoid(-g.logOdds()); math.Abs(got-want) > 1e-9 {
				t.Fatalf("anchor %d, customer row %d: p %v from the rows, %v recorded", k, i, got, want)
			}
		}
	}
}

// TestSignals_qualityCanBeRead replaces the hidden quality by what ratings and returns
// before the anchor tell; the score must come close to the best one.
func TestSignals_qualityCanBeRead(t *testing.T) {
	d, k := whole(), Periods-1
	quality := readQuality(d, Anchor(k))
	var read, best []Example
	for i, g := range replay(d, k, quality) {
		e := d.truth.examples[k*d.truth.customers+i]
		read = append(read, Example{P: -g.logOdds(), Churned: e.churned})
		best = append(best, Example{P: e.p, Churned: e.churned})
	}
	r, _ := AttainableAUROC(read)
	b, _ := AttainableAUROC(best)
	t.Logf("last test anchor: AUROC %.4f with quality read from the rows, %.4f with the true one", r, b)
	if r < b-0.02 || r > b+0.005 {
		t.Errorf("AUROC %.4f with quality read from the rows, want within 0.02 below %.4f", r, b)
	}
}

// readQuality estimates the quality of each product from rows at or before a: the
// supplier's rating is the prior, the product's returns the evidence.
func readQuality(d *Database, a time.Time) []float64 {
	sold, back := make([]float64, len(d.Products)), make([]float64, len(d.Products))
	product := map[[2]int64]int64{}
	for _, o := range d.Orders {
		if o.OrderedAt.After(a.Add(-20 * Day)) { // may still come back
			break
		}
		for _, l := range d.Lines[o.first : o.first+o.lines] {
			sold[l.Product-firstProduct]++
			product[[2]int64{l.Order, l.No}] = l.Product
		}
	}
	for _, r := range d.Returns {
		if p, ok := product[[2]int64{r.Order, r.No}]; ok && !r.ReturnedAt.After(a) {
			back[p-firstProduct]++
		}
	}
	out := make([]float64, len(d.Products))
	for i, p := range d.Products {
		prior := 0.0
		if r := d.Suppliers[p.Supplier-firstSupplier].Rating; r.Valid {
			prior = 0.8 * (r.V - 3.2) / 0.7
		}
		const strength = 20 // lines that the prior is worth
		expect := strength * sigmoid(-3.1-1.2*prior)
		rate := (back[i] + expect) / (sold[i] + strength)
		out[i] = (-3.1 - math.Log(rate/(1-rate))) / 1.2
	}
	return out
}
