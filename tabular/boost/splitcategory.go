package boost

import (
	"cmp"
	"math"
	"slices"
)

// group is one category of a leaf; bin 0, the missing and rare ones, counts as one.
type group struct {
	bin   uint8
	rows  float64 // estimated from the Hessian unless exact
	sum   cell
	order float64
}

// categories searches a categorical column. The best division of categories into two sides
// is a cut in their order by gradient over Hessian (Fisher, 1958), so both ends of the
// smoothed order are tried; of few categories, each against the rest.
func (s *search) categories(cells []cell, counts []int32, best *split) {
	var groups []group
	for b, c := range cells {
		rows := float64(c.h) * s.perRow
		if counts != nil {
			rows = float64(counts[b])
		}
		if c.h == 0 && c.g == 0 || rows == 0 {
			continue
		}
		groups = append(groups, group{bin: uint8(b), rows: rows, sum: c})
	}
	if len(cells) <= s.category.OneHot {
		for i := range groups {
			s.oneSide(groups[i:i+1], 1, s.minRows, s.l2, best)
		}
		return
	}
	// The smoothing is in units of the objective's Hessian, as in LightGBM.
	smooth := s.category.Smooth / s.unitH
	groups = slices.DeleteFunc(groups, func(g group) bool { return g.rows < s.category.Smooth })
	for i := range groups {
		groups[i].order = float64(groups[i].sum.g) / (float64(groups[i].sum.h) + smooth)
	}
	slices.SortStableFunc(groups, func(a, b group) int { return cmp.Compare(a.order, b.order) })
	most := min(s.category.MaxSplit, (len(groups)+1)/2)
	every := math.Max(s.minRows, float64(s.category.MinRows))
	l2 := s.l2 + s.category.L2/s.unitH
	s.oneSide(groups, most, every, l2, best)
	slices.Reverse(groups)
	s.oneSide(groups, most, every, l2, best)
}

// oneSide moves the first of the groups, at most most, to the left side one after the
// other. A candidate needs every rows more than the one before, and as many on the right.
func (s *search) oneSide(groups []group, most int, every, l2 float64, best *split) {
	least := s.least()
	var left cell
	var set binSet
	rows, since := 0.0, 0.0
	parent := s.at(s.total, s.valueOf(s.total, s.l2), s.l2)
	for _, g := range groups[:min(most, len(groups))] {
		left.g += g.sum.g
		left.h += g.sum.h
		rows += g.rows
		since += g.rows
		set.add(g.bin)
		if left.h < least || rows < s.minRows || since < every {
			continue
		}
		right := cell{s.total.g - left.g, s.total.h - left.h}
		if right.h < least || float64(s.rows)-rows < every {
			break
		}
		since = 0
		gain := s.at(left, s.valueOf(left, l2), l2) + s.at(right, s.valueOf(right, l2), l2) - parent
		if gain > s.minGain && gain*s.scale > best.gain {
			in := set
			*best = split{gain: gain * s.scale, left: &in, g: left.g, h: left.h, position: best.position}
		}
	}
}
