package boost

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// Feature is what a model knows of a column: its bins. Bin 0 holds missing values, bin
// i+1 the numbers up to Cuts[i] or, of the last bin, beyond all cuts; of a categorical
// column bin i+1 is category Known[i], and all others share bin 0.
type Feature struct {
	Name        string
	Cuts        []float64 // ascending, finite
	Categorical bool
	Known       []int32 // ascending positions in the vocabulary
	Monotone    int
}

// bins is the number of bins, that of missing values included.
func (f *Feature) bins() int {
	if f.Categorical {
		return len(f.Known) + 1
	}
	return len(f.Cuts) + 2
}

// clamp keeps numbers finite, so that the last cut can be below all of them and "every
// number" can be written as a threshold.
func clamp(v float64) float64 { return max(-math.MaxFloat64, min(math.MaxFloat64, v)) }

// bin is the bin of a value.
func (f *Feature) bin(v float64) uint8 {
	if v != v {
		return 0
	}
	if f.Categorical {
		if !(v >= 0 && v <= math.MaxInt32) {
			return 0
		}
		if at, ok := slices.BinarySearch(f.Known, int32(v)); ok {
			return uint8(at + 1)
		}
		return 0
	}
	at, _ := slices.BinarySearch(f.Cuts, clamp(v))
	return uint8(at + 1)
}

// binSample bounds the rows of which cuts are made: the quantiles of so many rows differ
// little from those of all.
const binSample = 200_000

// minBinRows is the least number of sampled rows in a bin of numbers, as in LightGBM.
const minBinRows = 3

// fitFeature cuts a column into at most most bins beside the one of missing values.
func fitFeature(c *Column, most int, seed uint64) Feature {
	f := Feature{Name: c.Name, Monotone: c.Monotone, Categorical: c.Categories != nil}
	if f.Categorical {
		f.Known = frequent(c.Values, len(c.Categories), most)
		return f
	}
	values := make([]float64, 0, min(len(c.Values), binSample))
	step := float64(len(c.Values)) / binSample
	for i := range cap(values) {
		at := i
		if step > 1 { // one row of each of equally long stretches
			u := float64(draw(seed, uint64(i))>>11) / (1 << 53)
			at = min(len(c.Values)-1, int((float64(i)+u)*step))
		}
		if v := c.Values[at]; v == v {
			values = append(values, clamp(v)+0) // no -0
		}
	}
	sortFloats(values)
	f.Cuts = quantileCuts(values, most)
	return f
}

// frequent lists the most frequent categories, the earlier of equally frequent ones first.
func frequent(values []float64, vocabulary, most int) []int32 {
	count := make([]int, vocabulary)
	for _, v := range values {
		if v == v {
			count[int(v)]++
		}
	}
	var known []int32
	for k, n := range count {
		if n > 0 {
			known = append(known, int32(k))
		}
	}
	slices.SortStableFunc(known, func(a, b int32) int { return cmp.Compare(count[b], count[a]) })
	known = known[:min(most, len(known))]
	slices.Sort(known)
	return known
}

// run is one distinct value with the number of its rows.
type run struct {
	value float64
	rows  int
}

// quantileCuts cuts sorted values into at most most bins: one for each distinct value
// where they are few, else of about equally many rows, with bins of their own for values
// that fill one (the greedy rule of LightGBM).
func quantileCuts(sorted []float64, most int) []float64 {
	var runs []run
	for _, v := range sorted {
		if len(runs) > 0 && runs[len(runs)-1].value == v {
			runs[len(runs)-1].rows++
			continue
		}
		runs = append(runs, run{v, 1})
	}
	most = min(most, max(1, len(sorted)/minBinRows))
	var cuts []float64
	here := 0
	if len(runs) <= most {
		for i := 0; i+1 < len(runs); i++ {
			here += runs[i].rows
			if here >= minBinRows {
				cuts = append(cuts, between(runs[i].value, runs[i+1].value))
				here = 0
			}
		}
		return cuts
	}
	mean := float64(len(sorted)) / float64(most)
	rest, restBins := len(sorted), most // what values too small for a bin share
	for _, r := range runs {
		if float64(r.rows) >= mean {
			rest -= r.rows
			restBins--
		}
	}
	big := func(r run) bool { return float64(r.rows) >= mean }
	share := func() float64 { return float64(rest) / float64(max(1, restBins)) }
	size := share()
	for i := 0; i+1 < len(runs) && len(cuts) < most-1; i++ {
		r := runs[i]
		if !big(r) {
			rest -= r.rows
		}
		here += r.rows
		if big(r) || float64(here) >= size || big(runs[i+1]) && float64(here) >= max(1, size/2) {
			cuts = append(cuts, between(r.value, runs[i+1].value))
			here = 0
			if !big(r) {
				restBins--
				size = share()
			}
		}
	}
	return cuts
}

// between is a number c with a <= c < b.
func between(a, b float64) float64 {
	c := a/2 + b/2
	if !(c >= a && c < b) {
		return a
	}
	return c
}

// encode writes the bin of each value.
func (f *Feature) encode(values []float64, to []uint8) {
	if f.Categorical {
		for i, v := range values {
			to[i] = f.bin(v)
		}
		return
	}
	// 256 keys, padded with the largest, and eight halvings without a branch.
	var keys [256]uint64
	for i := range keys {
		keys[i] = math.MaxUint64
	}
	for i, c := range f.Cuts {
		keys[i] = sortKey(c)
	}
	for i, v := range values {
		if v != v {
			to[i] = 0
			continue
		}
		k := sortKey(v + 0)
		at := uint64(0)
		for _, half := range [...]uint64{128, 64, 32, 16, 8, 4, 2, 1} {
			_, less := bits.Sub64(keys[(at+half-1)&255], k, 0)
			at += half & -less
		}
		to[i] = uint8(at + 1)
	}
}
