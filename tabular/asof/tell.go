package asof

import "math"

// tell writes the features at a cut, in the order of [aggregate].
func (w *walker) tell(cut int64) {
	to := w.out
	put := func(v float64) {
		to[0] = v
		to = to[1:]
	}
	age := 0.0
	if w.seen > 0 && w.path.when != nil {
		age = math.Max(0, days(cut-w.at))
	}
	n := len(w.row)
	for k, h := range w.halfLives {
		for j := range n {
			put(w.mean(k, j))
		}
		put(math.Log(w.counts[k]*math.Exp2(-age/h) + 0.05))
	}
	for _, span := range w.windows {
		w.tellWindow(cut, span, put)
	}
	w.tellLags(put)
	if w.moments {
		w.tellMoments(put)
	}
	for _, s := range w.shares {
		put(ratio(s, w.counts[len(w.halfLives)/2]))
	}
	if w.seen == 0 || w.path.when == nil {
		put(noNumber)
		put(noNumber)
		put(noNumber)
	} else {
		put(age)
		put(math.Max(0, days(cut-w.first)))
		put(ratio(days(w.at-w.first), float64(w.seen-1)))
	}
	if w.moments {
		for _, m := range w.met {
			put(float64(len(m)))
		}
	}
}

// ratio is a/b, no number where b is 0.
func ratio(a, b float64) float64 {
	if b == 0 {
		return noNumber
	}
	return a / b
}

// mean is the decayed mean of a number: decay leaves sum and weight in proportion.
func (w *walker) mean(k, j int) float64 {
	at := k*len(w.row) + j
	if w.weights[at] < 1e-30 { // all of it has decayed away
		return noNumber
	}
	return w.sums[at] / w.weights[at]
}

// tellWindow counts and sums the rows of the last days before a cut.
func (w *walker) tellWindow(cut int64, span float64, put func(float64)) {
	from, cols := 0, len(w.values.cols)
	if w.path.when != nil {
		from = w.rule.Cut(w.times, cut-int64(span*dayMicros))
	}
	put(float64(w.seen - from))
	for j := range cols {
		sum := 0.0
		if w.seen > 0 {
			sum = w.running[(w.seen-1)*cols+j]
		}
		if from > 0 {
			sum -= w.running[(from-1)*cols+j]
		}
		put(sum)
	}
}

func (w *walker) tellLags(put func(float64)) {
	own := w.values.own()
	for k := range w.lags {
		if k >= w.seen {
			for range own {
				put(noNumber)
			}
			continue
		}
		w.values.read(w.g, w.last[w.seen-1-k], w.row)
		for _, v := range w.row[:own] {
			put(v)
		}
	}
}

func (w *walker) tellMoments(put func(float64)) {
	own, slow := w.values.own(), len(w.halfLives)-1
	for _, bound := range [][]float64{w.low, w.high} {
		for j := range own {
			v := bound[j]
			if math.IsInf(v, 0) {
				v = noNumber
			}
			put(v)
		}
	}
	for j := range own {
		m := w.mean(slow, j)
		put(math.Sqrt(math.Max(0, ratio(w.squares[j], w.weights[slow*len(w.row)+j])-m*m)))
	}
	for j := range own {
		put(w.mean(0, j) - w.mean(slow, j))
	}
}
