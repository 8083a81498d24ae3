package shop

import (
	"cmp"
	"slices"
	"time"
)

// Eligible is how far back task "churn" looks for an order before it asks.
const Eligible = 90 * Day

// truth is what the generator knew at each grid anchor.
type truth struct {
	customers int
	examples  []example // anchor-major: anchor k of customer row i is at k*customers + i
}

type example struct {
	signal                   signal
	p                        float64
	churned, known, eligible bool // known: the customer had signed up
}

func (t *truth) reset(customers int) {
	t.customers = customers
	t.examples = make([]example, Periods*customers)
}

func (t *truth) record(k, i int, e example) { t.examples[k*t.customers+i] = e }

// An Example is one row of task "churn" with the probability behind its label.
type Example struct {
	Customer int64
	Anchor   time.Time
	P        float64 // true probability that no order follows in (Anchor, Anchor + 30 days]
	Churned  bool    // what happened
}

// Attainable returns the examples of task "churn" at the given grid anchors, in the
// order of anchors and keys: the customers with an order in the 90 days up to the
// anchor. P uses the hidden quality of products, which a model can only estimate
// from ratings and returns, so its score is an upper bound. An instant off the grid
// has no examples.
func (d *Database) Attainable(anchors ...time.Time) []Example {
	var out []Example
	for _, a := range anchors {
		k, ok := gridIndex(a)
		if !ok {
			continue
		}
		for i, c := range d.Customers {
			if e := d.truth.examples[k*d.truth.customers+i]; e.eligible {
				out = append(out, Example{c.ID, Anchor(k), e.p, e.churned})
			}
		}
	}
	return out
}

// ChurnProbability returns the true probability that the customer places no order in
// the 30 days after a grid anchor; false when the anchor is off the grid or the
// customer had not signed up by then.
func (d *Database) ChurnProbability(customer int64, anchor time.Time) (float64, bool) {
	k, ok := gridIndex(anchor)
	i := customer - firstCustomer
	if !ok || i < 0 || i >= int64(len(d.Customers)) {
		return 0, false
	}
	e := d.truth.examples[k*d.truth.customers+int(i)]
	return e.p, e.known
}

func gridIndex(a time.Time) (int, bool) {
	d := a.Sub(Start)
	k := int(d / Period)
	return k, d >= 0 && d%Period == 0 && k < Periods
}

// AttainableAUROC returns the best AUROC for these examples: the one of the true
// probabilities against what happened, and the one to expect before it happened,
// in which each pair of examples counts by the probability that it is a pair of a
// churned and a loyal customer.
func AttainableAUROC(examples []Example) (realised, expected float64) {
	sorted := slices.Clone(examples)
	slices.SortFunc(sorted, func(a, b Example) int { return cmp.Compare(a.P, b.P) })
	pos := func(e Example) float64 {
		if e.Churned {
			return 1
		}
		return 0
	}
	self := 0.0 // pairs of an example with itself, which do not exist
	for _, e := range sorted {
		self += e.P * (1 - e.P)
	}
	return pairShare(sorted, pos, 0), pairShare(sorted, func(e Example) float64 { return e.P }, self)
}

// pairShare is the share of (positive, negative) pairs in which the positive has the
// higher P, ties counting half. weight is how positive an example is; self is the
// weight of the pairs of an example with itself.
func pairShare(sorted []Example, weight func(Example) float64, self float64) float64 {
	var below, right, pos, neg float64 // below: negatives with a lower P
	for i := 0; i < len(sorted); {
		var p, n float64
		j := i
		for ; j < len(sorted) && sorted[j].P == sorted[i].P; j++ {
			p += weight(sorted[j])
			n += 1 - weight(sorted[j])
		}
		right += p * (below + n/2)
		below += n
		pos, neg, i = pos+p, neg+n, j
	}
	return (right - self/2) / (pos*neg - self)
}
