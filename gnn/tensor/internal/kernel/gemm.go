package kernel

import "sync"

// The product in plain Go copies A and B into panels that the tile reads front to
// back, padded with zeros to whole tiles, so that the tile needs no edge cases.
const (
	tileM = 4  // rows of C per tile
	tileN = 2  // columns of C per tile
	tileK = 16 // steps of the summed dimension per panel entry
	thinK = 6  // up to here a product is done row by row
)

type (
	panelA [tileM * tileK]Real // panelA[u*tileM+i] = A(i0+i, p0+u)
	panelB [tileN * tileK]Real // panelB[u*tileN+j] = B(p0+u, j0+j)
)

func plainPackedLen(k, n int) int {
	if k <= thinK {
		return k * n
	}
	return ceil(k, tileK) * ceil(n, tileN) * len(panelB{})
}

// plainPack lays B(p,j) = b[p*row+j*col] out in panels of tileN columns, or row by
// row for a thin product.
func plainPack(dst []Real, k, n int, b []Real, row, col int) {
	if k <= thinK {
		for p := range k {
			for j := range n {
				dst[p*n+j] = b[p*row+j*col]
			}
		}
		return
	}
	steps := ceil(k, tileK)
	if n%tileN != 0 || k%tileK != 0 {
		clear(dst)
	}
	for j := range n {
		at := j * col
		panels := dst[j/tileN*steps*len(panelB{}):]
		for u := range steps {
			y := (*panelB)(panels[u*len(panelB{}):])
			for v := range min(tileK, k-u*tileK) {
				y[v*tileN+j%tileN] = b[at]
				at += row
			}
		}
	}
}

var panelsOfA = sync.Pool{New: func() any { return new([]panelA) }}

func plainMul(x Product) {
	if x.M == 0 || x.N == 0 {
		return
	}
	if x.K <= thinK {
		for i := range x.M {
			thinRow(&x, i)
		}
		return
	}
	at := panelsOfA.Get().(*[]panelA)
	defer panelsOfA.Put(at)
	for p := 0; p < x.K; p += deepest {
		*at = grow(*at, ceil(min(deepest, x.K-p), tileK))
		for i := 0; i < x.M; i += tileM {
			packA(*at, &x, i, p)
			tileRow(*at, &x, i, p)
		}
	}
}

// thinRow adds K scaled rows of B to a row of C: with few steps the padding of the
// panels would cost more than the tile saves.
func thinRow(x *Product, i int) {
	dst := x.C[i*x.CRow:][:x.N]
	switch {
	case x.Add:
	case x.Bias != nil:
		copy(dst, x.Bias)
	default:
		clear(dst)
	}
	for p := range x.K {
		plainAxpy(dst, x.A[i*x.ARow+p*x.ACol], x.B[p*x.N:][:x.N])
	}
	if x.ReLU {
		plainReLU(dst)
	}
}

func plainReLU(x []Real) {
	for j, v := range x {
		x[j] = max(v, 0)
	}
}

// tileRow adds the steps from p on to tileM rows of C, from row i on, given their
// panels of A.
func tileRow(a []panelA, x *Product, i, p int) {
	var t [tileM * tileN]Real
	all := ceil(x.K, tileK)
	for j := 0; j < x.N; j += tileN {
		tile(a, x.B[(j/tileN*all+p/tileK)*len(panelB{}):], &t)
		cols := min(tileN, x.N-j)
		for r := range min(tileM, x.M-i) {
			dst := x.C[(i+r)*x.CRow+j:][:cols]
			sum := t[r*tileN:][:cols]
			switch {
			case x.Add || p > 0:
				plainAdd(dst, sum)
			case x.Bias != nil:
				copy(dst, x.Bias[j:])
				plainAdd(dst, sum)
			default:
				copy(dst, sum)
			}
			if x.ReLU && p+deepest >= x.K {
				plainReLU(dst)
			}
		}
	}
}

// packA copies rows i..i+tileM of A, columns from p on, into the panels.
func packA(panels []panelA, x *Product, i, p int) {
	rows, deep := min(tileM, x.M-i), min(deepest, x.K-p)
	if rows < tileM || deep%tileK != 0 {
		clear(panels)
	}
	for r := range rows {
		at := (i+r)*x.ARow + p*x.ACol
		for u := range panels {
			dst := &panels[u]
			for v := range min(tileK, deep-u*tileK) {
				dst[v*tileM+r] = x.A[at]
				at += x.ACol
			}
		}
	}
}
