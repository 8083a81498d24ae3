package boost

import (
	"errors"
	"fmt"
	"math"
)

// Column is one feature of every row.
type Column struct {
	Name   string
	Values []float64 // rows; NaN = missing. Of a category: its position in Categories

	// Categories is the vocabulary of a categorical column; nil means numbers.
	Categories []string
	// Monotone is +1 where predictions may only grow with the column, -1 where they may
	// only fall, 0 where they are free. Numbers only.
	Monotone int
}

// Dataset is a table with labels. It is read, never written, and may be shared.
type Dataset struct {
	Columns []Column
	Label   []float64 // rows: value, 0 or 1, position of the class, or relevance 0, 1, 2...
	Weight  []float64 // rows; nil = all 1
	Group   []int     // ranking: the length of each consecutive group of rows
}

// FromRows makes columns of a matrix of rows x len(names), row-major.
func FromRows(names []string, x []float64) []Column {
	width := len(names)
	if width == 0 {
		return nil
	}
	n := len(x) / width
	flat := make([]float64, n*width)
	columns := make([]Column, width)
	for j := range columns {
		columns[j] = Column{Name: names[j], Values: flat[j*n : (j+1)*n : (j+1)*n]}
	}
	for i := range n {
		for j, v := range x[i*width : (i+1)*width] {
			flat[j*n+i] = v
		}
	}
	return columns
}

// Rows is the number of rows.
func (d *Dataset) Rows() int {
	if len(d.Columns) == 0 {
		return len(d.Label)
	}
	return len(d.Columns[0].Values)
}

// validate joins what is wrong with the table; labels are checked by the objective.
func (d *Dataset) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	n := d.Rows()
	if n == 0 {
		bad("the table has no rows, want at least 1")
	}
	if n > math.MaxInt32 {
		bad("the table has %d rows, want at most %d", n, math.MaxInt32)
	}
	if len(d.Label) != n {
		bad("%d labels for %d rows", len(d.Label), n)
	}
	if d.Weight != nil && len(d.Weight) != n {
		bad("%d weights for %d rows", len(d.Weight), n)
	}
	total := 0.0
	for i, w := range d.Weight {
		total += w
		if !(w >= 0) || math.IsInf(w, 1) {
			bad("weight %v of row %d, want a number of at least 0", w, i)
			break
		}
	}
	if d.Weight != nil && n > 0 && total == 0 {
		bad("all weights are 0")
	}
	if d.Group != nil {
		sum := 0
		for i, g := range d.Group {
			if g < 1 {
				bad("group %d has length %d, want at least 1", i, g)
			}
			sum += g
		}
		if sum != n {
			bad("groups hold %d rows, the table %d", sum, n)
		}
	}
	for j := range d.Columns {
		if err := d.Columns[j].validate(n); err != nil {
			errs = append(errs, fmt.Errorf("column %q: %w", d.Columns[j].Name, err))
		}
	}
	return errors.Join(errs...)
}

func (c *Column) validate(rows int) error {
	if len(c.Values) != rows {
		return fmt.Errorf("%d values, the first column has %d", len(c.Values), rows)
	}
	if c.Monotone < -1 || c.Monotone > 1 {
		return fmt.Errorf("monotone is %d, want -1, 0 or 1", c.Monotone)
	}
	if c.Categories == nil {
		return nil
	}
	if c.Monotone != 0 {
		return errors.New("categories have no order, so Monotone must be 0")
	}
	for i, v := range c.Values {
		if v == v && (v != math.Trunc(v) || v >= float64(len(c.Categories)) || v < 0) {
			return fmt.Errorf("category %v in row %d, want a position below %d or NaN", v, i, len(c.Categories))
		}
	}
	return nil
}
