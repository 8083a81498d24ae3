package asof

import (
	"math"

	"github.com/rowlink/rowlink/gnn/encode"
)

// walker goes once over the rows below a row, in the order of time, and says at every cut
// on the way what they came to. Sums are those at the time of the last row that was seen.
type walker struct {
	*aggregate
	out []float64 // features at the last cut

	seen    int   // rows taken in
	at      int64 // time of the last of them
	first   int64
	sums    []float64 // half-lives x numbers
	weights []float64 // the same of ones where the number is not NULL
	counts  []float64 // half-lives
	squares []float64 // own numbers, of the longest half-life
	low     []float64
	high    []float64
	shares  []float64
	running []float64 // rows taken in x columns: sums so far, for windows
	times   []int64   // of the rows taken in
	last    []int32   // rows taken in
	met     []map[int32]struct{}

	row  []float64 // numbers of a row
	code encode.Row
}

func newWalker(a *aggregate) *walker {
	n, k := len(a.values.names), len(a.halfLives)
	w := &walker{aggregate: a, out: make([]float64, len(a.names)), sums: make([]float64, k*n), weights: make([]float64, k*n), counts: make([]float64, k),
		squares: make([]float64, n), low: make([]float64, n), high: make([]float64, n), shares: make([]float64, len(a.values.chosen.Names)), row: make([]float64, n)}
	for range a.others {
		w.met = append(w.met, map[int32]struct{}{})
	}
	return w
}

func (w *walker) reset() {
	w.seen, w.times, w.last, w.running = 0, w.times[:0], w.last[:0], w.running[:0]
	for _, s := range [][]float64{w.sums, w.weights, w.counts, w.squares, w.shares} {
		clear(s)
	}
	for i := range w.low {
		w.low[i], w.high[i] = math.Inf(1), math.Inf(-1)
	}
	for _, m := range w.met {
		clear(m)
	}
}

// walk answers the requests of one row, whose cuts ascend. Where rows end, what a cut sees
// is no longer what an earlier one saw and more, and each is walked to anew.
func (w *walker) walk(requests []request, done func(request)) {
	w.reset()
	rows, when := w.path.of(requests[0].row)
	at := 0
	for _, r := range requests {
		if w.path.ends {
			w.reset()
			at = 0
		}
		n := len(rows)
		if when != nil {
			n = w.rule.Cut(when, r.cut)
		}
		for ; at < n; at++ {
			if w.path.ends && !w.path.visible(w.g, rows[at], w.rule, r.cut) {
				continue
			}
			t := r.cut
			if when != nil {
				t = when[at]
			}
			w.take(rows[at], t)
		}
		w.tell(r.cut)
		done(r)
	}
}

// take takes a row in.
func (w *walker) take(row int32, at int64) {
	if w.seen == 0 {
		w.first = at
	}
	gap := 0.0
	if w.seen > 0 && w.path.when != nil {
		gap = days(at - w.at)
	}
	w.values.read(w.g, row, w.row)
	w.values.feat.Read(row, &w.code)
	n := len(w.row)
	for k, h := range w.halfLives {
		left := 1.0
		sums, weights := w.sums[k*n:(k+1)*n], w.weights[k*n:(k+1)*n]
		if gap != 0 { // nothing decays between rows of one time
			left = math.Exp2(-gap / h)
			for j := range sums {
				sums[j] *= left
				weights[j] *= left
			}
		}
		w.counts[k] = w.counts[k]*left + 1
		for j, v := range w.row {
			if v == v {
				sums[j] += v
				weights[j]++
			}
		}
		if k == len(w.halfLives)/2 {
			for j := range w.shares {
				w.shares[j] *= left
			}
			addCodes(&w.values.chosen, &w.code, 1, w.shares)
		}
		if k == len(w.halfLives)-1 {
			for j, v := range w.row[:w.values.own()] {
				if w.squares[j] *= left; v == v {
					w.squares[j] += v * v
				}
			}
		}
	}
	w.remember(row, at)
	w.at = at
	w.seen++
}

// remember keeps what windows, lags and extremes need.
func (w *walker) remember(row int32, at int64) {
	w.times, w.last = append(w.times, at), append(w.last, row)
	cols := len(w.values.cols)
	for j, v := range w.row[:cols] {
		if v != v {
			v = 0
		}
		if w.seen > 0 {
			v += w.running[(w.seen-1)*cols+j]
		}
		w.running = append(w.running, v)
	}
	for j, v := range w.row[:w.values.own()] {
		if v == v {
			w.low[j], w.high[j] = min(w.low[j], v), max(w.high[j], v)
		}
	}
	for f, parents := range w.others {
		if p := parents[row]; p >= 0 {
			w.met[f][p] = struct{}{}
		}
	}
}
