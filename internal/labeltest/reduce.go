package labeltest

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

func reduceNaively(fn string, values []any) any {
	sum, best := 0.0, values[0]
	var distinct []any
	for _, v := range values {
		sum += Number(v)
		if c := orderOf(v, best); fn == "min" && c < 0 || fn == "max" && c > 0 {
			best = v
		}
		if !slices.ContainsFunc(distinct, func(d any) bool { return orderOf(d, v) == 0 }) {
			distinct = append(distinct, v)
		}
	}
	switch fn {
	case "count":
		return float64(len(values))
	case "exists":
		return true
	case "sum":
		return sum
	case "avg":
		return sum / float64(len(values))
	case "min", "max":
		return best
	case "first":
		return values[0]
	case "last":
		return values[len(values)-1]
	case "count_distinct":
		return float64(len(distinct))
	case "list_distinct":
		return distinct
	case "mode":
		return modeNaively(values)
	case "median":
		slices.SortFunc(values, orderOf)
		return (Number(values[(len(values)-1)/2]) + Number(values[len(values)/2])) / 2
	case "stddev":
		mean, squares := sum/float64(len(values)), 0.0
		for _, v := range values {
			squares += (Number(v) - mean) * (Number(v) - mean)
		}
		return math.Sqrt(squares / float64(len(values)-1))
	}
	panic("labeltest: " + fn)
}

// modeNaively counts every value among all; of equally frequent ones the least counts.
func modeNaively(values []any) any {
	var best any
	most := 0
	for _, v := range values {
		n := 0
		for _, w := range values {
			if orderOf(v, w) == 0 {
				n++
			}
		}
		if n > most || n == most && orderOf(v, best) < 0 {
			best, most = v, n
		}
	}
	return best
}

func Number(v any) float64 {
	switch v := v.(type) {
	case bool:
		if v {
			return 1
		}
	case float64:
		return v
	}
	return 0
}

func orderOf(a, b any) int {
	switch a := a.(type) {
	case string:
		return strings.Compare(a, b.(string))
	case Instant:
		return cmp.Compare(a, b.(Instant))
	}
	return cmp.Compare(Number(a), Number(b))
}
