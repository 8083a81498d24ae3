//go:build amd64 && !noasm && !real64

package kernel

import (
	"sync"
	"unsafe"
)

// The copies move rows > 0 times from + i*fromStep to to + i*toStep, distances in
// bytes.

// copyColumns moves 16 columns, and stores 0 for those that the mask leaves out; of
// these nothing is read.
//
//go:noescape
func copyColumns(to *Real, toStep int, from *Real, fromStep, rows int, mask *[panelMost]int32)

// copySix moves 6 columns.
//
//go:noescape
func copySix(to *Real, toStep int, from *Real, fromStep, rows int)

// copyTwelve moves 12 columns.
//
//go:noescape
func copyTwelve(to *Real, toStep int, from *Real, fromStep, rows int)

// transposeRows turns eight rows of 8*rows columns into as many rows of eight: column
// p of row j goes to to + p*toStep, element j.
//
//go:noescape
func transposeRows(to *Real, toStep int, from *Real, fromStep, rows int)

func (w vectors) packedLen(k, n int) int { return k * ceil(n, int(w)) * int(w) }

// pack lays B out in panels: panel[j/w][p][j%w], zeros behind the last column.
func (w vectors) pack(dst []Real, k, n int, b []Real, row, col int) {
	if k == 0 {
		return
	}
	for j := 0; j < n; j += int(w) {
		panel, cols := dst[j*k:][:k*int(w)], min(int(w), n-j)
		switch {
		case col == 1:
			w.packRows(panel, k, cols, b[j:], row)
		case row == 1:
			w.packColumns(panel, k, cols, b[j*col:], col)
		default:
			w.packAny(panel, k, 0, 0, cols, b[j*col:], row, col)
		}
	}
}

// packRows copies a panel whose rows lie in rows of b.
func (w vectors) packRows(panel []Real, k, cols int, b []Real, row int) {
	_ = b[(k-1)*row+cols-1]
	for j := 0; j < int(w); j += 16 {
		if j < cols {
			copyColumns(&panel[j], int(w)*size, &b[j], row*size, k, &columnMasks[min(16, cols-j)])
			continue
		}
		for p := range k {
			clear(panel[p*int(w)+j:][:16])
		}
	}
}

// packColumns copies a panel whose columns lie in rows of b, by squares of eight.
func (w vectors) packColumns(panel []Real, k, cols int, b []Real, col int) {
	_ = b[(cols-1)*col+k-1]
	squares, whole := k/8, cols/8*8
	if cols < int(w) {
		clear(panel)
	}
	if squares > 0 {
		for j := 0; j < whole; j += 8 {
			transposeRows(&panel[j], int(w)*size, &b[j*col], col*size, squares)
		}
		w.packAny(panel, squares*8, 0, whole, cols, b, 1, col)
	}
	w.packAny(panel, k, squares*8, 0, cols, b, 1, col)
}

// packAny copies the steps from p to k of the columns from j0 to cols one by one.
func (w vectors) packAny(panel []Real, k, p, j0, cols int, b []Real, row, col int) {
	for ; p < k; p++ {
		for j := j0; j < cols; j++ {
			panel[p*int(w)+j] = b[p*row+j*col]
		}
	}
}

// tall is the height of the tallest tile.
func (w vectors) tall() int {
	if w == zmm {
		return 12
	}
	return 6
}

var blocksOfA = sync.Pool{New: func() any { return new([]Real) }}

// packA copies a block of a transposed A, whose rows lie in columns, into panels as
// high as the tallest tile: panel[i/tall][p][i%tall].
func (w vectors) packA(dst, a []Real, rows, k, col int) {
	tall := w.tall()
	for i := 0; i < rows; i += tall {
		panel, from := dst[i*k:], a[i:]
		switch {
		case i+tall > rows:
			for p := range k {
				copy(panel[p*tall:], from[p*col:][:rows-i])
			}
		case w == zmm:
			copyTwelve(&panel[0], tall*size, &from[0], col*size, k)
		default:
			copySix(&panel[0], tall*size, &from[0], col*size, k)
		}
	}
}

// address is the place of element at of x, which may lie behind the end where
// nothing is read.
func address(x []Real, at int) *Real { return unsafe.SliceData(from(x, at)) }
