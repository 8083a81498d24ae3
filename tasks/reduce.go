package tasks

import (
	"math"
	"math/bits"
	"slices"
)

// What a reducer reads per slot.
type needs uint8

const (
	needsNothing needs = iota // whether the slot counts
	needsNumbers              // its number
	needsCodes                // which of the distinct values it is
	needsEither               // numbers, or codes for text
)

// reducer is one aggregate function, in two forms that agree: fast over the slots lo to
// hi, n of which count (at least one); slow over the values that count, in (time, row)
// order.
type reducer struct {
	needs  needs
	fewest int // values below which the result is that of nothing; 0 means 1
	fast   func(a *aggregate, f *frame, lo, hi, n int) Value
	slow   func(values []Value) Value
}

// reducers is the table of aggregate functions; [Aggregate].Fn names them.
var reducers = map[string]reducer{
	"count":          {needsNothing, 0, func(_ *aggregate, _ *frame, _, _, n int) Value { return intValue(int64(n)) }, countValues},
	"exists":         {needsNothing, 0, func(*aggregate, *frame, int, int, int) Value { return boolValue(true) }, func([]Value) Value { return boolValue(true) }},
	"sum":            {needsNumbers, 0, func(a *aggregate, _ *frame, lo, hi, _ int) Value { return number(a.sum(lo, hi)) }, func(v []Value) Value { return number(sumValues(v)) }},
	"avg":            {needsNumbers, 0, func(a *aggregate, _ *frame, lo, hi, n int) Value { return number(a.sum(lo, hi) / float64(n)) }, func(v []Value) Value { return number(sumValues(v) / float64(len(v))) }},
	"min":            {needsEither, 0, extremeSlot(-1), extremeValue(-1)},
	"max":            {needsEither, 0, extremeSlot(1), extremeValue(1)},
	"first":          {needsEither, 0, firstSlot, func(v []Value) Value { return v[0] }},
	"last":           {needsEither, 0, lastSlot, func(v []Value) Value { return v[len(v)-1] }},
	"count_distinct": {needsCodes, 0, countDistinct, func(v []Value) Value { return intValue(int64(len(distinctValues(v)))) }},
	"mode":           {needsCodes, 0, modeSlot, modeValue},
	"median":         {needsNumbers, 0, medianSlot, medianValue},
	"stddev":         {needsNumbers, 2, spreadSlot, spreadValue},
	"list_distinct":  {needsCodes, 0, listDistinct, func(v []Value) Value { return listValue(distinctValues(v)) }},
}

// DefaultEmpty is the result of an aggregate function over nothing when ON EMPTY is not
// written (rule R8).
func DefaultEmpty(fn string) Literal {
	switch fn {
	case "count", "count_distinct", "sum":
		return Literal{Kind: KindNumber}
	case "exists":
		return Literal{Kind: KindBool}
	}
	return Literal{Null: true}
}

func countValues(v []Value) Value { return intValue(int64(len(v))) }

// sum adds the numbers that count: whole ones exactly, fractions in slot order, since
// differences of running sums lose digits.
func (a *aggregate) sum(lo, hi int) float64 {
	if a.sums != nil {
		return float64(a.sums[hi] - a.sums[lo])
	}
	var sum float64
	for i := lo; i < hi; i++ {
		if a.kept[i+1] > a.kept[i] {
			sum += a.num[i]
		}
	}
	return sum
}

// sumValues adds whole numbers exactly in 128 bits, others in order.
func sumValues(values []Value) float64 {
	var sum float64
	var hi, lo uint64
	exact := true
	for _, v := range values {
		sum += v.Num
		exact = exact && v.Exact
		var carry uint64
		lo, carry = bits.Add64(lo, uint64(v.Int), 0)
		hi, _ = bits.Add64(hi, uint64(v.Int>>63), carry)
	}
	if !exact {
		return sum
	}
	if int64(hi) == int64(lo)>>63 {
		return float64(int64(lo))
	}
	return math.Ldexp(float64(int64(hi)), 64) + float64(lo)
}

func extremeSlot(sign float64) func(*aggregate, *frame, int, int, int) Value {
	return func(a *aggregate, _ *frame, lo, hi, _ int) Value {
		best := -1
		for i := lo; i < hi; i++ {
			if a.kept[i+1] == a.kept[i] {
				continue
			}
			if best < 0 || a.rank(i)*sign > a.rank(best)*sign {
				best = i
			}
		}
		return a.at(best)
	}
}

// rank orders slots that count by their value.
func (a *aggregate) rank(i int) float64 {
	if a.num != nil {
		return a.num[i]
	}
	return float64(a.code[i])
}

func extremeValue(sign int) func([]Value) Value {
	return func(values []Value) Value { return extreme(sign)(nil, values) }
}

func firstSlot(a *aggregate, _ *frame, lo, _, _ int) Value {
	for a.kept[lo+1] == a.kept[lo] {
		lo++
	}
	return a.at(lo)
}

func lastSlot(a *aggregate, _ *frame, _, hi, _ int) Value {
	for a.kept[hi] == a.kept[hi-1] {
		hi--
	}
	return a.at(hi - 1)
}

func countDistinct(a *aggregate, f *frame, lo, hi, _ int) Value {
	n := 0
	f.scratch.fresh(len(a.dict))
	for i := lo; i < hi; i++ {
		if a.kept[i+1] > a.kept[i] && f.scratch.add(a.code[i]) {
			n++
		}
	}
	return intValue(int64(n))
}

func listDistinct(a *aggregate, f *frame, lo, hi, _ int) Value {
	var codes []int32
	f.scratch.fresh(len(a.dict))
	for i := lo; i < hi; i++ {
		if a.kept[i+1] > a.kept[i] && f.scratch.add(a.code[i]) {
			codes = append(codes, a.code[i])
		}
	}
	slices.Sort(codes)
	list := make([]Value, len(codes))
	for i, c := range codes {
		list[i] = a.dict[c]
	}
	return listValue(list)
}

// distinctValues sorts and removes repetitions.
func distinctValues(values []Value) []Value {
	sorted := slices.Clone(values)
	slices.SortFunc(sorted, func(a, b Value) int {
		c, _ := compare(a, b)
		return c
	})
	return slices.CompactFunc(sorted, same)
}

func listValue(list []Value) Value { return Value{Kind: KindList, List: &list} }
