package tasks

import (
	"cmp"
	"slices"
)

func medianSlot(a *aggregate, _ *frame, lo, hi, _ int) Value { return median(a.numbers(lo, hi)) }

func medianValue(values []Value) Value { return median(numbersOf(values)) }

func spreadSlot(a *aggregate, _ *frame, lo, hi, _ int) Value {
	return number(deviation(a.numbers(lo, hi)))
}

func spreadValue(values []Value) Value { return number(deviation(numbersOf(values))) }

// numbers are those of the slots that count, in slot order.
func (a *aggregate) numbers(lo, hi int) []float64 {
	var out []float64
	for i := lo; i < hi; i++ {
		if a.kept[i+1] > a.kept[i] {
			out = append(out, a.num[i])
		}
	}
	return out
}

func numbersOf(values []Value) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = v.Num
	}
	return out
}

// median is the middle number, the mean of the two middle ones of an even count.
func median(values []float64) Value {
	slices.Sort(values)
	lo, hi := values[(len(values)-1)/2], values[len(values)/2]
	return number(lo + (hi-lo)/2)
}

// modeSlot is the most frequent value, the least of equals.
func modeSlot(a *aggregate, _ *frame, lo, hi, _ int) Value {
	var codes []int32
	for i := lo; i < hi; i++ {
		if a.kept[i+1] > a.kept[i] {
			codes = append(codes, a.code[i])
		}
	}
	slices.Sort(codes)
	return a.dict[longest(codes, cmp.Compare[int32])]
}

func modeValue(values []Value) Value {
	sorted := slices.Clone(values)
	order := func(a, b Value) int { c, _ := compare(a, b); return c }
	slices.SortFunc(sorted, order)
	return longest(sorted, order)
}

// longest is the element of the longest run of equals, the first of those.
func longest[T any](sorted []T, order func(a, b T) int) T {
	best, most := 0, 0
	for lo := 0; lo < len(sorted); {
		hi := lo + 1
		for hi < len(sorted) && order(sorted[lo], sorted[hi]) == 0 {
			hi++
		}
		if hi-lo > most {
			best, most = lo, hi-lo
		}
		lo = hi
	}
	return sorted[best]
}
