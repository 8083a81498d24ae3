package calibrate

// Bands are the intervals of a version: one for each timeframe of a forecast, whose errors grow
// with their distance, and one alone for a single value.
type Bands []*Interval

// NewBands learns an interval for each of some timeframes from validation answers, which hold
// the timeframes of an example one after another; see [NewInterval]. They are nil where fewer
// than 20 examples are there.
func NewBands(a Answers, frames int, floor *float64) Bands {
	out := make(Bands, frames)
	for frame := range out {
		one := NewInterval(a.only(1, func(i int) bool { return i%frames == frame }), floor)
		if one == nil {
			return nil
		}
		out[frame] = one
	}
	return out
}

// Most is the highest level that all of them can promise.
func (b Bands) Most() float64 {
	most := 1.0
	for _, v := range b {
		most = min(most, v.Most())
	}
	return most
}

// Around returns the interval of a level around the value of a timeframe, the first being 1;
// step is 0 of a single value.
func (b Bands) Around(level float64, step int, predicted float64) (lower, upper float64) {
	return b[max(step-1, 0)].Around(level, predicted)
}

// Coverage is the share of values inside, and the mean width, over all timeframes; truth and
// predicted are as in [NewBands].
func (b Bands) Coverage(level float64, truth, predicted []float64) (inside, width float64) {
	for i, y := range truth {
		lower, upper := b[i%len(b)].Around(level, predicted[i])
		if lower <= y && y <= upper {
			inside++
		}
		width += upper - lower
	}
	n := float64(len(truth))
	return inside / n, width / n
}

// Check refuses bands that cannot be computed, as those read from a file may be.
func (b Bands) Check() error {
	for _, v := range b {
		if err := v.Check(); err != nil {
			return err
		}
	}
	return nil
}
