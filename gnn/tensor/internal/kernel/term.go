package kernel

import (
	"math"
	"unsafe"
)

// Term is one summand of [Rows.SumTerms]: row i is the row index[i] of its matrix, and
// with index -1 there is none. Without indices it is the row i. The field order is known
// to package gen.
type Term struct {
	rows  unsafe.Pointer // *Real or *uint16
	index unsafe.Pointer // *int32 or nil
	kind  int
	steps int            // of a product: numbers per row
	by    unsafe.Pointer // of a product: *Real, steps x cols
}

// Kinds of terms. Rows of 16 bits need a number of columns that [WholeHalves] accepts.
const (
	termFloat = iota
	termHalf
	termBrain
	termProduct
)

// WholeHalves says whether rows of that many columns can be terms of 16-bit numbers.
func WholeHalves(cols int) bool { return cols%16 == 0 }

// TermOf is the term of a matrix and of indices or nil.
func TermOf(x []Real, index []int32) Term {
	return Term{rows: unsafe.Pointer(unsafe.SliceData(x)), index: unsafe.Pointer(unsafe.SliceData(index))}
}

// HalfTermOf is [TermOf] for half precision or, with brain, bfloat16.
func HalfTermOf(x []uint16, brain bool, index []int32) Term {
	t := Term{rows: unsafe.Pointer(unsafe.SliceData(x)), index: unsafe.Pointer(unsafe.SliceData(index)), kind: termHalf}
	if brain {
		t.kind = termBrain
	}
	return t
}

// ProductTermOf is the term x by: row i is row index[i] of x, steps numbers, times by
// (steps x cols), added to the sum so far one step after the other.
func ProductTermOf(x []Real, steps int, by []Real, index []int32) Term {
	t := TermOf(x, index)
	t.kind, t.steps, t.by = termProduct, steps, unsafe.Pointer(unsafe.SliceData(by))
	return t
}

// at returns which row of its matrix row i is, and -1 for none.
func (t Term) at(i int) int {
	if t.index == nil {
		return i
	}
	return int(*(*int32)(unsafe.Add(t.index, 4*i)))
}

// numbers is n elements of a matrix from element lo on.
func numbers[T any](start unsafe.Pointer, lo, n int) []T {
	var zero T
	return unsafe.Slice((*T)(unsafe.Add(start, uintptr(lo)*unsafe.Sizeof(zero))), n)
}

// each calls add with the rows that row i of the term adds to the sum, each times a
// factor, in order. scratch holds cols numbers.
func (t Term) each(i, cols int, scratch []Real, add func(factor Real, row []Real)) {
	r := t.at(i)
	if r < 0 {
		return
	}
	switch t.kind {
	case termFloat:
		add(1, numbers[Real](t.rows, r*cols, cols))
	case termProduct:
		for j, f := range numbers[Real](t.rows, r*t.steps, t.steps) {
			add(f, numbers[Real](t.by, j*cols, cols))
		}
	default:
		for j, h := range numbers[uint16](t.rows, r*cols, cols) {
			if t.kind == termBrain {
				scratch[j] = Real(math.Float32frombits(uint32(h) << 16))
			} else {
				scratch[j] = Real(fromHalf(h))
			}
		}
		add(1, scratch)
	}
}

func plainSumTerms(dst []Real, cols, lo int, terms []Term) {
	if cols == 0 {
		return
	}
	var scratch []Real
	for _, t := range terms {
		if scratch == nil && (t.kind == termHalf || t.kind == termBrain) {
			scratch = make([]Real, cols)
		}
	}
	for i := range len(dst) / cols {
		sum := dst[i*cols:][:cols]
		clear(sum)
		for _, t := range terms {
			t.each(lo+i, cols, scratch, func(factor Real, row []Real) {
				if t.kind == termProduct {
					plainAxpy(sum, factor, row)
				} else {
					plainAdd(sum, row)
				}
			})
		}
	}
}
