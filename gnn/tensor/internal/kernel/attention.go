package kernel

// Leak is the slope of leaky below 0, as in graph attention: leaky(z) = z, or Leak z
// where z <= 0.
const Leak Real = 0.2

// Heads are the arguments of the attention kernels: edges as of [Rows], and rows that
// are read as heads of Width columns each. Row i of Q and of Row belongs to destination
// i of Ptr; steps are distances between rows.
type Heads struct {
	Heads, Width int
	Ptr, Src     []int32
	X            []Real // rows of the sources
	XStep        int
	Q            []Real // rows of the destinations that are read
	QStep        int
	Row          []Real // rows of the destinations that are added to
	RowStep      int
	W            []Real // edges x heads, in the order of Src
	Att          []Real // one row
	AttSum       []Real // one row that is added to
}

// Attention are the kernels of attention over edges e = u -> v. They take their
// arguments by value, because those of an indirect call live on the heap otherwise.
type Attention struct {
	// HeadDots stores inner products: W[e,h] = Q[v]_h . X[u]_h.
	HeadDots func(a Heads)
	// LeakyDots stores additive scores: W[e,h] = Att_h . leaky(Q[v]_h + X[u]_h).
	LeakyDots func(a Heads)
	// GatherHeads adds weighted rows: Row[v]_h += sum over e of W[e,h] X[u]_h.
	GatherHeads func(a Heads)
	// LeakySlopes is the way back of LeakyDots, given the gradients W of the scores: with
	// z = Q[v]_h + X[u]_h it adds Att_h times the sum over e of W[e,h] leaky'(z) to
	// Row[v]_h, and the sum over all e of W[e,h] leaky(z) to AttSum_h.
	LeakySlopes func(a Heads)
}

// HeadDots is [Attention.HeadDots] on the path in use.
func HeadDots(a Heads) { active.HeadDots(a) }

// LeakyDots is [Attention.LeakyDots] on the path in use.
func LeakyDots(a Heads) { active.LeakyDots(a) }

// GatherHeads is [Attention.GatherHeads] on the path in use.
func GatherHeads(a Heads) { active.GatherHeads(a) }

// LeakySlopes is [Attention.LeakySlopes] on the path in use.
func LeakySlopes(a Heads) { active.LeakySlopes(a) }

var plainAttention = Attention{
	HeadDots:    plainHeadDots,
	LeakyDots:   plainLeakyDots,
	GatherHeads: plainGatherHeads,
	LeakySlopes: plainLeakySlopes,
}

// each calls f for every destination, edge and head with the head's source columns.
func (a *Heads) each(f func(i, e, h int, x []Real)) {
	for i := range len(a.Ptr) - 1 {
		for e := int(a.Ptr[i]); e < int(a.Ptr[i+1]); e++ {
			row := a.X[int(a.Src[e])*a.XStep:]
			for h := range a.Heads {
				f(i, e, h, row[h*a.Width:][:a.Width])
			}
		}
	}
}

// head returns head h of row i.
func (a *Heads) head(rows []Real, i, step, h int) []Real { return rows[i*step+h*a.Width:][:a.Width] }

func plainHeadDots(a Heads) {
	a.each(func(i, e, h int, x []Real) {
		a.W[e*a.Heads+h] = plainDot(a.head(a.Q, i, a.QStep, h), x)
	})
}

func plainLeakyDots(a Heads) {
	a.each(func(i, e, h int, x []Real) {
		q, att := a.head(a.Q, i, a.QStep, h), a.head(a.Att, 0, 0, h)
		var sum Real
		for j, z := range x {
			z += q[j]
			sum += att[j] * max(z, Leak*z)
		}
		a.W[e*a.Heads+h] = sum
	})
}

func plainGatherHeads(a Heads) {
	a.each(func(i, e, h int, x []Real) { plainAxpy(a.head(a.Row, i, a.RowStep, h), a.W[e*a.Heads+h], x) })
}

func plainLeakySlopes(a Heads) {
	a.each(func(i, e, h int, x []Real) {
		q, att := a.head(a.Q, i, a.QStep, h), a.head(a.Att, 0, 0, h)
		row, sum := a.head(a.Row, i, a.RowStep, h), a.head(a.AttSum, 0, 0, h)
		high := a.W[e*a.Heads+h]
		low := high * Leak
		for j, z := range x {
			z += q[j]
			d := high
			if z <= 0 {
				d = low
			}
			row[j] += d * att[j]
			sum[j] += d * z
		}
	})
}

// naiveAttention computes column by column.
var naiveAttention = Attention{
	HeadDots: func(a Heads) {
		a.columns(func(e, h, q, x, _, j int) {
			if j%a.Width == 0 {
				a.W[e*a.Heads+h] = 0
			}
			a.W[e*a.Heads+h] += a.Q[q] * a.X[x]
		})
	},
	LeakyDots: func(a Heads) {
		a.columns(func(e, h, q, x, _, j int) {
			if j%a.Width == 0 {
				a.W[e*a.Heads+h] = 0
			}
			z := a.Q[q] + a.X[x]
			a.W[e*a.Heads+h] += a.Att[j] * max(z, Leak*z)
		})
	},
	GatherHeads: func(a Heads) {
		a.columns(func(e, h, _, x, row, _ int) { a.Row[row] += a.W[e*a.Heads+h] * a.X[x] })
	},
	LeakySlopes: func(a Heads) {
		a.columns(func(e, h, q, x, row, j int) {
			z, d := a.Q[q]+a.X[x], a.W[e*a.Heads+h]
			if z <= 0 {
				d *= Leak
			}
			a.Row[row] += d * a.Att[j]
			a.AttSum[j] += d * z
		})
	},
}

// columns calls f for every edge and column j of its head h with the places of the
// column in Q, X and Row.
func (a *Heads) columns(f func(e, h, q, x, row, j int)) {
	for i := range len(a.Ptr) - 1 {
		for e := int(a.Ptr[i]); e < int(a.Ptr[i+1]); e++ {
			for j := range a.Heads * a.Width {
				f(e, j/a.Width, i*a.QStep+j, int(a.Src[e])*a.XStep+j, i*a.RowStep+j, j)
			}
		}
	}
}
