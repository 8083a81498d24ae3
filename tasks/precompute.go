package tasks

import (
	"math"
	"slices"

	"github.com/rowlink/rowlink/ingest"
)

// prepare arranges the aggregate's rows and computes what does not depend on the anchor.
// Cost: O(rows log rows of an entity), once per snapshot.
func (a *aggregate) prepare(threads int) {
	a.slots.once.Do(func() {
		a.slots.build(a.snap, a.def, a.snap.Tables[a.entity].Rows, threads)
	})
	a.once.Do(func() {
		a.irregular = a.slots.irregular
		if !a.dynamic {
			a.precompute(threads)
		}
	})
}

// precompute evaluates filter and argument once per slot. A slot whose value could
// change with the anchor makes its entity irregular; numbers that float64 does not hold
// make the whole aggregate dynamic.
func (a *aggregate) precompute(threads int) {
	s := a.slots
	n := len(s.row)
	a.kept = make([]int32, n+1)
	if a.arg == nil && a.filter == nil { // every row counts
		for i := range a.kept {
			a.kept[i] = int32(i)
		}
		if !slices.Contains(a.irregular, true) {
			a.irregular = nil
		}
		return
	}
	numbers := a.fn.needs == needsNumbers || a.fn.needs == needsEither && a.kind != KindText
	if numbers {
		a.num, a.sums = make([]float64, n), make([]int64, n+1)
	}
	a.irregular = slices.Clone(s.irregular)
	entities := len(s.irregular)
	blocks := (entities + entityBlock - 1) / entityBlock
	fractions, huge := make([]bool, blocks), make([]bool, blocks)
	inBlocks(entities, entityBlock, threads, func(_, lo, hi int) {
		b := lo / entityBlock
		a.probe(lo, hi, func(i int, v Value) {
			if numbers {
				a.store(i, v)
				fractions[b] = fractions[b] || !v.Exact
				huge[b] = huge[b] || v.Int >= exactLimit || v.Int <= -exactLimit
			}
		})
	})
	for i := range n {
		a.kept[i+1] += a.kept[i]
	}
	if numbers {
		if slices.Contains(fractions, true) {
			a.sums = nil
		} else if !accumulate(a.sums) {
			a.dynamic = true
		}
		a.dynamic = a.dynamic || slices.Contains(huge, true)
	} else if a.fn.needs != needsNothing {
		a.encode()
	}
	if !slices.Contains(a.irregular, true) {
		a.irregular = nil
	}
}

// probe calls store for every slot of entities lo to hi that counts, and marks it in kept.
func (a *aggregate) probe(lo, hi int, store func(i int, v Value)) {
	s := a.slots
	f := &frame{probe: true, rule: a.rule}
	for e := lo; e < hi; e++ {
		if a.irregular[e] {
			continue
		}
		f.entity = int32(e)
		for i := s.start[e]; i < s.start[e+1]; i++ {
			f.row, f.touched, f.ended = s.row[i], ingest.Always, false
			v, ok := a.take(f)
			if f.ended || f.touched > s.time[i] {
				a.irregular[e] = true
				break
			}
			if ok {
				a.kept[i+1] = 1
				store(i, v)
			}
		}
	}
}

func (a *aggregate) store(i int, v Value) {
	a.num[i], a.sums[i+1] = v.Num, v.Int
	if v.Kind == KindTime {
		a.num[i] = float64(v.Int)
	}
}

// at rebuilds the value of a slot that counts.
func (a *aggregate) at(i int) Value {
	if a.num == nil {
		return a.dict[a.code[i]]
	}
	x := a.num[i]
	switch {
	case a.kind == KindTime:
		return timeValue(int64(x))
	case a.kind == KindBool:
		return boolValue(x != 0)
	case x == math.Trunc(x) && math.Abs(x) < exactLimit:
		return intValue(int64(x))
	}
	return number(x)
}

// accumulate turns numbers at 1.. into sums of those before; false when one overflows.
func accumulate(sums []int64) bool {
	for i := 1; i < len(sums); i++ {
		sum := sums[i-1] + sums[i]
		if (sum > sums[i-1]) != (sums[i] > 0) && sums[i] != 0 {
			return false
		}
		sums[i] = sum
	}
	return true
}

// valueKey identifies a value among those of one expression.
type valueKey struct {
	text string
	bits uint64
}

func keyOf(v Value) valueKey {
	switch {
	case v.Kind == KindText:
		return valueKey{text: v.Text}
	case v.Exact || v.Kind == KindTime:
		return valueKey{bits: uint64(v.Int)}
	case v.Num == math.Trunc(v.Num) && math.Abs(v.Num) < exactLimit:
		return valueKey{bits: uint64(int64(v.Num))}
	}
	return valueKey{text: "fraction", bits: math.Float64bits(v.Num)}
}

// encode numbers the distinct values of the slots that count, in ascending order.
func (a *aggregate) encode() {
	s := a.slots
	a.code = make([]int32, len(s.row))
	seen := map[valueKey]int32{}
	f := &frame{probe: true, rule: a.rule}
	for e := range s.irregular {
		f.entity = int32(e)
		for i := s.start[e]; i < s.start[e+1]; i++ {
			if a.irregular[e] || a.kept[i+1] == a.kept[i] {
				continue
			}
			f.row = s.row[i]
			v, _ := a.take(f)
			k := keyOf(v)
			c, ok := seen[k]
			if !ok {
				c = int32(len(a.dict))
				seen[k] = c
				a.dict = append(a.dict, v)
			}
			a.code[i] = c
		}
	}
	a.sortDict()
}

func (a *aggregate) sortDict() {
	order := make([]int32, len(a.dict))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(x, y int32) int {
		c, _ := compare(a.dict[x], a.dict[y])
		return c
	})
	sorted, place := make([]Value, len(order)), make([]int32, len(order))
	for to, from := range order {
		sorted[to], place[from] = a.dict[from], int32(to)
	}
	a.dict = sorted
	for i, c := range a.code {
		if len(place) > 0 {
			a.code[i] = place[c]
		}
	}
}
