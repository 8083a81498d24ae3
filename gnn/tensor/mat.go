package tensor

import "fmt"

// Mat is a row-major matrix: element (i, j) is Data[i*Cols+j].
type Mat struct {
	Rows, Cols int
	Data       []Real
}

// NewMat returns a zero matrix on the heap.
func NewMat(rows, cols int) Mat {
	return Mat{rows, cols, make([]Real, rows*cols)}
}

// MatOf wraps data, which must hold rows*cols elements, without a copy.
func MatOf(rows, cols int, data ...Real) Mat {
	if len(data) != rows*cols {
		panic(fmt.Sprintf("tensor: %d elements for a %dx%d matrix", len(data), rows, cols))
	}
	return Mat{rows, cols, data}
}

// At returns element (i, j).
func (m Mat) At(i, j int) Real { return m.Data[i*m.Cols+j] }

// Set stores element (i, j).
func (m Mat) Set(i, j int, v Real) { m.Data[i*m.Cols+j] = v }

// Row returns row i; writing to it writes to m.
func (m Mat) Row(i int) []Real { return m.Data[i*m.Cols:][:m.Cols:m.Cols] }

// Len returns the number of elements.
func (m Mat) Len() int { return m.Rows * m.Cols }

// Clone returns a copy on the heap.
func (m Mat) Clone() Mat {
	c := NewMat(m.Rows, m.Cols)
	copy(c.Data, m.Data)
	return c
}

// slice returns rows lo to hi.
func (m Mat) slice(lo, hi int) Mat {
	return Mat{hi - lo, m.Cols, m.Data[lo*m.Cols : hi*m.Cols]}
}

func (m Mat) shape() string { return fmt.Sprintf("%dx%d", m.Rows, m.Cols) }
