package boost

import "math"

// split is the best way found to divide a leaf.
type split struct {
	gain        float64 // how much the loss falls, twice; 0 or less = no split
	position    int     // among the packed columns
	bin         uint8   // of numbers: bins up to this one go left
	missingLeft bool
	left        *binSet // of categories: the bins that go left; nil = numbers
	g, h        int64   // of the left side
}

// binSet says of every bin whether it is in.
type binSet [4]uint64

func (s *binSet) add(bin uint8)      { s[bin>>6] |= 1 << (bin & 63) }
func (s *binSet) has(bin uint8) bool { return s[bin>>6]>>(bin&63)&1 == 1 }

// goesLeft says on which side of the split a bin is.
func (s *split) goesLeft(bin uint8) bool {
	switch {
	case s.left != nil:
		return s.left.has(bin)
	case bin == 0:
		return s.missingLeft
	}
	return bin <= s.bin
}

// better orders splits: the larger gain, then the earlier column.
func (s *split) better(than *split) bool {
	if s.gain != than.gain {
		return s.gain > than.gain
	}
	return s.gain > 0 && s.position < than.position
}

// search holds what every column of a leaf needs to be searched. Gradients and Hessians are
// in units of the quantised ones, so gains come out divided by scale.
type search struct {
	total     cell
	rows      int
	l2        float64 // in units of Hessians
	minH      float64 // least Hessian of a side
	minGain   float64 // of a split, divided by scale
	scale     float64 // units of gain
	unitH     float64 // what a unit of Hessians is worth
	low, high float64 // range of values, in units of g / h; infinite without constraints
	bounded   bool
	category  CategoryOptions
	minRows   float64
	perRow    float64 // rows per unit of Hessian, to estimate rows from
}

// gain is what sums g and h bring: half of it is the fall of the loss at the best value.
func (s *search) gain(g, h int64, l2 float64) float64 {
	return float64(g) * float64(g) / (float64(h) + l2)
}

// least is the least Hessian that a side must have, for its own sake and for its rows. A
// hundred-thousandth is left to rounding.
func (s *search) least() int64 {
	return int64(math.Ceil(math.Max(s.minH, (s.minRows-1e-5*s.minRows)/s.perRow)))
}

// numbers searches a numeric column: every threshold, with missing values on the right and,
// where the leaf has some, on the left. counts are exact rows per bin; nil = estimated.
func (s *search) numbers(cells []cell, counts []int32, monotone int, best *split) {
	missing := cells[0]
	hasMissing := missing.h != 0 || missing.g != 0
	s.sweep(cells, counts, cell{}, 0, false, monotone, best)
	if hasMissing {
		missingRows := 0
		if counts != nil {
			missingRows = int(counts[0])
		}
		s.sweep(cells, counts, missing, missingRows, true, monotone, best)
	}
}

// sweep moves one bin after the other to the left side, which begins as given.
func (s *search) sweep(cells []cell, counts []int32, left cell, leftRows int, missingLeft bool, monotone int, best *split) {
	least := s.least()
	total := s.total
	bestGain := best.gain / s.scale
	plain := !s.bounded && monotone == 0
	parent := s.gain(total.g, total.h, s.l2)
	last := len(cells) - 1
	if missingLeft { // all numbers left and nothing right is no split
		last--
	}
	for b := 1; b <= last; b++ {
		c := cells[b]
		if counts != nil {
			leftRows += int(counts[b])
		}
		if c.g == 0 && c.h == 0 {
			continue
		}
		left.g += c.g
		left.h += c.h
		if left.h < least {
			continue
		}
		right := cell{total.g - left.g, total.h - left.h}
		if right.h < least {
			break
		}
		if counts != nil && (leftRows < int(s.minRows) || s.rows-leftRows < int(s.minRows)) {
			continue
		}
		var gain float64
		if plain {
			// One division: gl^2/(hl+l2) + gr^2/(hr+l2).
			gl, gr := float64(left.g), float64(right.g)
			hl, hr := float64(left.h)+s.l2, float64(right.h)+s.l2
			gain = (gl*gl*hr+gr*gr*hl)/(hl*hr) - parent
		} else {
			gain = s.constrained(left, right, monotone)
		}
		if gain > bestGain && gain > s.minGain {
			bestGain = gain
			*best = split{gain: gain * s.scale, bin: uint8(b), missingLeft: missingLeft, g: left.g, h: left.h, position: best.position}
		}
	}
}

// valueOf is the best value of a side, in the leaf's range.
func (s *search) valueOf(c cell, l2 float64) float64 {
	return max(s.low, min(s.high, -float64(c.g)/(float64(c.h)+l2)))
}

// constrained is the gain where values are bounded, and 0 where the sides are in the wrong
// order.
func (s *search) constrained(left, right cell, monotone int) float64 {
	l, r := s.valueOf(left, s.l2), s.valueOf(right, s.l2)
	if monotone > 0 && l > r || monotone < 0 && l < r {
		return 0
	}
	return s.at(left, l, s.l2) + s.at(right, r, s.l2) - s.at(s.total, s.valueOf(s.total, s.l2), s.l2)
}

// at is the gain of a side whose value is v.
func (s *search) at(c cell, v, l2 float64) float64 {
	return -(2*float64(c.g)*v + (float64(c.h)+l2)*v*v)
}
