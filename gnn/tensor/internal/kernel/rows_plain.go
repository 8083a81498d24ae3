package kernel

// plainRows are the twins in portable Go.
var plainRows = Rows{
	SegmentSum:     plainSegmentSum,
	SegmentMix:     plainSegmentMix,
	SegmentUnmix:   plainSegmentUnmix,
	SegmentMax:     plainSegmentMax,
	SegmentMaxBack: plainSegmentMaxBack,
	GatherRows:     plainGatherRows,
	SumTerms:       plainSumTerms,
	ColumnSums:     plainColumnSums,
	NormRows:       plainNormRows,
	NormBack:       plainNormBack,
	Scan:           plainScan,
}

// eachSegment calls body with every destination's row and the range of its edges.
func eachSegment(dst []Real, cols int, ptr []int32, mode Mode, body func(row []Real, lo, hi int32)) {
	for i := range len(ptr) - 1 {
		row := dst[i*cols:][:cols]
		if mode&AddTo == 0 {
			clear(row)
		}
		body(row, ptr[i], ptr[i+1])
	}
}

func plainSegmentSum(dst, x []Real, cols int, ptr, src []int32, mode Mode) {
	eachSegment(dst, cols, ptr, mode, func(row []Real, lo, hi int32) {
		plainGatherSum(row, x, cols, src[lo:hi])
		if n := hi - lo; mode&MeanOf != 0 && n > 1 {
			plainScale(row, 1/Real(n), row)
		}
	})
}

func plainSegmentMix(dst, x []Real, cols int, ptr, src []int32, w []Real, heads int, mode Mode) {
	eachSegment(dst, heads*cols, ptr, mode, func(row []Real, lo, hi int32) {
		if lo == hi {
			return
		}
		for h := range heads {
			plainGatherAxpy(row[h*cols:][:cols], x, cols, src[lo:hi], w[int(lo)*heads+h:], heads)
		}
	})
}

func plainSegmentUnmix(dst, g []Real, cols int, ptr, to, edge []int32, w []Real, heads int, mode Mode) {
	eachSegment(dst, cols, ptr, mode, func(row []Real, lo, hi int32) {
		for p := lo; p < hi; p++ {
			weights, from := w[int(edge[p])*heads:][:heads], g[int(to[p])*heads*cols:]
			for h, a := range weights {
				plainAxpy(row, a, from[h*cols:][:cols])
			}
		}
	})
}

func plainSegmentMax(dst []Real, arg []int32, x []Real, cols int, ptr, src []int32, mode Mode) {
	i := 0
	eachSegment(dst, cols, ptr, Store, func(row []Real, lo, hi int32) {
		from := arg[i*cols:][:cols]
		i++
		for e := lo; e < hi; e++ {
			for j, v := range x[int(src[e])*cols:][:cols] {
				if e == lo || v > row[j] == (mode&Least == 0) && v != row[j] {
					row[j], from[j] = v, e
				}
			}
		}
	})
}

func plainSegmentMaxBack(dst, g []Real, arg []int32, cols int, ptr, to, edge []int32, mode Mode) {
	eachSegment(dst, cols, ptr, mode, func(row []Real, lo, hi int32) {
		for p := lo; p < hi; p++ {
			at := int(to[p]) * cols
			grad := g[at:][:cols]
			for j, from := range arg[at:][:cols] {
				if from == edge[p] {
					row[j] += grad[j]
				}
			}
		}
	})
}

func plainGatherRows(dst, x []Real, cols int, idx []int32, mode Mode) {
	for i, r := range idx {
		row := dst[i*cols:][:cols]
		switch {
		case r < 0 && mode&AddTo == 0:
			clear(row)
		case r < 0:
		case mode&AddTo != 0:
			plainAdd(row, x[int(r)*cols:][:cols])
		default:
			copy(row, x[int(r)*cols:][:cols])
		}
	}
}
